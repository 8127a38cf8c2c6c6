// The list of work under way.
import { button, fill, h } from "../lib/dom.js";
import { icon } from "../lib/icon.js";
import { onTasks, tasks } from "../lib/tasks.js";
import { t } from "../lib/i18n.js";
import { perFrame } from "../lib/time.js";

export function taskList() {
    const list = h("ul", { class: "tasks", "aria-label": t("task.list") });
    const rows = new Map();
    const show = perFrame(() => {
        if (!list.isConnected && rows.size) return stop();
        for (const [id, row] of rows)
            if (!tasks.some(task => task.id === id)) {
                row.element.remove();
                rows.delete(id);
            }
        for (const task of tasks) {
            if (!rows.has(task.id)) {
                rows.set(task.id, taskRow(task));
                list.prepend(rows.get(task.id).element);
            }
            rows.get(task.id).update();
        }
        list.hidden = tasks.length === 0;
    });
    const stop = onTasks(show);
    show();
    return list;
}

function taskRow(task) {
    const bar = h("progress", { max: 1, "aria-label": task.title });
    const stage = h("span", { class: "stage" });
    const action = h("span", { class: "end" });
    let shown = "";
    const element = h(
        "li",
        {},
        h("div", { class: "row" }, h("strong", { class: "grow clip" }, task.title), action),
        bar,
        stage,
    );
    const update = () => {
        element.className = `task ${task.state}`;
        if (task.progress === null) bar.removeAttribute("value");
        else bar.value = task.progress;
        bar.hidden = task.state !== "running";
        const percent =
            task.state === "running" && task.progress !== null ? ` · ${Math.floor(task.progress * 100)} %` : "";
        stage.textContent = task.error || `${task.stage}${percent}`;
        if (task.error) stage.setAttribute("role", "alert");
        if (shown === task.state) return;
        shown = task.state;
        fill(
            action,
            task.state === "running"
                ? button(t("cancel"), task.cancel, { class: "small" })
                : button(icon("close"), task.dismiss, { class: "small quiet", "aria-label": t("dismiss") }),
        );
    };
    return { element, update };
}
