// A modal dialog that closes by Escape, by its button, and by a click outside.
import { button, h } from "../lib/dom.js";
import { icon } from "../lib/icon.js";
import { t } from "../lib/i18n.js";

let made = 0;

/** Shows a dialog; `content(close)` makes its elements. */
export function dialog(title, content, { className = "" } = {}) {
    const id = `dialog-${++made}`;
    const close = () => element.close();
    const element = h("dialog", {
        class: className,
        "aria-labelledby": id,
        on: {
            close: () => element.remove(),
            pointerdown: event => {
                if (event.target === element) close();
            },
        },
    });
    element.append(
        h(
            "div",
            { class: "dialog-body" },
            h(
                "div",
                { class: "row" },
                h("h2", { id, class: "grow" }, title),
                button(icon("close"), close, { class: "quiet", "aria-label": t("close") }),
            ),
            ...[content(close)].flat(),
        ),
    );
    document.body.append(element);
    element.showModal();
    return element;
}
