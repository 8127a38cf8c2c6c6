// The bar on top: views, search, who calls, language, appearance.
import { button, h, select } from "../lib/dom.js";
import { icon } from "../lib/icon.js";
import { choose, current, names, t } from "../lib/i18n.js";
import { addressOf, go, place } from "../lib/place.js";
import { preference, setPreference } from "../lib/preferences.js";
import { session } from "../lib/session.js";
import { showHelp } from "./help.js";
import { who } from "./who.js";

const tabs = [
    ["recordings", "nav.recordings"],
    ["samples", "nav.samples"],
    ["search", "nav.search"],
    ["identify", "nav.identify"],
    ["jobs", "nav.jobs"],
];

export function header(shown, refresh) {
    const isIn = name => name === shown || (name === "recordings" && shown === "recording");
    const query = h("input", {
        type: "search",
        placeholder: t("nav.searchHint"),
        "aria-label": t("nav.searchLabel"),
        value: place().q ?? "",
        maxlength: 500,
    });
    const search = h(
        "form",
        {
            role: "search",
            class: "quick",
            on: {
                submit: event => {
                    event.preventDefault();
                    go({ view: "search", q: query.value });
                },
            },
        },
        query,
    );
    return [
        h(
            "a",
            { class: "brand", href: addressOf({ view: "recordings" }), "aria-label": "harkback" },
            mark(),
            h("span", {}, "harkback"),
        ),
        h(
            "nav",
            { "aria-label": t("nav.label") },
            tabs.map(([name, key]) =>
                h("a", { href: addressOf({ view: name }), "aria-current": isIn(name) && "page" }, t(key)),
            ),
        ),
        search,
        h(
            "div",
            { class: "tools" },
            button(
                session.key ? t("who.signedIn") : `${session.tenant} · ${session.env}`,
                () => who({ onchange: refresh }),
                { class: "quiet clip", title: t("who.title") },
            ),
            select(
                Object.entries(names),
                current(),
                tag => {
                    choose(tag);
                    document.dispatchEvent(new Event("language"));
                },
                { "aria-label": t("language"), class: "quiet" },
            ),
            appearanceButton(),
            button("?", showHelp, { class: "quiet", "aria-label": t("help.title"), title: t("help.title") }),
        ),
    ];
}

/** The mark: bars of a waveform, drawn by the style sheet. */
const mark = () =>
    h(
        "span",
        { class: "mark", "aria-hidden": "true" },
        [1, 2, 3, 4, 5].map(() => h("i")),
    );

const appearances = ["", "light", "dark"];

export function applyAppearance() {
    const chosen = preference("appearance");
    if (chosen) document.documentElement.dataset.appearance = chosen;
    else delete document.documentElement.dataset.appearance;
    document.dispatchEvent(new Event("appearance"));
}

function appearanceButton() {
    const chosen = () => preference("appearance");
    const label = () => t("appearance", { now: t(`appearance.${chosen() || "system"}`) });
    const element = button(
        icon("appearance"),
        () => {
            setPreference("appearance", appearances[(appearances.indexOf(chosen()) + 1) % appearances.length]);
            applyAppearance();
            element.setAttribute("aria-label", label());
            element.title = label();
        },
        { class: "quiet", "aria-label": label(), title: label() },
    );
    return element;
}
