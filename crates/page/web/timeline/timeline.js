// The time axis with its lanes: one canvas for what is drawn, elements for what moves.
import { announce, button, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { clamp, clock, perFrame } from "../lib/time.js";
import { FONT } from "./draw.js";
import { gestures } from "./gestures.js";
import { itemNear, lanesOf } from "./lanes.js";
import { theme } from "./theme.js";

const RULER = 24;

/** A timeline of `recording` on `axis`, driven by `player`. `onpick(item)`: an item was clicked. */
export function timelineView({ recording, axis, player, tiles, onpick }) {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const playhead = h("div", { class: "playhead", "aria-hidden": "true" });
    const range = h("div", { class: "range", "aria-hidden": "true", hidden: true });
    const tip = h("div", { class: "tip", "aria-hidden": "true", hidden: true });
    const labels = h("div", { class: "lane-labels", "aria-hidden": "true" });
    const stage = h(
        "div",
        {
            class: "lanes",
            tabindex: 0,
            role: "slider",
            "aria-label": t("timeline.position"),
            "aria-describedby": "timeline-help",
            "aria-valuemin": 0,
            "aria-valuemax": Math.round(axis.duration / 1000),
        },
        canvas,
        range,
        playhead,
        tip,
    );
    const scroll = h("input", {
        type: "range",
        class: "scroll",
        min: 0,
        max: 1000,
        step: 1,
        "aria-label": t("timeline.scroll"),
        on: {
            input: event => {
                const start = (event.target.value / 1000) * (axis.duration - axis.span);
                axis.show(start, start + axis.span);
            },
        },
    });
    const view = { lanes: [], selected: null, follows: true };
    let colours = theme();

    const place = () => {
        let y = RULER;
        view.lanes = lanesOf(recording, tiles).map(lane => {
            const placed = { ...lane, y };
            y += lane.height + 2;
            return placed;
        });
        view.height = y + 2;
        stage.style.height = `${view.height}px`;
        labels.replaceChildren(
            h("span", { class: "lane-label ruler" }, ""),
            ...view.lanes.map(lane => {
                const label = h("span", { class: "lane-label" }, lane.label);
                label.style.height = `${lane.height + 2}px`;
                return label;
            }),
        );
        draw();
    };

    const draw = perFrame(() => {
        const ratio = devicePixelRatio || 1;
        const [width, height] = [Math.round(axis.width * ratio), Math.round(view.height * ratio)];
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        const context = canvas.getContext("2d");
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        context.fillStyle = colours.surface;
        context.fillRect(0, 0, axis.width, view.height);
        ruler(context, axis, view.height, colours);
        for (const lane of view.lanes) lane.draw(context, axis, { ...lane, selected: view.selected }, colours);
        tiles.want(axis.from, axis.to, axis.msPerPixel / ratio);
        showPlayhead();
        showRange();
        scroll.value = axis.duration > axis.span ? (axis.from / (axis.duration - axis.span)) * 1000 : 0;
        scroll.disabled = axis.span >= axis.duration;
    });

    const showPlayhead = () => {
        const now = player.shownTime !== undefined && player.isPlaying ? player.shownTime : player.time;
        const x = axis.x(now);
        playhead.style.transform = `translateX(${x}px)`;
        playhead.hidden = x < -1 || x > axis.width + 1;
        const text = clock(now, player.isPlaying ? 0 : 3);
        if (text === view.position) return;
        view.position = text;
        stage.setAttribute("aria-valuenow", Math.round(now / 1000));
        stage.setAttribute("aria-valuetext", text);
    };
    const showRange = () => {
        const { window } = player;
        range.hidden = !window;
        if (!window) return;
        const left = clamp(axis.x(window.start), -10, axis.width + 10),
            right = clamp(axis.x(window.end), -10, axis.width + 10);
        range.style.transform = `translateX(${left}px)`;
        range.style.width = `${Math.max(1, right - left)}px`;
    };
    const onTime = () => {
        if (player.isPlaying && view.follows) axis.follow(player.time);
        showPlayhead();
    };

    const laneAt = y => view.lanes.find(lane => y >= lane.y && y < lane.y + lane.height);
    gestures(stage, axis, {
        isRuler: y => y < RULER,
        scrub: x => player.seek(axis.ms(x)),
        click: (x, y) => {
            const lane = laneAt(y),
                item = lane && itemNear(lane, axis.ms(x), axis.msPerPixel);
            view.selected = item ?? null;
            if (item) onpick(item);
            else player.seek(axis.ms(x));
            draw();
        },
        mark: (from, to) => player.setWindow(axis.ms(Math.min(from, to)), axis.ms(Math.max(from, to))),
        hover: (x, y) => {
            const lane = x === null ? null : laneAt(y);
            const item = lane && itemNear(lane, axis.ms(x), axis.msPerPixel);
            tip.hidden = x === null;
            if (x === null) return;
            tip.textContent = item ? `${clock(item.start_ms)} ${item.label}` : clock(axis.ms(x));
            tip.style.transform = `translate(${clamp(x + 12, 0, Math.max(0, axis.width - 180))}px, ${Math.max(0, y - 26)}px)`;
        },
    });

    const size = new ResizeObserver(() => {
        axis.width = Math.max(1, stage.clientWidth);
        draw();
    });
    size.observe(stage);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolour = () => {
        colours = theme();
        draw();
    };
    const listeners = [
        [axis, "change", draw],
        [tiles, "change", draw],
        [player, "time", onTime],
        [player, "window", showRange],
        [dark, "change", recolour],
        [document, "appearance", recolour],
    ];
    for (const [target, event, listener] of listeners) target.addEventListener(event, listener);
    stage.addEventListener("focus", () => announce(t("timeline.keys")));

    const zoom = factor =>
        axis.zoom(factor, player.time >= axis.from && player.time <= axis.to ? player.time : (axis.from + axis.to) / 2);
    const bar = h(
        "div",
        { class: "row zoom" },
        button("−", () => zoom(1 / 2), { "aria-label": t("timeline.out"), title: t("timeline.out") }),
        button("+", () => zoom(2), { "aria-label": t("timeline.in"), title: t("timeline.in") }),
        button(t("timeline.fit"), () => axis.show(0, axis.duration)),
        scroll,
    );
    place();
    return {
        element: h(
            "section",
            { class: "timeline", "aria-label": t("timeline.title") },
            bar,
            h("div", { class: "lane-area" }, labels, stage),
            h("p", { id: "timeline-help", class: "visually-hidden" }, t("timeline.keys")),
        ),
        zoom,
        place,
        draw,
        view,
        select(item) {
            view.selected =
                view.lanes
                    .flatMap(lane => lane.items)
                    .find(other => other.type === item.type && other.start_ms === item.start_ms) ?? null;
            draw();
        },
        close() {
            size.disconnect();
            tiles.close();
            for (const [target, event, listener] of listeners) target.removeEventListener(event, listener);
        },
    };
}

/** Times along the top, and lines through all lanes. */
function ruler(context, axis, height, colours) {
    const step = axis.tick(84);
    context.font = FONT;
    context.textBaseline = "middle";
    const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
    for (let ms = Math.ceil(axis.from / step) * step; ms < axis.to; ms += step) {
        const x = Math.round(axis.x(ms));
        context.fillStyle = colours.lane;
        context.fillRect(x, RULER, 1, height);
        context.fillStyle = colours.line;
        context.fillRect(x, 12, 1, 12);
        context.fillStyle = colours.muted;
        context.fillText(clock(ms, digits), x + 4, 11);
    }
}
