// Lineage: what was made of this recording, what this recording was made of, and where it is used.
import { all, get } from "../lib/api.js";
import { button, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { addressOf } from "../lib/place.js";
import { nameOf } from "../lib/recording.js";
import { clock } from "../lib/time.js";
import { load } from "../views/failure.js";

/** Uses and artifacts that are listed. */
const LISTED = 300;

export function lineagePanel(context) {
    const { recording, player } = context;
    const { asset } = recording;
    const origin = h("div"),
        uses = h("div"),
        made = h("div");
    const path = `/media-v2/assets/${encodeURIComponent(asset.id)}`;
    load(origin, async () => {
        const renders = await all(`${path}/artifacts`, { kind: "render" }, 100);
        const parents = renders.filter(
            artifact => artifact.meta.render_asset_id === asset.id && artifact.upstream_artifact_ids.length,
        );
        if (!parents.length) return h("p", { class: "hint" }, t("lineage.original"));
        return chain(await get(`/media-v2/artifacts/${parents[0].id}/lineage`, { direction: "up" }));
    });
    load(uses, async () => {
        const { window } = player;
        const range = window ? { start_ms: window.start, end_ms: window.end } : {};
        const items = (await all(`${path}/usages`, range, LISTED)).filter(
            usage => usage.kind !== "audio_hit" || window,
        );
        if (!items.length) return h("p", { class: "hint" }, t("lineage.unused"));
        return h(
            "ul",
            { class: "list" },
            items.slice(0, LISTED).map(usage =>
                h(
                    "li",
                    {},
                    button(
                        `${clock(usage.start_ms, 1)} – ${clock(usage.end_ms, 1)}`,
                        () => player.playWindow(usage.start_ms, usage.end_ms),
                        { class: "link" },
                    ),
                    " ",
                    h("span", { class: "tag" }, usage.kind.replaceAll("_", " ")),
                    " ",
                    h("small", { class: "hint" }, usage.id),
                ),
            ),
        );
    });
    load(made, async () => {
        const artifacts = (await all(`${path}/artifacts`, {}, 3000)).filter(
            artifact => !/^audio_(hit|loop|phrase)$/.test(artifact.kind),
        );
        if (!artifacts.length) return h("p", { class: "hint" }, t("lineage.nothing"));
        return h("ul", { class: "list" }, artifacts.slice(0, LISTED).map(artifactRow));
    });
    return h(
        "div",
        { class: "panel" },
        h("h2", {}, t("lineage.from")),
        origin,
        h("h2", {}, t("lineage.uses")),
        h("p", { class: "hint" }, t("lineage.usesHint")),
        uses,
        h("h2", {}, t("lineage.made")),
        made,
    );
}

function artifactRow(artifact) {
    const film = artifact.meta.render_asset_id;
    return h(
        "li",
        {},
        h("span", { class: "tag" }, artifact.kind.replaceAll("_", " ")),
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
                h("span", { class: "tag" }, artifact.kind.replaceAll("_", " ")),
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
