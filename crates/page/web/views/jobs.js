// Jobs of the owner: what runs, what ended, and why.
import { get, post, remove } from "../lib/api.js";
import { button, fill, h, select } from "../lib/dom.js";
import { formatDate, has, t } from "../lib/i18n.js";
import { note, place } from "../lib/place.js";
import { load } from "./failure.js";

/** Time between two readings of the list in ms. */
const REFRESH = 3000;
const states = ["queued", "running", "succeeded", "failed", "cancelled"];

export function jobs(state) {
    const rows = h("div", { class: "rows" });
    const refresh = () =>
        load(rows, async () => {
            const { items } = await get("/jobs", { state: place().state, limit: 100 });
            if (!items.length) return h("p", { class: "empty" }, t("jobs.none"));
            return h(
                "div",
                { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("nav.jobs") },
                h(
                    "table",
                    {},
                    h(
                        "thead",
                        {},
                        h(
                            "tr",
                            {},
                            ["work", "state", "stage", "made", "actions"].map(column =>
                                h("th", { scope: "col" }, t(`column.${column}`)),
                            ),
                        ),
                    ),
                    h(
                        "tbody",
                        {},
                        items.map(job => jobRow(job, refresh)),
                    ),
                ),
            );
        });
    refresh();
    // Not while a button of the list is in use.
    const timer = setInterval(() => {
        if (!document.hidden && !rows.contains(document.activeElement)) refresh();
    }, REFRESH);
    return {
        close: () => clearInterval(timer),
        title: t("nav.jobs"),
        element: h(
            "div",
            { class: "page" },
            h(
                "div",
                { class: "row filters" },
                h("h1", { class: "grow" }, t("nav.jobs")),
                select(
                    [["", t("all")], ...states.map(name => [name, t(`job.${name}`)])],
                    state.state ?? "",
                    value => {
                        note({ state: value });
                        refresh();
                    },
                    { "aria-label": t("column.state") },
                ),
                button(t("refresh"), refresh),
            ),
            rows,
        ),
    };
}

function jobRow(job, refresh) {
    const cell = h("td");
    const act = work => async () => {
        try {
            await work();
            refresh();
        } catch (error) {
            fill(cell, h("span", { role: "alert", class: "error" }, error.message));
        }
    };
    const path = `/jobs/${encodeURIComponent(job.id)}`;
    if (job.state === "queued" || job.state === "running")
        cell.append(
            button(
                t("cancel"),
                act(() => remove(path)),
                { class: "small" },
            ),
        );
    if (job.state === "failed" || job.state === "cancelled")
        cell.append(
            button(
                t("retry"),
                act(() => post(`${path}/retry`)),
                { class: "small" },
            ),
        );
    const percent = job.state === "running" ? `${Math.floor(job.progress * 100)} %` : "";
    const text =
        job.problem?.detail ??
        [job.stage && (has(`stage.${job.stage}`) ? t(`stage.${job.stage}`) : job.stage), percent]
            .filter(Boolean)
            .join(" · ");
    return h(
        "tr",
        {},
        h("th", { scope: "row" }, has(`work.${job.kind}`) ? t(`work.${job.kind}`) : job.kind),
        h("td", {}, h("span", { class: `state ${job.state}` }, t(`job.${job.state}`))),
        h("td", {}, text),
        h("td", {}, formatDate(job.created_at)),
        cell,
    );
}
