// Taking away: every export with its formats, what a format cannot hold, captions over the video, samples as an archive.
import { link, mediaAddress, post, send } from "../lib/api.js";
import { button, fill, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { failure } from "../views/failure.js";

export const EDIT_FORMATS = ["otio", "fcpxml", "fcp7xml", "edl", "csv"];
const NOTE_FORMATS = [
    "otio",
    "markers-edl",
    "markers-csv",
    "audition-csv",
    "audacity",
    "midi",
    "chapters",
    "ffmetadata",
    "jams",
    "rttm",
    "ctm",
    "textgrid",
];
const WORD_FORMATS = ["srt", "vtt", "ttml", "ass", "txt", "json", "openai-json", "podcast-transcript"];

/** Saves the answer of a call under the name that the service gives it. */
export async function save(method, path, options, fallback) {
    const response = await send(method, path, options);
    const name = fileName(response.headers.get("content-disposition")) ?? fallback;
    const address = URL.createObjectURL(await response.blob());
    saveAs(address, name);
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function saveAs(href, name) {
    const anchor = h("a", { href, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
}

function fileName(disposition) {
    const extended = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? "");
    if (extended) return decodeURIComponent(extended[1]);
    return /filename="([^"]+)"/i.exec(disposition ?? "")?.[1] ?? null;
}

/** One format: what it is for, a button that saves it, and what it cannot hold. */
export function exportRow(path, format, { media = false, words = false, name = "harkback" } = {}) {
    const answer = h("div", { class: "answer" });
    const act = work => async () => {
        fill(answer);
        try {
            await work();
        } catch (error) {
            fill(answer, failure(error));
        }
    };
    const resource = words ? `${path}/transcript` : `${path}/export`;
    const download = act(async () => {
        await save("GET", resource, { query: { format } }, `${name}.${format}`);
        if (words) return;
        const { warnings } = await post(resource, { format });
        fill(
            answer,
            warnings.length
                ? h(
                      "details",
                      { open: warnings.length < 4 },
                      h("summary", {}, t("exports.losses", { count: warnings.length })),
                      h(
                          "ul",
                          {},
                          warnings.map(loss =>
                              h(
                                  "li",
                                  {},
                                  `${t(`loss.${loss.what}`) === `loss.${loss.what}` ? loss.what.replaceAll("_", " ") : t(`loss.${loss.what}`)}: ${loss.where}`,
                              ),
                          ),
                      ),
                  )
                : h("p", { class: "hint" }, t("exports.whole")),
        );
    });
    const copy = act(async () => {
        const address = await link(`${resource}?format=${format}${media ? "&media=name" : ""}`, 7 * 24 * 3600);
        await navigator.clipboard.writeText(address);
        fill(answer, h("p", { class: "hint", role: "status" }, t("exports.copied")));
    });
    return h(
        "div",
        { class: "export" },
        h(
            "div",
            { class: "row" },
            h("strong", {}, format),
            h("span", { class: "hint grow" }, t(`format.${words ? "words." : ""}${format}`)),
            button(t("save"), download, { class: "small", "aria-label": t("exports.saveAs", { format }) }),
            button(t("exports.link"), copy, { class: "small", "aria-label": t("exports.linkTo", { format }) }),
        ),
        answer,
    );
}

/** The panel of a recording. */
export function exportPanel(recording, player) {
    const { asset, timeline, analysis, hits, loops, phrases, name } = recording;
    const content = `/media-v2/assets/${encodeURIComponent(asset.id)}/content`;
    const samples = [...hits, ...loops, ...phrases].map(sample => sample.artifact_id);
    const stem = name.replace(/\.[^.]+$/, "");
    const answer = h("div");
    const act = work => async () => {
        fill(answer);
        try {
            await work();
        } catch (error) {
            fill(answer, failure(error));
        }
    };
    return h(
        "div",
        { class: "panel" },
        h("h2", {}, t("exports.recording")),
        h(
            "div",
            { class: "row" },
            button(
                t("exports.original"),
                act(async () => saveAs(await mediaAddress(content, asset.size_bytes), name)),
            ),
            button(
                t("exports.copyLink"),
                act(async () => {
                    await navigator.clipboard.writeText(await link(content, 7 * 24 * 3600));
                    fill(answer, h("p", { class: "hint", role: "status" }, t("exports.copied")));
                }),
            ),
            samples.length > 0 &&
                button(
                    t("exports.samples", { count: samples.length }),
                    act(() =>
                        save(
                            "POST",
                            "/audio/samples/archive",
                            { body: { artifact_ids: samples.slice(0, 10_000) } },
                            `${stem}-samples.zip`,
                        ),
                    ),
                ),
        ),
        answer,
        timeline
            ? [
                  timeline.words.length > 0 && [
                      h("h2", {}, t("exports.words")),
                      captions(analysis, player),
                      WORD_FORMATS.map(format =>
                          exportRow(`/audio/semantic-timeline/${analysis}`, format, { words: true, name: stem }),
                      ),
                  ],
                  h("h2", {}, t("exports.timeline")),
                  NOTE_FORMATS.map(format => exportRow(`/audio/semantic-timeline/${analysis}`, format, { name: stem })),
              ]
            : h("p", { class: "empty" }, t("recording.notAnalysed")),
    );
}

/** Captions shown over the video, as they will be written. */
function captions(analysis, player) {
    const answer = h("span");
    let track = null;
    const toggle = async event => {
        if (track) {
            track.remove();
            track = null;
            event.target.setAttribute("aria-pressed", "false");
            return;
        }
        try {
            const text = await (
                await send("GET", `/audio/semantic-timeline/${analysis}/transcript`, { query: { format: "vtt" } })
            ).blob();
            track = h("track", {
                kind: "captions",
                src: URL.createObjectURL(text),
                default: true,
                label: t("exports.captions"),
            });
            player.media.append(track);
            track.track.mode = "showing";
            event.target.setAttribute("aria-pressed", "true");
            fill(answer);
        } catch (error) {
            fill(answer, failure(error));
        }
    };
    return h("div", { class: "row" }, button(t("exports.preview"), toggle, { "aria-pressed": "false" }), answer);
}
