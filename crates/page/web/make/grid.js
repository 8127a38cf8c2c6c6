// The step grid: roles by sixteen steps, as a grid that arrow keys move in.
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { STEPS } from "./pattern.js";

export function stepGrid(state) {
    const roles = [...state.grid.keys()];
    const cell = (role, row, step) => {
        const { steps } = state.grid.get(role);
        const element = h("button", {
            type: "button",
            class: `step${step % 4 === 0 ? " beat" : ""}`,
            "aria-pressed": String(steps.has(step)),
            "aria-label": t("make.step", { role, step: step + 1 }),
            tabindex: row === 0 && step === 0 ? 0 : -1,
            data: { row, step },
            on: {
                click: () => {
                    if (steps.has(step)) steps.delete(step);
                    else steps.add(step);
                    element.setAttribute("aria-pressed", String(steps.has(step)));
                },
            },
        });
        return h("td", { role: "gridcell" }, element);
    };
    const element = h(
        "table",
        { class: "steps", role: "grid", "aria-label": t("make.grid") },
        h(
            "tbody",
            {},
            roles.map((role, row) =>
                h(
                    "tr",
                    { role: "row" },
                    h("th", { scope: "row", role: "rowheader" }, role),
                    Array.from({ length: STEPS }, (_, step) => cell(role, row, step)),
                ),
            ),
        ),
    );
    const at = (row, step) => element.querySelector(`[data-row="${row}"][data-step="${step}"]`);
    element.addEventListener("keydown", event => {
        const { row, step } = event.target.dataset;
        const [down, right] =
            { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] ?? [];
        if (row === undefined || down === undefined) return;
        event.preventDefault();
        const next = at((Number(row) + down + roles.length) % roles.length, (Number(step) + right + STEPS) % STEPS);
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
    });
    return {
        element,
        /** Marks the step that sounds; -1 none. */
        mark(step) {
            for (const cell of element.querySelectorAll(".now")) cell.classList.remove("now");
            if (step >= 0)
                for (const cell of element.querySelectorAll(`[data-step="${step}"]`)) cell.classList.add("now");
        },
    };
}
