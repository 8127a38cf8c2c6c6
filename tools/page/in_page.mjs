// Functions that run in the page, of both browsers. Each is sent as text, so it uses nothing of this module.

/** Distances of the playhead from the frame that is shown, in ms, of half a second of playing. */
export function playheadOffsets() {
    const video = document.querySelector("video"),
        lanes = document.querySelector(".lanes"),
        head = document.querySelector(".playhead");
    const offsets = [];
    return new Promise(resolve => {
        const shown = (_, { mediaTime }) =>
            requestAnimationFrame(() => {
                const state = new URLSearchParams(location.hash.slice(1));
                const [from, to] = [Number(state.get("from") ?? 0), Number(state.get("to") ?? video.duration * 1000)];
                const at = from + (new DOMMatrix(getComputedStyle(head).transform).e / lanes.clientWidth) * (to - from);
                offsets.push(at - mediaTime * 1000);
                if (offsets.length < 15) video.requestVideoFrameCallback(shown);
                else resolve(offsets);
            });
        video.requestVideoFrameCallback(shown);
        setTimeout(() => resolve(offsets), 5000);
    });
}

/** Whether a lane has more on it than the grid: at least three colours. */
export function drawn(name) {
    const label = [...document.querySelectorAll(".lane-label")].find(label => label.textContent === name);
    const canvas = document.querySelector(".lanes canvas");
    if (!label || label.clientHeight < 4 || !canvas?.width) return false;
    const ratio = devicePixelRatio;
    const top = (label.getBoundingClientRect().top - canvas.getBoundingClientRect().top) * ratio;
    const { data } = canvas
        .getContext("2d")
        .getImageData(0, Math.round(top), canvas.width, Math.round((label.clientHeight - 2) * ratio));
    const colours = new Set();
    for (let pixel = 0; pixel < data.length; pixel += 4)
        colours.add((data[pixel] << 16) | (data[pixel + 1] << 8) | data[pixel + 2]);
    return colours.size >= 3;
}

/** Notes where the media element is when it was sent somewhere, in seconds, as `seeks`. */
export function noteSeeks() {
    globalThis.seeks = [];
    const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "currentTime");
    Object.defineProperty(document.querySelector("video"), "currentTime", {
        get,
        // At once: an event would come after it has played on.
        set(seconds) {
            set.call(this, seconds);
            globalThis.seeks.push(get.call(this));
        },
    });
}

export const canPlay = () => document.querySelector("video")?.readyState >= 2;

/** Renders the clips of a pattern here, and compares them with the service's WAVE file. */
export async function comparePattern({ pattern, render }) {
    const { renderClips } = await import("/app/make/kit.js");
    const { clipsOf, gridOf, lengthMs } = await import("/app/make/pattern.js");
    const { get, send } = await import("/app/lib/api.js");
    const { items } = await get("/audio/patterns/templates");
    const samples = Object.fromEntries(pattern.clips.map(clip => [clip.label, clip.artifact_id]));
    const grid = gridOf(items.find(template => template.template_id === pattern.meta.template_id));
    const own = clipsOf(grid, samples, { bpm: pattern.bpm, swing: pattern.swing_pct, bars: pattern.meta.bars });
    const starts =
        own.length === pattern.clips.length &&
        own.every(
            (clip, index) =>
                clip.start_ms === pattern.clips[index].start_ms &&
                clip.artifact_id === pattern.clips[index].artifact_id,
        );
    const rate = 48_000;
    const mine = await renderClips(own, lengthMs(pattern.bpm, pattern.meta.bars), rate);
    const bytes = await (await send("GET", `/media-v2/assets/${render.asset_id}/content`)).arrayBuffer();
    const theirs = await new OfflineAudioContext(2, 1, rate).decodeAudioData(bytes);
    const gain = 10 ** (render.gain_db / 20);
    let worst = 0,
        peak = 0;
    for (let channel = 0; channel < 2; channel += 1) {
        const [a, b] = [mine.getChannelData(channel), theirs.getChannelData(channel)];
        for (let frame = 0; frame < Math.min(a.length, b.length); frame += 1) {
            worst = Math.max(worst, Math.abs(a[frame] * gain - b[frame]));
            peak = Math.max(peak, Math.abs(b[frame]));
        }
    }
    return { starts, worst, peak };
}

/** The rows of a lineage with a cycle, a shortcut and more nodes than a row shows. */
export async function layoutOfGraph() {
    const { LineageGraph } = await import("/app/panels/lineage_graph.js");
    const graph = new LineageGraph("film");
    const artifact = (id, kind, start_ms = null) => ({
        id,
        kind,
        start_ms,
        end_ms: start_ms === null ? null : start_ms + 10,
        parent_asset_id: "asset",
        meta: {},
    });
    const hits = Array.from({ length: 12 }, (_, index) => artifact(`hit${index}`, "audio_hit", index * 100));
    const edge = (from, to) => ({ upstream_artifact_id: from, artifact_id: to });
    graph.addLineage({
        artifacts: [
            artifact("film", "render"),
            artifact("shots", "video_shot_list"),
            artifact("analysis", "audio_semantic_timeline"),
            ...hits,
        ],
        edges: [
            edge("shots", "film"),
            ...hits.flatMap(({ id }) => [edge("analysis", id), edge(id, "shots"), edge(id, "film")]),
        ],
        assets: [{ id: "asset", duration_ms: 2000, meta: {} }],
        origin_maps: [],
    });
    const { rows, edges, sources } = graph.layout();
    graph.addEdge("film", "hit0");
    graph.layout();
    return {
        rows: rows.map(({ nodes, more }) => [nodes.length, nodes[0].id, more?.count ?? 0]),
        edges: edges.map(({ from, to }) => `${from}>${to}`),
        windows: sources.map(source => source.windows.length),
    };
}
