// The panels beside the player, as tabs. Each is made when it is first shown.
import { fill, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { note, place } from "../lib/place.js";
import { editPanel } from "./edits.js";
import { exportPanel } from "./exports.js";
import { lineagePanel } from "./lineage.js";
import { tablesPanel } from "./tables.js";
import { wordsPanel } from "./words.js";
import { makePanel } from "../make/panel.js";

/** Each makes an element, or `{element, accept, close, keys}`; `accept(state)` takes a new address. */
const makers = {
    words: wordsPanel,
    tables: tablesPanel,
    make: makePanel,
    edit: editPanel,
    export: context => exportPanel(context.recording, context.player),
    lineage: lineagePanel,
};

export function panels(context) {
    let shown = "",
        panel = null;
    const body = h("div", { role: "tabpanel", class: "panel-scroll", tabindex: 0, id: "panel", "aria-labelledby": "" });
    const tabs = h(
        "div",
        { role: "tablist", class: "tabs", "aria-label": t("panels") },
        Object.keys(makers).map(name =>
            h(
                "button",
                {
                    type: "button",
                    role: "tab",
                    id: `tab-${name}`,
                    "aria-controls": "panel",
                    "aria-selected": "false",
                    tabindex: -1,
                    on: { click: () => open(name) },
                },
                t(`panel.${name}`),
            ),
        ),
    );
    tabs.addEventListener("keydown", event => {
        const names = Object.keys(makers),
            at = names.indexOf(shown);
        const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        open(names[(next + names.length) % names.length]);
        tabs.querySelector("[aria-selected=true]").focus();
    });

    const make = () => {
        panel?.close?.();
        const made = makers[shown](context);
        panel = made instanceof Node ? { element: made } : made;
        fill(body, panel.element);
        body.setAttribute("aria-labelledby", `tab-${shown}`);
    };
    const open = name => {
        const next = name in makers ? name : "words";
        if (next === shown) return panel?.accept?.(place());
        shown = next;
        for (const tab of tabs.children) {
            const isShown = tab.id === `tab-${shown}`;
            tab.setAttribute("aria-selected", String(isShown));
            tab.tabIndex = isShown ? 0 : -1;
        }
        note({ tab: shown === "words" ? "" : shown, ...(shown === "lineage" ? {} : { artifact: "" }) });
        make();
    };
    return {
        element: h("section", { class: "side", "aria-label": t("panels") }, tabs, body),
        open,
        shown: () => shown,
        refresh: make,
        keys: event => Boolean(panel?.keys?.(event)),
        close: () => panel?.close?.(),
    };
}
