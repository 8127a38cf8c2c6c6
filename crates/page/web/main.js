// The page: header, views by the state of the address, keys.
import { onUnauthorized } from "./lib/api.js";
import { current, t } from "./lib/i18n.js";
import { fill, h } from "./lib/dom.js";
import { onPlace, place } from "./lib/place.js";
import { restore } from "./lib/session.js";
import { applyAppearance, header } from "./views/header.js";
import { showHelp } from "./views/help.js";
import { who } from "./views/who.js";
import { isTyping } from "./lib/dom.js";
import { recordings } from "./views/recordings.js";
import { recording } from "./views/recording.js";
import { samples } from "./views/samples.js";
import { search } from "./views/search.js";
import { identify } from "./views/identify.js";
import { jobs } from "./views/jobs.js";

const views = { recordings, recording, samples, search, identify, jobs };
let shown = { name: "", close() {} };

function show(state, isNew = true) {
    const name = state.view in views ? state.view : "recordings";
    // A view that can take the new state itself keeps its place: the player goes on.
    if (!isNew && name === shown.name && shown.view?.accept?.(state)) return;
    shown.view?.close?.();
    const main = document.getElementById("main");
    document.documentElement.lang = current();
    document.querySelector(".skip").textContent = t("skip");
    fill(
        document.getElementById("header"),
        header(name, () => show(place())),
    );
    const view = views[name](state);
    shown = { name, view };
    main.className = `view-${name}`;
    fill(main, view.element);
    document.title = view.title ? `${view.title} · harkback` : "harkback";
}

addEventListener("keydown", event => {
    if (
        event.defaultPrevented ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        document.querySelector("dialog[open]")
    )
        return;
    if (isTyping(event.target)) {
        if (event.key === "Escape") event.target.blur();
        return;
    }
    if (event.key === "?") showHelp();
    else if (event.key === "/") document.querySelector("#header input[type=search]")?.focus();
    else if (!shown.view?.keys?.(event)) return;
    event.preventDefault();
});

// A file that is dropped beside the zone must not replace the page.
for (const event of ["dragover", "drop"]) addEventListener(event, drag => drag.preventDefault());

restore(place());
applyAppearance();
onUnauthorized(error => who({ reason: error.message, onchange: () => show(place()) }));
onPlace(state => show(state, false));
document.addEventListener("language", () => show(place()));
fill(document.getElementById("main"), h("p", { class: "empty" }, "…"));
show(place());
