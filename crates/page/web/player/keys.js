// Keys of the recording's view.
import { mark } from "./transport.js";
import { firstAfter } from "../lib/recording.js";

/** Makes the listener: it returns whether it took the key. */
export function recordingKeys(context, inspect, side) {
    const { player, axis, timeline } = context;
    const step = (frames, event) =>
        event.shiftKey ? player.seek(player.time + Math.sign(frames) * 1000) : player.step(frames);
    const actions = {
        " ": () => player.toggle(),
        k: () => player.pause(),
        l: () => player.faster(),
        j: () => player.backwards(),
        i: () => mark(player, axis, "in"),
        o: () => mark(player, axis, "out"),
        p: () => player.window && player.setWindow(player.window.start, player.window.end, !player.window.loop),
        ArrowLeft: event => step(-1, event),
        ArrowRight: event => step(1, event),
        Home: () => player.seek(0),
        End: () => player.seek(axis.duration),
        "+": () => timeline.zoom(2),
        "=": () => timeline.zoom(2),
        "-": () => timeline.zoom(1 / 2),
        "−": () => timeline.zoom(1 / 2),
        0: () => axis.show(0, axis.duration),
        "[": () => axis.pan(-axis.span / 4),
        "]": () => axis.pan(axis.span / 4),
        n: () => neighbour(1),
        b: () => neighbour(-1),
        Enter: () => inspect.play(),
        c: () => inspect.copy(),
        Escape: () => {
            player.clearWindow();
            inspect.show(null);
            timeline.view.selected = null;
            timeline.draw();
        },
    };
    /** The next or previous item of the lane of the selected one; without one, of the words or events. */
    const neighbour = direction => {
        const { lanes, selected } = timeline.view;
        const lane =
            lanes.find(lane => lane.items.includes(selected)) ??
            lanes.find(lane => lane.id === "words") ??
            lanes.find(lane => lane.items.length);
        if (!lane) return;
        const index = selected
            ? lane.items.indexOf(selected) + direction
            : Math.max(0, firstAfter(lane.items, player.time) + Math.min(direction, 0));
        const item = lane.items[index];
        if (item) context.pick(item);
    };
    return event => {
        if (side.keys(event)) return true;
        const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
        // Buttons and links take their own keys.
        const onControl = event.target.closest?.("button, a, summary, select, [role=tab], [role=grid]");
        if (
            onControl &&
            (name === " " || name === "Enter" || (name.startsWith("Arrow") && onControl.matches("[role=tab]")))
        )
            return false;
        if (
            event.target.closest?.("input[type=range], .table-scroll, .panel-scroll") &&
            /^(Arrow|Home|End|Page)/.test(name)
        )
            return false;
        if (!(name in actions)) return false;
        actions[name](event);
        return true;
    };
}
