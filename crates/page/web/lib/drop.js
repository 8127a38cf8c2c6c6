// Files by drop and by choice.
import { h } from "./dom.js";

/** A field for files that a button opens; `take` gets what is chosen. */
export function fileInput(attributes, take) {
    return h("input", {
        type: "file",
        class: "visually-hidden",
        tabindex: -1,
        "aria-hidden": "true",
        ...attributes,
        on: {
            change: event => {
                take([...event.target.files]);
                event.target.value = "";
            },
        },
    });
}

/** An area on which files are dropped; `take` gets the DataTransfer. */
export function dropArea(take, ...children) {
    const over = is => event => {
        event.preventDefault();
        area.classList.toggle("over", is);
    };
    const drop = event => {
        over(false)(event);
        take(event.dataTransfer);
    };
    const on = { dragover: over(true), dragenter: over(true), dragleave: over(false), drop };
    const area = h("div", { class: "drop", on }, ...children);
    return area;
}
