// Search of what was said; a supercut of what is found.
import { get } from "../lib/api.js";
import { button, fill, h } from "../lib/dom.js";
import { run } from "../lib/jobs.js";
import { t } from "../lib/i18n.js";
import { addressOf, go } from "../lib/place.js";
import { nameOf } from "../lib/recording.js";
import { clock } from "../lib/time.js";
import { shotList } from "../panels/shots.js";
import { failure, load } from "./failure.js";

export function search(state) {
    const results = h("div", { class: "rows" });
    const made = h("div");
    const q = (state.q ?? "").trim();
    const input = h("input", {
        type: "search",
        value: q,
        maxlength: 500,
        "aria-label": t("nav.searchLabel"),
        class: "grow",
    });
    const form = h(
        "form",
        {
            role: "search",
            class: "row",
            "aria-label": t("search.title"),
            on: {
                submit: event => {
                    event.preventDefault();
                    go({ view: "search", q: input.value });
                },
            },
        },
        input,
        h("button", { type: "submit", class: "primary" }, t("search.go")),
    );
    if (q) load(results, () => page(q, null));
    return {
        title: t("search.title"),
        element: h(
            "div",
            { class: "page" },
            h("h1", {}, t("search.title")),
            form,
            h("p", { class: "hint" }, t("search.hint")),
            q &&
                h(
                    "div",
                    { class: "row" },
                    button(t("search.supercut"), () => supercut(q, made)),
                ),
            made,
            results,
        ),
    };
}

const names = new Map();
/** Names of recordings, each read once. */
async function nameOfId(id) {
    if (!names.has(id))
        names.set(
            id,
            get(`/media-v2/assets/${encodeURIComponent(id)}`).then(
                ({ asset }) => nameOf(asset),
                () => id,
            ),
        );
    return names.get(id);
}

async function page(q, cursor) {
    const { items, next_cursor } = await get("/search", { q, limit: 50, cursor });
    if (!items.length && !next_cursor) return h("p", { class: "empty" }, t("search.none", { q }));
    const list = h("ol", { class: "hits" }, await Promise.all(items.map(hit)));
    const rest = h("div");
    if (next_cursor) rest.append(button(t("more"), () => load(fill(rest), () => page(q, next_cursor))));
    return [list, rest];
}

async function hit(found) {
    const name = await nameOfId(found.asset_id);
    const first = found.matches[0] ?? found;
    const open = at =>
        addressOf({
            view: "recording",
            asset: found.asset_id,
            t: at.start_ms,
            in: at.start_ms,
            out: at.end_ms,
            tab: "words",
        });
    return h(
        "li",
        {},
        h(
            "p",
            { class: "row" },
            h("a", { href: open(first), class: "clip" }, name),
            h("span", { class: "time" }, `${clock(found.start_ms, 1)} – ${clock(found.end_ms, 1)}`),
            found.speaker_id && h("span", { class: "tag" }, found.speaker_id),
        ),
        h(
            "p",
            {},
            found.words.map(word => [
                word.highlighted ? h("a", { href: open(word) }, h("mark", {}, word.word)) : word.word,
                " ",
            ]),
        ),
    );
}

async function supercut(q, place) {
    fill(place, h("p", { class: "empty" }, t("loading")));
    try {
        const result = await run("/edits/supercut", { q, padding_ms: 120 });
        fill(place, shotList(result, { title: t("search.supercutOf", { q }) }));
    } catch (error) {
        fill(place, failure(error));
    }
}
