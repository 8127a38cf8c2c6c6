// A failure as a sentence, with a way to try again.
import { button, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

export const failure = (error, retry) =>
    h(
        "div",
        { class: "error", role: "alert" },
        h("p", {}, error.message || String(error)),
        error.problem?.request_id && h("p", { class: "hint" }, error.problem.request_id),
        retry && button(t("retry"), retry),
    );

/** Fills `element` with what `make()` resolves to, or with its failure. Only the newest call of an element counts. */
export async function load(element, make) {
    const call = (calls.get(element) ?? 0) + 1;
    calls.set(element, call);
    element.setAttribute("aria-busy", "true");
    if (!element.firstChild) element.append(h("p", { class: "empty" }, t("loading")));
    let content;
    try {
        content = await make();
    } catch (error) {
        if (error.name === "AbortError") return;
        content = failure(error, () => load(element, make));
    }
    if (calls.get(element) !== call) return;
    element.removeAttribute("aria-busy");
    element.replaceChildren(
        ...[content].flat(9).filter(child => child !== null && child !== undefined && child !== false),
    );
}
const calls = new WeakMap();
