// The graph of a lineage: what something was made of, and what was made of it, by layers; no elements, no calls.

/** What is known about a recording, which is no part of it. */
const NOTES = new Set(["audio_semantic_timeline", "asr_transcript"]);
/** Nodes of a layer; the others are counted. */
const SHOWN = 8;
/** Steps that the service follows. */
const STEPS = 64;

export class LineageGraph {
    /** `focus`: the key of the node that the picture is about, or null where it is about a recording. */
    constructor(focus = null) {
        Object.assign(this, { focus, nodes: new Map(), edges: new Map(), assets: new Map() });
    }

    /** Adds the answer of a lineage, in either direction. */
    addLineage({ artifacts, edges, assets, origin_maps }) {
        const maps = new Map(origin_maps.map(map => [map.audio_artifact_id, map]));
        for (const asset of assets) this.assets.set(asset.id, asset);
        for (const artifact of artifacts) {
            const { id, kind, meta } = artifact;
            if (NOTES.has(kind) && id !== this.focus) continue;
            const film = meta.render_asset_id ?? null;
            const map = maps.get(id);
            const window = map
                ? { asset: map.parent_asset_id, start: map.source_start_ms, end: map.source_end_ms }
                : artifact.start_ms !== null && film !== artifact.parent_asset_id
                  ? { asset: artifact.parent_asset_id, start: artifact.start_ms, end: artifact.end_ms }
                  : null;
            this.nodes.set(id, { id, kind, window, film, asset: artifact.parent_asset_id });
        }
        for (const edge of edges) this.addEdge(edge.upstream_artifact_id, edge.artifact_id);
    }

    /** Adds the uses of a recording; those of a film hang on the node that it is. */
    addUsages(asset, usages, parent = null) {
        for (const { id, kind, start_ms, end_ms, artifact_id } of usages) {
            if (!this.nodes.has(id))
                this.nodes.set(id, { id, kind, window: { asset, start: start_ms, end: end_ms }, film: null, asset });
            if (artifact_id) this.addEdge(artifact_id, id);
            if (parent) this.addEdge(parent, id);
        }
    }

    addEdge(from, to) {
        if (from !== to) this.edges.set(`${from}>${to}`, { from, to });
    }

    /**
     * Rows of nodes from the origin to the last use, `{key, nodes, more}`; edges between nodes that are shown, each once;
     * the recordings at the top, each with the windows that lead down.
     */
    layout() {
        const edges = [...this.edges.values()].filter(({ from, to }) => this.nodes.has(from) && this.nodes.has(to));
        const layer = this.#layers(edges);
        const rows = new Map();
        for (const node of this.nodes.values()) {
            const at = layer.get(node.id) ?? 0;
            if (!rows.has(at)) rows.set(at, []);
            rows.get(at).push(node);
        }
        const shownAs = new Map();
        const ordered = [...rows.entries()]
            .sort(([a], [b]) => a - b)
            .map(([at, nodes]) => {
                nodes.sort((a, b) => this.#rank(a) - this.#rank(b) || order(a, b));
                const shown = nodes.length > SHOWN ? nodes.slice(0, SHOWN - 1) : nodes;
                const more = nodes.length > SHOWN ? { id: `more${at}`, count: nodes.length - shown.length } : null;
                for (const node of nodes) shownAs.set(node.id, shown.includes(node) ? node.id : more.id);
                return { nodes: shown, more };
            });
        const joined = new Map();
        for (const { from, to } of edges) {
            const [a, b] = [shownAs.get(from), shownAs.get(to)];
            if (a !== b) joined.set(`${a}>${b}`, { from: a, to: b });
        }
        return { rows: ordered, edges: reduced([...joined.values()]), sources: this.#sources(edges, shownAs) };
    }

    #rank(node) {
        return node.id === this.focus ? 0 : 1;
    }

    /** The longest way of each node from the roots, so that edges point down. Cycles, which no engine makes, end. */
    #layers(edges) {
        const layer = new Map([...this.nodes.keys()].map(id => [id, 0]));
        for (let round = 0, isChanged = true; isChanged && round < STEPS; round += 1) {
            isChanged = false;
            for (const { from, to } of edges) {
                if (layer.get(to) > layer.get(from)) continue;
                layer.set(to, layer.get(from) + 1);
                isChanged = true;
            }
        }
        return layer;
    }

    /** Recordings with the windows of nodes that were made of nothing else. */
    #sources(edges, shownAs) {
        const derived = new Set(edges.map(edge => edge.to));
        const sources = new Map();
        for (const node of this.nodes.values()) {
            if (!node.window || derived.has(node.id)) continue;
            const { asset, start, end } = node.window;
            if (!sources.has(asset))
                sources.set(asset, { id: asset, asset: this.assets.get(asset) ?? null, windows: [] });
            sources.get(asset).windows.push({ start, end, to: shownAs.get(node.id) });
        }
        return [...sources.values()];
    }
}

/** Edges without those that a longer way says, too. */
function reduced(edges) {
    const below = new Map();
    for (const { from, to } of edges) below.set(from, [...(below.get(from) ?? []), to]);
    const leadsTo = (start, end) => {
        const seen = new Set([start]);
        for (const id of seen) {
            for (const next of below.get(id) ?? []) {
                if (next === end) return true;
                seen.add(next);
            }
        }
        return false;
    };
    return edges.filter(({ from, to }) => !below.get(from).some(next => next !== to && leadsTo(next, to)));
}

const order = (a, b) =>
    (a.window?.start ?? Infinity) - (b.window?.start ?? Infinity) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
