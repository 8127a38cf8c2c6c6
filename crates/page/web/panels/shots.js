// A shot list: what it shows, how it looks, a film of it, and its way into an editor.
import { button, fill, h, select } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { addressOf, go } from "../lib/place.js";
import { film } from "../lib/tasks.js";
import { clock, length } from "../lib/time.js";
import { failure } from "../views/failure.js";
import { EDIT_FORMATS, exportRow } from "./exports.js";

export const PROFILES = [
    "draft_480p_fast",
    "preview_720p_fast",
    "1080p_30_web",
    "social_1080p_h264",
    "social_9_16_h264",
    "social_1_1_h264",
    "social_4_3_h264",
    "youtube_4k_h264",
    "master_4k_prores",
];
/** Rows of the table of shots. */
const ROWS = 200;

/** A shot list as the service answered it. `preview(shots)` plays it, where that is possible. */
export function shotList(result, { title, preview, audio } = {}) {
    const { shots, shot_list_artifact_id: id } = result;
    const total = shots.reduce((end, shot) => Math.max(end, shot.target_start_ms + shot.target_duration_ms), 0);
    let profile = "preview_720p_fast",
        fit = "contain";
    const answer = h("div");
    const make = async () => {
        fill(answer, h("p", { class: "hint" }, t("shots.filming")));
        try {
            const { asset_id, plan } = await film(id, title, {
                render_profile: profile,
                fit,
                ...(audio ? { audio } : {}),
            });
            fill(
                answer,
                h(
                    "p",
                    {},
                    h(
                        "a",
                        { class: "primary button", href: addressOf({ view: "recording", asset: asset_id }) },
                        t("shots.open"),
                    ),
                ),
                plan.warnings.map(warning => h("p", { class: "hint" }, warning)),
            );
        } catch (error) {
            fill(answer, failure(error, make));
        }
    };
    return h(
        "section",
        { class: "shots card", "aria-label": title },
        h("h2", {}, title),
        h("p", {}, t("shots.summary", { count: shots.length, length: length(total) })),
        h(
            "div",
            { class: "row" },
            preview && button(t("shots.preview"), () => preview(shots)),
            select(
                PROFILES.map(name => [name, name]),
                profile,
                value => {
                    profile = value;
                },
                { "aria-label": t("shots.profile") },
            ),
            select(
                [
                    ["contain", t("fit.contain")],
                    ["cover", t("fit.cover")],
                ],
                fit,
                value => {
                    fit = value;
                },
                { "aria-label": t("shots.fit") },
            ),
            button(t("shots.film"), make, { class: "primary" }),
        ),
        answer,
        h(
            "details",
            {},
            h("summary", {}, t("shots.list")),
            h(
                "div",
                { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("shots.list") },
                h(
                    "table",
                    {},
                    h(
                        "thead",
                        {},
                        h(
                            "tr",
                            {},
                            ["at", "length", "source", "label"].map(column =>
                                h("th", { scope: "col" }, t(`column.${column}`)),
                            ),
                        ),
                    ),
                    h("tbody", {}, shots.slice(0, ROWS).map(shotRow)),
                ),
            ),
            shots.length > ROWS && h("p", { class: "hint" }, t("shots.more", { count: shots.length - ROWS })),
        ),
        h(
            "details",
            {},
            h("summary", {}, t("exports.toEditor")),
            EDIT_FORMATS.map(format => exportRow(`/audio/to-video-origin/${id}`, format, { media: true, name: title })),
        ),
    );
}

function shotRow(shot) {
    const open = () =>
        go({
            view: "recording",
            asset: shot.source_asset_id,
            t: shot.source_start_ms,
            in: shot.source_start_ms,
            out: shot.source_end_ms,
        });
    return h(
        "tr",
        {},
        h("td", { class: "number" }, clock(shot.target_start_ms)),
        h("td", { class: "number" }, length(shot.target_duration_ms)),
        h("td", {}, button(`${clock(shot.source_start_ms)} – ${clock(shot.source_end_ms)}`, open, { class: "link" })),
        h("td", {}, shot.meta?.label ?? ""),
    );
}
