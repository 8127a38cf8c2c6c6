// Buttons under the player: what the keys do, for pointers and touch.
import { button, fill, h, select } from "../lib/dom.js";
import { icon } from "../lib/icon.js";
import { t } from "../lib/i18n.js";
import { clock } from "../lib/time.js";

export function transport({ player, axis }) {
    const act = (label, key, work, more) => button(label, work, { "aria-label": t(key), title: t(key), ...more });
    const play = act(icon("play"), "player.play", () => player.toggle(), { class: "play" });
    const time = h("output", { class: "clock", "aria-label": t("player.time") });
    const window = h("span", { class: "window" });
    const loop = act(
        icon("loop"),
        "player.loop",
        () => player.window && player.setWindow(player.window.start, player.window.end, !player.window.loop),
        { "aria-pressed": "false" },
    );
    const clear = act(icon("close"), "player.clear", () => player.clearWindow());
    const rate = select(
        [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 4].map(value => [value, `${value}×`]),
        1,
        value => {
            player.media.playbackRate = Number(value);
        },
        { "aria-label": t("player.rate") },
    );
    const volume = h("input", {
        type: "range",
        min: 0,
        max: 1,
        step: 0.05,
        value: 1,
        "aria-label": t("player.volume"),
        class: "volume",
        on: {
            input: event => {
                player.media.volume = Number(event.target.value);
            },
        },
    });
    const showTime = () => {
        time.textContent = `${clock(player.time)} / ${clock(axis.duration, 0)}`;
    };
    const show = () => {
        fill(play, icon(player.isPlaying || player.reverse ? "pause" : "play"));
        const label = t(player.isPlaying ? "player.pause" : "player.play");
        play.setAttribute("aria-label", label);
        play.title = label;
        rate.value = String(player.media.playbackRate);
        showTime();
    };
    const showWindow = () => {
        const has = player.window !== null;
        window.textContent = has ? `${clock(player.window.start, 2)} – ${clock(player.window.end, 2)}` : "";
        for (const element of [loop, clear]) element.hidden = !has;
        loop.setAttribute("aria-pressed", String(Boolean(player.window?.loop)));
    };
    player.addEventListener("change", show);
    player.addEventListener("time", showTime);
    player.addEventListener("window", showWindow);
    show();
    showWindow();
    return h(
        "div",
        { class: "transport row", role: "group", "aria-label": t("player.title") },
        act(icon("start"), "player.start", () => player.seek(0)),
        act(icon("back"), "player.frameBack", () => player.step(-1)),
        play,
        act(icon("on"), "player.frameOn", () => player.step(1)),
        time,
        h("span", { class: "grow" }),
        window,
        loop,
        clear,
        button(t("player.inShort"), () => mark(player, axis, "in"), { title: t("player.in") }),
        button(t("player.outShort"), () => mark(player, axis, "out"), { title: t("player.out") }),
        rate,
        volume,
    );
}

/** Sets one end of the window at the current time; the other end stays, or is that of the recording. */
export function mark(player, axis, end) {
    const { time, window } = player;
    const start = end === "in" ? time : window && window.start < time ? window.start : 0;
    const stop = end === "out" ? time : window && window.end > time ? window.end : axis.duration;
    player.setWindow(start, stop, window?.loop ?? true);
}
