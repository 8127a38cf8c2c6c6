// The library of samples: filters, instant preview, similar ones, archives.
import { get } from "../lib/api.js";
import { button, field, fill, h, select } from "../lib/dom.js";
import { icon } from "../lib/icon.js";
import { formatNumber, t } from "../lib/i18n.js";
import { addressOf, note, place } from "../lib/place.js";
import { playNow, stopAll } from "../make/kit.js";
import { clock, length } from "../lib/time.js";
import { save } from "../panels/exports.js";
import { failure, load } from "./failure.js";

const KINDS = ["audio_hit", "audio_loop", "audio_phrase"];
const ROLES = ["kick", "snare", "hat", "tom", "clap", "other"];
const SORTS = ["newest", "score", "bpm", "duration"];
/** Filters, which are parts of the address under these names. */
const FILTERS = ["kind", "role", "tag", "min_score", "bpm_min", "bpm_max", "bars", "key", "text", "sort", "similar_to"];

export function samples(state) {
    const rows = h("div", { class: "rows" }),
        message = h("div"),
        chosen = new Set();
    const archive = button(
        "",
        async () => {
            fill(message);
            try {
                await save("POST", "/audio/samples/archive", { body: { artifact_ids: [...chosen] } }, "samples.zip");
            } catch (error) {
                fill(message, failure(error));
            }
        },
        { hidden: true },
    );
    const showArchive = () => {
        archive.hidden = chosen.size === 0;
        archive.textContent = t("exports.samples", { count: chosen.size });
    };
    const query = () => Object.fromEntries(FILTERS.map(name => [name, place()[name]]));
    const refresh = () => load(rows, () => page(null));
    const page = async cursor => {
        const { items, next_cursor } = await get("/audio/samples", { ...query(), limit: 100, cursor });
        if (!items.length && !cursor) return h("p", { class: "empty" }, t("samples.none"));
        const rest = h("div");
        if (next_cursor) rest.append(button(t("more"), () => load(fill(rest), () => page(next_cursor))));
        return [table(items), rest];
    };
    const table = items =>
        h(
            "div",
            { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("nav.samples") },
            h(
                "table",
                {},
                h(
                    "thead",
                    {},
                    h(
                        "tr",
                        {},
                        ["choose", "listen", "kind", "length", "value", "score", "from", "actions"].map(column =>
                            h("th", { scope: "col" }, t(`column.${column}`)),
                        ),
                    ),
                ),
                h("tbody", {}, items.map(row)),
            ),
        );
    const row = sample => {
        const name = sample.text ?? sample.role ?? t(`type.${sample.kind.slice(6)}`);
        const label = `${name} ${clock(sample.start_ms ?? 0, 1)}`;
        const play = async () => {
            fill(message);
            try {
                await playNow(sample.artifact_id, { slot: "preview" });
            } catch (error) {
                fill(message, failure(error));
            }
        };
        const values = [
            sample.role,
            sample.bpm !== null && `${formatNumber(sample.bpm, 1)} BPM`,
            sample.bars !== null && t("samples.bars", { count: sample.bars }),
            sample.key,
            sample.peak_db !== null && `${formatNumber(sample.peak_db, 1)} dB`,
            sample.brightness_hz != null && `${formatNumber(sample.brightness_hz)} Hz`,
            sample.text,
        ];
        const from = {
            view: "recording",
            asset: sample.asset_id,
            t: sample.start_ms,
            in: sample.start_ms,
            out: sample.end_ms,
        };
        return h(
            "tr",
            {},
            h(
                "td",
                {},
                h("input", {
                    type: "checkbox",
                    checked: chosen.has(sample.artifact_id),
                    "aria-label": t("samples.choose", { label }),
                    on: {
                        change: event => {
                            if (event.target.checked) chosen.add(sample.artifact_id);
                            else chosen.delete(sample.artifact_id);
                            showArchive();
                        },
                    },
                }),
            ),
            h("td", {}, button(icon("play"), play, { class: "small", "aria-label": t("samples.play", { label }) })),
            h("td", {}, t(`type.${sample.kind.slice(6)}`)),
            h("td", { class: "number" }, sample.duration_ms === null ? "–" : length(sample.duration_ms)),
            h("td", { class: "wide" }, values.filter(Boolean).join(" · ")),
            h("td", { class: "number" }, sample.score === null ? "–" : `${Math.round(sample.score * 100)} %`),
            h("td", {}, h("a", { href: addressOf(from) }, clock(sample.start_ms ?? 0, 1))),
            h(
                "td",
                { class: "actions" },
                button(
                    t("samples.similar"),
                    () => {
                        note({ similar_to: sample.artifact_id, kind: sample.kind, sort: "" });
                        refresh();
                        showSimilar();
                    },
                    { class: "small", "aria-label": t("samples.similarTo", { label }) },
                ),
                " ",
                h(
                    "a",
                    {
                        class: "button small",
                        href: addressOf({ view: "identify", artifact: sample.artifact_id }),
                        "aria-label": t("samples.identifyOf", { label }),
                    },
                    t("samples.identify"),
                ),
            ),
        );
    };
    const similar = h("p", {});
    const showSimilar = () =>
        fill(
            similar,
            place().similar_to && [
                t("samples.similarShown"),
                " ",
                button(
                    t("samples.all"),
                    () => {
                        note({ similar_to: "" });
                        refresh();
                        showSimilar();
                    },
                    { class: "small" },
                ),
            ],
        );
    const set = name => value => {
        note({ [name]: value });
        refresh();
    };
    const input = (name, more) =>
        h("input", {
            value: state[name] ?? "",
            ...more,
            on: {
                change: event => {
                    if (event.target.checkValidity()) set(name)(event.target.value);
                },
            },
        });
    const options = (names, prefix) => [["", t("all")], ...names.map(name => [name, t(`${prefix}${name}`)])];
    refresh();
    showSimilar();
    return {
        title: t("nav.samples"),
        close: stopAll,
        element: h(
            "div",
            { class: "page" },
            h("h1", {}, t("nav.samples")),
            h(
                "div",
                { class: "fields filters" },
                field(t("column.kind"), select(options(KINDS, "sample."), state.kind ?? "", set("kind"))),
                field(t("samples.role"), select(options(ROLES, "role."), state.role ?? "", set("role"))),
                field(t("samples.bpmMin"), input("bpm_min", { type: "number", min: 1, max: 1000, step: "any" })),
                field(t("samples.bpmMax"), input("bpm_max", { type: "number", min: 1, max: 1000, step: "any" })),
                field(t("samples.key"), input("key", { type: "text", maxlength: 20 })),
                field(t("samples.text"), input("text", { type: "search", maxlength: 200 })),
                field(t("samples.minScore"), input("min_score", { type: "number", min: 0, max: 1, step: 0.05 })),
                field(t("samples.tag"), input("tag", { type: "text", maxlength: 128 })),
                field(
                    t("samples.sort"),
                    select(
                        SORTS.map(name => [name, t(`sort.${name}`)]),
                        state.sort ?? "newest",
                        set("sort"),
                    ),
                ),
            ),
            h("div", { class: "row" }, archive),
            similar,
            message,
            rows,
        ),
    };
}
