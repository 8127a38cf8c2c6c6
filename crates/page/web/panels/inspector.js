// The selected item: what it is, playing and looping it, its link, and corrections of it.
import { announce, button, fill, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { go, linkTo } from "../lib/place.js";
import { clock, length } from "../lib/time.js";
import { corrections } from "./corrections.js";
import { valueOf } from "./tables.js";

export function inspector(context) {
    const { player, recording } = context;
    const element = h("section", { class: "inspector", "aria-label": t("inspector.title") });
    let item = null;
    const play = (loop = false) => {
        if (item) player.playWindow(item.start_ms, item.end_ms, loop);
        else player.toggle();
    };
    const copied = h("span", { class: "hint", role: "status" });
    const copy = async () => {
        const at = item ?? { start_ms: player.window?.start ?? player.time, end_ms: player.window?.end };
        const address = linkTo({
            view: "recording",
            asset: recording.asset.id,
            t: Math.round(at.start_ms),
            in: Math.round(at.start_ms),
            out: at.end_ms && Math.round(at.end_ms),
        });
        try {
            await navigator.clipboard.writeText(address);
            copied.textContent = t("inspector.copied");
        } catch {
            copied.textContent = address;
        }
    };
    const lineage = () =>
        go({
            view: "recording",
            asset: recording.asset.id,
            t: Math.round(item.start_ms),
            tab: "lineage",
            artifact: item.sample.artifact_id,
        });
    /** After the recording was read again: the item of the same type and start, if there is one. */
    const refresh = () => {
        if (item) context.timeline.select(item);
        show(context.timeline.view.selected);
    };
    const show = next => {
        item = next ?? null;
        copied.textContent = "";
        element.classList.toggle("none", !item);
        if (!item) return fill(element, h("p", { class: "hint" }, t("inspector.none")));
        announce(`${item.label}, ${clock(item.start_ms)}`);
        fill(
            element,
            h(
                "div",
                { class: "row" },
                h("span", { class: `tag ${item.type}` }, t(`type.${item.type}`)),
                h("strong", { class: "clip" }, item.label),
                h(
                    "span",
                    { class: "time" },
                    `${clock(item.start_ms)} – ${clock(item.end_ms)} · ${length(item.end_ms - item.start_ms)}`,
                ),
                h("span", { class: "hint grow clip" }, valueOf(item)),
                button(t("inspector.play"), () => play(false), { class: "small" }),
                button(t("inspector.loop"), () => play(true), { class: "small" }),
                button(t("inspector.copy"), copy, { class: "small" }),
                item.sample && button(t("inspector.lineage"), lineage, { class: "small" }),
                copied,
            ),
            corrections(context, item),
        );
    };
    show(null);
    return { element, show, play, copy, refresh };
}
