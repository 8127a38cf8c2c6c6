// Icons, drawn: not every system has a font with these signs.
import { svg } from "./dom.js";

const PATHS = {
    play: "M4 2.5v11l9.5-5.5z",
    pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
    start: "M3 2.5h2v11H3zM13.5 2.5v11L5.5 8z",
    back: "M11 2.5v11L4 8z",
    on: "M5 2.5v11L12 8z",
    loop: "M8 2a6 6 0 0 1 5.7 4.1L15 5.7l-.6 4-3.6-1.8 1.2-.6A4.2 4.2 0 1 0 11 11l1.3 1.3A6 6 0 1 1 8 2z",
    close: "M3.6 2.4 8 6.8l4.4-4.4 1.2 1.2L9.2 8l4.4 4.4-1.2 1.2L8 9.2l-4.4 4.4-1.2-1.2L6.8 8 2.4 3.6z",
    appearance: "M8 1.5a6.5 6.5 0 1 0 0 13zM8 .5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z",
};

/** An icon of 14 pixels; the control that has it has the name. */
export function icon(name) {
    return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", class: "icon" }, svg("path", { d: PATHS[name] }));
}
