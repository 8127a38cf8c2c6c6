// Where a sound is from: a file that is dropped, a window of a recording, or a sample, found in the owner's library.
import { get } from "../lib/api.js";
import { button, fill, h } from "../lib/dom.js";
import { dropArea, fileInput } from "../lib/drop.js";
import { icon } from "../lib/icon.js";
import { run } from "../lib/jobs.js";
import { formatNumber, has, t } from "../lib/i18n.js";
import { addressOf, note } from "../lib/place.js";
import { playWindowOf, stopPreview } from "../lib/preview.js";
import { nameOf } from "../lib/recording.js";
import { clock } from "../lib/time.js";
import { failure } from "./failure.js";

const PATH = "/audio/identify";

export function identify(state) {
    const results = h("div", { class: "rows" });
    let control = new AbortController();
    /** Searches for `query`: a file, or `{asset_id | artifact_id, start_ms, end_ms}`. */
    const search = async (query, name) => {
        control.abort();
        control = new AbortController();
        const { signal } = control;
        const stage = h("span", { role: "status" }, t("identify.searching", { name }));
        const onprogress = job => {
            const key = `stage.${job.stage}`;
            const detail = job.state === "queued" ? t("task.waiting") : job.stage && (has(key) ? t(key) : job.stage);
            stage.textContent = `${t("identify.searching", { name })} · ${detail ?? ""} ${Math.floor((job.progress ?? 0) * 100)} %`;
        };
        const cancel = () => {
            control.abort();
            fill(results).removeAttribute("aria-busy");
        };
        fill(results, h("p", { class: "row" }, stage, button(t("cancel"), cancel, { class: "small" })));
        results.setAttribute("aria-busy", "true");
        try {
            const variation = changed.checked ? "speed_and_pitch" : "none";
            const found = await run(PATH, bodyOf(query, variation), { onprogress, signal });
            const names = await namesOf(found.matches);
            const again = () => {
                changed.checked = true;
                search(query, name);
            };
            if (!signal.aborted) fill(results, answer(found, names, query, { name, variation, again }));
        } catch (error) {
            if (!signal.aborted)
                fill(
                    results,
                    failure(error, () => search(query, name)),
                );
        }
        // An aborted search is followed by another, or by nothing.
        if (!signal.aborted) results.removeAttribute("aria-busy");
    };
    const changed = h("input", { type: "checkbox", id: "changed" });
    const take = ([file]) => {
        if (!file) return;
        // A file has no address; what was searched before is no longer shown.
        note({ asset: "", artifact: "", in: "", out: "" });
        search(file, file.name);
    };
    queryOf(state).then(
        query => query && search(query.body, query.name),
        error => fill(results, failure(error)),
    );
    return {
        title: t("identify.title"),
        close() {
            control.abort();
            stopPreview();
        },
        element: h(
            "div",
            { class: "page" },
            h("h1", {}, t("identify.title")),
            dropZone(take),
            h("p", {}, changed, " ", h("label", { for: "changed" }, t("identify.changed"))),
            results,
        ),
    };
}

function bodyOf(query, variation) {
    if (!(query instanceof File)) return { ...query, variation };
    const form = new FormData();
    form.append("variation", variation);
    form.append("file", query);
    return form;
}

/** What the address asks for: a window of a recording, or a sample. */
async function queryOf({ asset, artifact, in: start, out: end }) {
    if (artifact) return { body: { artifact_id: artifact }, name: t("identify.sample") };
    if (!asset) return null;
    const name = nameOf((await get(`/media-v2/assets/${encodeURIComponent(asset)}`)).asset);
    if (!(Number(end) > Number(start))) return { body: { asset_id: asset }, name };
    const window = `${clock(Number(start), 1)} – ${clock(Number(end), 1)}`;
    return {
        body: { asset_id: asset, start_ms: Number(start), end_ms: Number(end) },
        name: `${name} ${window}`,
    };
}

async function namesOf(matches) {
    const ids = [...new Set(matches.map(match => match.asset_id))];
    const read = id =>
        get(`/media-v2/assets/${encodeURIComponent(id)}`).then(
            ({ asset }) => nameOf(asset),
            () => id,
        );
    return new Map(await Promise.all(ids.map(async id => [id, await read(id)])));
}

function answer({ matches, searched }, names, query, { name, variation, again }) {
    const message = h("div");
    const rest = searched.assets - searched.indexed_assets;
    const sentences = [
        matches.length
            ? t("identify.found", { name, places: places(matches.length), recordings: recordings(names.size) })
            : t("identify.nowhere", { name }),
        t("identify.searched", {
            recordings: recordings(searched.indexed_assets),
            length: clock(searched.indexed_ms, 0),
        }),
        rest > 0 && t("identify.notIndexed", { recordings: recordings(rest) }),
    ];
    return [
        h("p", { role: "status" }, sentences.filter(Boolean).join(" ")),
        matches.some(match => match.twin) && h("p", { class: "hint" }, t("identify.twinHint")),
        !matches.length && variation === "none" && h("p", {}, button(t("identify.again"), again)),
        matches.length > 0 && table(matches, names, message),
        matches.length > 0 && query.artifact_id && register(query, variation, message),
        message,
    ];
}

const places = count => t(count === 1 ? "identify.places.one" : "identify.places", { count: formatNumber(count) });
const recordings = count =>
    t(count === 1 ? "identify.recordings.one" : "identify.recordings", { count: formatNumber(count) });

function table(matches, names, message) {
    const columns = ["listen", "name", "from", "part", "change", "level", "certainty"];
    return h(
        "div",
        { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("identify.matches") },
        h(
            "table",
            {},
            h(
                "thead",
                {},
                h(
                    "tr",
                    {},
                    columns.map(column => h("th", { scope: "col" }, t(`column.${column}`))),
                ),
            ),
            h(
                "tbody",
                {},
                matches.map(match => row(match, names.get(match.asset_id), message)),
            ),
        ),
    );
}

function row(match, name, message) {
    const { asset_id, source_start_ms: start, source_end_ms: end } = match;
    const label = `${name} ${clock(start, 1)}`;
    const play = async () => {
        fill(message);
        try {
            await playWindowOf(asset_id, start, end);
        } catch (error) {
            fill(message, failure(error));
        }
    };
    const address = addressOf({
        view: "recording",
        asset: asset_id,
        t: Math.round(start),
        in: Math.round(start),
        out: Math.round(end),
    });
    return h(
        "tr",
        {},
        h("td", {}, button(icon("play"), play, { class: "small", "aria-label": t("samples.play", { label }) })),
        h("th", { scope: "row" }, name, match.twin && [" ", h("span", { class: "tag" }, t("identify.twin"))]),
        h("td", { class: "number" }, h("a", { href: address }, `${clock(start, 2)} – ${clock(end, 2)}`)),
        h("td", { class: "number" }, `${clock(match.query_start_ms, 2)} – ${clock(match.query_end_ms, 2)}`),
        h("td", {}, changeOf(match)),
        h("td", { class: "number" }, match.gain_db === null ? "–" : `${signed(match.gain_db, 1)} dB`),
        h("td", { class: "number" }, `${certainty(match.confidence)} %`),
    );
}

const signed = (value, digits) => {
    const text = formatNumber(Math.abs(value), digits);
    return `${Number(value.toFixed(digits)) === 0 ? "" : value < 0 ? "−" : "+"}${text}`;
};

/** Never rounded to a certainty that there is not. */
const certainty = confidence => formatNumber(Math.min(99.99, Math.floor(confidence * 10_000) / 100), 2);

/** Speed and pitch of the sound beside its source, where they differ. */
function changeOf({ speed, pitch }) {
    const semitones = 12 * Math.log2(pitch || 1);
    const parts = [
        Math.abs(speed - 1) >= 0.002 && t("identify.speed", { percent: signed((speed - 1) * 100, 1) }),
        Math.abs(semitones) >= 0.05 && t("identify.pitch", { semitones: signed(semitones, 1) }),
    ].filter(Boolean);
    return parts.join(", ") || t("identify.unchanged");
}

/** Stores the best place as the sample's origin. */
function register(query, variation, message) {
    const store = async () => {
        fill(message, h("p", { class: "hint", role: "status" }, t("loading")));
        try {
            const { origin_map: map, not_registered: reason } = await run(PATH, {
                ...query,
                variation,
                register: true,
            });
            const key = `unregistered.${reason}`;
            fill(
                message,
                map
                    ? h(
                          "p",
                          { role: "status" },
                          t("identify.registered"),
                          " ",
                          h(
                              "a",
                              {
                                  href: addressOf({
                                      view: "recording",
                                      asset: map.parent_asset_id,
                                      t: Math.round(map.source_start_ms),
                                      tab: "lineage",
                                      artifact: query.artifact_id,
                                  }),
                              },
                              t("identify.lineage"),
                          ),
                      )
                    : h("p", { role: "status" }, has(key) ? t(key) : String(reason)),
            );
        } catch (error) {
            fill(message, failure(error, store));
        }
    };
    return h("div", { class: "row" }, button(t("identify.register"), store));
}

function dropZone(take) {
    const input = fileInput({ id: "sound", accept: "audio/*,video/*,*/*" }, take);
    return dropArea(
        transfer => take([...transfer.files]),
        h("p", {}, h("strong", {}, t("identify.drop")), h("br"), h("span", { class: "hint" }, t("identify.hint"))),
        button(t("drop.file"), () => input.click(), { class: "primary" }),
        input,
    );
}
