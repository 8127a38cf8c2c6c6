// Lineage: a picture of what this recording, or one snippet of it, was made of, and of everything that uses it; and the
// same as lists.
import { all, get } from "../lib/api.js";
import { button, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { addressOf, place } from "../lib/place.js";
import { nameOf } from "../lib/recording.js";
import { clock } from "../lib/time.js";
import { load } from "../views/failure.js";
import { LineageGraph } from "./lineage_graph.js";
import { addressOfNode, kindOf, lineagePicture } from "./lineage_picture.js";

/** Uses and artifacts that are listed. */
const LISTED = 300;
/** Uses that are read: most are samples, which are left out where no window is marked. */
const USES = 3000;
/** Samples in a window whose further uses are followed. */
const FOLLOWED = 6;

export function lineagePanel(context) {
    const element = h("div", { class: "panel" });
    let focus = place().artifact ?? "";
    let stop = () => {};
    const show = () => {
        stop();
        stop = () => {};
        const canvas = h("div", { class: "lineage", tabindex: 0, role: "region", "aria-label": t("lineage.picture") });
        load(element, async () => {
            const found = focus ? await ofArtifact(focus) : await ofRecording(context);
            if (found.graph.nodes.size) stop = lineagePicture(canvas, found.graph, context.recording.asset.id);
            return [
                focus &&
                    h(
                        "p",
                        { class: "row" },
                        h("span", { class: "grow" }, t("lineage.ofSnippet", { kind: kindOf(found.kind) })),
                        h(
                            "a",
                            {
                                href: addressOf({
                                    view: "recording",
                                    asset: context.recording.asset.id,
                                    tab: "lineage",
                                }),
                            },
                            t("lineage.whole"),
                        ),
                    ),
                found.graph.nodes.size > 0 && canvas,
                found.lists,
            ];
        });
    };
    show();
    const onwindow = () => !focus && show();
    context.player.addEventListener("window", onwindow);
    return {
        element,
        accept(state) {
            if ((state.artifact ?? "") === focus) return;
            focus = state.artifact ?? "";
            show();
        },
        close() {
            stop();
            context.player.removeEventListener("window", onwindow);
        },
    };
}

/** One artifact: back to the recording, and on to everything made of it. */
async function ofArtifact(id) {
    const path = `/media-v2/artifacts/${encodeURIComponent(id)}/lineage`;
    const [up, down] = await Promise.all([get(path, { direction: "up" }), get(path, { direction: "down" })]);
    const graph = new LineageGraph(id);
    graph.addLineage(up);
    graph.addLineage(down);
    const clips = down.clips.filter(clip => clip.relation === "shows" && clip.artifact_id === id);
    for (const clip of clips)
        graph.addUsages(clip.asset_id, [
            { kind: "clip", id: clip.clip_id, start_ms: clip.in_ms, end_ms: clip.out_ms, artifact_id: id },
        ]);
    const below = down.artifacts.filter(artifact => artifact.id !== id);
    return {
        graph,
        kind: up.artifacts[0].kind,
        lists: [
            section("lineage.from", chain(up)),
            h("p", {}, searchLink({ artifact: id })),
            section(
                "lineage.uses",
                below.length + clips.length
                    ? h(
                          "ul",
                          { class: "list" },
                          [...below.map(({ id }) => id), ...clips.map(({ clip_id }) => clip_id)]
                              .slice(0, LISTED)
                              .map(id => nodeRow(graph.nodes.get(id) ?? { id, kind: "", asset: "" }, graph)),
                      )
                    : h("p", { class: "hint" }, t("lineage.unused")),
            ),
        ],
    };
}

/** The recording: where it comes from, if it was made here, and the uses of the marked window. */
async function ofRecording({ recording, player }) {
    const { asset } = recording;
    const path = `/media-v2/assets/${encodeURIComponent(asset.id)}`;
    const { window } = player;
    const range = window ? { start_ms: window.start, end_ms: window.end } : {};
    const [renders, found, artifacts] = await Promise.all([
        all(`${path}/artifacts`, { kind: "render" }, 100),
        all(`${path}/usages`, range, USES),
        all(`${path}/artifacts`, {}, 3000),
    ]);
    const self = renders.find(
        ({ meta, upstream_artifact_ids }) => meta.render_asset_id === asset.id && upstream_artifact_ids.length,
    );
    const up = self && (await get(`/media-v2/artifacts/${self.id}/lineage`, { direction: "up" }));
    const graph = new LineageGraph(self?.id ?? null);
    graph.assets.set(asset.id, asset);
    if (up) graph.addLineage(up);
    const usages = found.filter(usage => usage.id !== self?.id);
    // Samples that nothing uses would hide those that something uses.
    const samples = usages.filter(isSample);
    const followed = window ? samples.slice(0, FOLLOWED) : [];
    graph.addUsages(asset.id, window ? usages : usages.filter(usage => !isSample(usage)), self?.id);
    const further = await Promise.all(
        followed.map(({ id }) => get(`/media-v2/artifacts/${id}/lineage`, { direction: "down" })),
    );
    for (const lineage of further) graph.addLineage(lineage);
    return {
        graph,
        lists: [
            section("lineage.from", up ? chain(up) : h("p", { class: "hint" }, t("lineage.original"))),
            h("p", {}, searchLink({ asset: asset.id, in: window?.start, out: window?.end })),
            section(
                "lineage.uses",
                h("p", { class: "hint" }, t("lineage.usesHint")),
                usesList(window ? usages : usages.filter(({ kind }) => kind !== "audio_hit"), player),
            ),
            section("lineage.made", madeList(artifacts)),
        ],
    };
}

/** To the same sound elsewhere in the library, which no lineage knows of. */
const searchLink = query => h("a", { href: addressOf({ view: "identify", ...query }) }, t("lineage.elsewhere"));
const isSample = ({ kind }) => /^audio_(hit|loop|phrase)$/.test(kind);
const section = (title, ...content) => [h("h2", {}, t(title)), content];

function usesList(usages, player) {
    if (!usages.length) return h("p", { class: "hint" }, t("lineage.unused"));
    return h(
        "ul",
        { class: "list" },
        usages.slice(0, LISTED).map(usage =>
            h(
                "li",
                {},
                button(
                    `${clock(usage.start_ms, 1)} – ${clock(usage.end_ms, 1)}`,
                    () => player.playWindow(usage.start_ms, usage.end_ms),
                    { class: "link" },
                ),
                " ",
                h("span", { class: "tag" }, kindOf(usage.kind)),
                " ",
                h("small", { class: "hint" }, usage.id),
            ),
        ),
    );
}

function nodeRow(node, graph) {
    const film = node.film && graph.assets.get(node.film);
    return h(
        "li",
        {},
        h("span", { class: "tag" }, kindOf(node.kind)),
        " ",
        h("a", { href: addressOfNode(node) }, film ? nameOf(film) : node.id),
    );
}

function madeList(artifacts) {
    const shown = artifacts.filter(artifact => !isSample(artifact));
    if (!shown.length) return h("p", { class: "hint" }, t("lineage.nothing"));
    return h("ul", { class: "list" }, shown.slice(0, LISTED).map(artifactRow));
}

function artifactRow(artifact) {
    const film = artifact.meta.render_asset_id;
    return h(
        "li",
        {},
        h("span", { class: "tag" }, kindOf(artifact.kind)),
        " ",
        film
            ? h("a", { href: addressOf({ view: "recording", asset: film }) }, t("shots.open"))
            : h("small", { class: "hint" }, artifact.meta.backend_version ?? ""),
        artifact.start_ms !== null && h("span", { class: "time" }, ` ${clock(artifact.start_ms, 1)}`),
        " ",
        h("small", { class: "hint" }, artifact.id),
    );
}

/** What an artifact was made of, the nearest first, down to the recordings. */
function chain({ artifacts, assets, origin_maps }) {
    const names = new Map(assets.map(asset => [asset.id, nameOf(asset)]));
    const maps = new Map(origin_maps.map(map => [map.audio_artifact_id, map]));
    return h(
        "ol",
        { class: "chain" },
        artifacts.slice(0, LISTED).map(artifact => {
            const map = maps.get(artifact.id);
            const source = map
                ? {
                      asset: map.parent_asset_id,
                      t: map.source_start_ms,
                      in: map.source_start_ms,
                      out: map.source_end_ms,
                  }
                : null;
            const step = h(
                "li",
                {},
                h("span", { class: "tag" }, kindOf(artifact.kind)),
                " ",
                source &&
                    h(
                        "a",
                        { href: addressOf({ view: "recording", ...source }) },
                        `${names.get(source.asset) ?? source.asset} ${clock(source.t)}`,
                    ),
            );
            step.style.setProperty("--depth", String(Math.min(artifact.depth, 8)));
            return step;
        }),
    );
}
