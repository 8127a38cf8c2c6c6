// The lanes as tables: every item can be reached and played by keyboard.
import { button, fill, h, select } from "../lib/dom.js";
import { formatNumber, t } from "../lib/i18n.js";
import { firstAfter } from "../lib/recording.js";
import { clock, length } from "../lib/time.js";

/** Rows of a page. */
const ROWS = 100;

export function tablesPanel(context) {
    const { player, timeline, pick } = context;
    const lanes = () => {
        const groups = new Map();
        for (const lane of timeline.view.lanes) {
            if (lane.items.length)
                groups.set(lane.items[0].type, [...(groups.get(lane.items[0].type) ?? []), ...lane.items]);
        }
        return groups;
    };
    const body = h("div");
    let type = [...lanes().keys()][0];
    if (!type) return h("p", { class: "empty" }, t("recording.notAnalysed"));
    const show = first => {
        const items = lanes().get(type) ?? [];
        const rows = items.slice(first, first + ROWS);
        fill(
            body,
            h(
                "div",
                { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t(`table.${type}`) },
                h(
                    "table",
                    {},
                    h(
                        "thead",
                        {},
                        h(
                            "tr",
                            {},
                            ["start", "length", "what", "value"].map(column =>
                                h("th", { scope: "col" }, t(`column.${column}`)),
                            ),
                        ),
                    ),
                    h(
                        "tbody",
                        {},
                        rows.map(item =>
                            h(
                                "tr",
                                {},
                                h(
                                    "td",
                                    { class: "number" },
                                    button(clock(item.start_ms), () => pick(item), {
                                        class: "link",
                                        "aria-label": t("table.play", {
                                            time: clock(item.start_ms),
                                            label: item.label,
                                        }),
                                    }),
                                ),
                                h("td", { class: "number" }, length(item.end_ms - item.start_ms)),
                                h("td", {}, item.label),
                                h("td", {}, valueOf(item)),
                            ),
                        ),
                    ),
                ),
            ),
            h(
                "div",
                { class: "row" },
                button(t("table.earlier"), () => show(Math.max(0, first - ROWS)), { disabled: first === 0 }),
                h(
                    "span",
                    { class: "hint grow" },
                    t("table.rows", { from: items.length ? first + 1 : 0, to: first + rows.length, all: items.length }),
                ),
                button(t("table.here"), () =>
                    show(Math.floor(Math.min(firstAfter(items, player.time), items.length - 1) / ROWS) * ROWS),
                ),
                button(t("table.later"), () => show(first + ROWS), { disabled: first + ROWS >= items.length }),
            ),
        );
    };
    const choice = select(
        [...lanes().keys()].map(name => [name, t(`table.${name}`)]),
        type,
        value => {
            type = value;
            show(0);
        },
        { "aria-label": t("table.choose") },
    );
    show(0);
    return h("div", { class: "panel" }, choice, body);
}

/** What was measured of an item, as text. */
export function valueOf({ event, word, sample }) {
    const percent = value => (typeof value === "number" ? `${Math.round(value * 100)} %` : "");
    const parts = event
        ? [
              typeof event.loudness_lufs === "number" && `${formatNumber(event.loudness_lufs, 1)} LUFS`,
              percent(event.confidence),
              event.speaker_id,
          ]
        : word
          ? [percent(word.confidence), word.timing && t(`timing.${word.timing}`)]
          : sample
            ? [
                  sample.role,
                  sample.peak_db !== null && `${formatNumber(sample.peak_db, 1)} dB`,
                  sample.bpm !== null && `${formatNumber(sample.bpm, 1)} BPM`,
                  sample.key,
                  sample.brightness_hz != null && `${formatNumber(sample.brightness_hz)} Hz`,
                  percent(sample.score),
              ]
            : [];
    return parts.filter(Boolean).join(" · ");
}
