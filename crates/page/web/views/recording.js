// One recording: player, time axis with lanes, and panels beside the player.
import { Tiles } from "../timeline/tiles.js";
import { Axis } from "../timeline/axis.js";
import { timelineView } from "../timeline/timeline.js";
import { Player } from "../player/player.js";
import { transport } from "../player/transport.js";
import { recordingKeys } from "../player/keys.js";
import { button, fill, h } from "../lib/dom.js";
import { formatNumber, t } from "../lib/i18n.js";
import { note, place } from "../lib/place.js";
import { readRecording } from "../lib/recording.js";
import { analyse, findSamples } from "../lib/tasks.js";
import { bytes, clock } from "../lib/time.js";
import { inspector } from "../panels/inspector.js";
import { panels } from "../panels/panels.js";
import { failure, load } from "./failure.js";
import { taskList } from "./tasks.js";

export function recording(state) {
    const element = h("div", { class: "recording" });
    const view = { element, title: "", close() {}, keys: () => false, accept: () => false };
    load(element, async () => {
        const found = await readRecording(state.asset ?? "");
        const open = workspace(found);
        Object.assign(view, open, { element });
        document.title = `${found.name} · harkback`;
        queueMicrotask(() => open.start(place()));
        return open.elements;
    });
    return view;
}

function workspace(found) {
    const { asset } = found;
    const duration = asset.duration_ms ?? found.timeline?.duration ?? 0;
    const player = new Player(asset);
    const axis = new Axis(duration);
    const tiles = new Tiles(`/media-v2/assets/${encodeURIComponent(asset.id)}/waveform`, duration);
    const context = { recording: found, player, axis, pick: null, refresh: null, timeline: null };
    const inspect = inspector(context);
    context.timeline = timelineView({
        recording: found,
        axis,
        player,
        tiles,
        onpick: item => {
            inspect.show(item);
            inspect.play();
        },
    });
    /** Selects an item, shows it on the axis, and plays its window. */
    context.pick = (item, { play = true } = {}) => {
        context.timeline.select(item);
        inspect.show(item);
        if (item.end_ms < axis.from || item.start_ms > axis.to) axis.follow(item.start_ms);
        if (play) inspect.play();
    };
    const side = panels(context);
    /** Reads the recording again, after an analysis or a correction. */
    context.refresh = async () => {
        Object.assign(found, await readRecording(asset.id));
        context.timeline.place();
        side.refresh();
        inspect.refresh();
        fill(actions, actionsOf(context));
    };
    const actions = h("div", { class: "row actions" }, actionsOf(context));
    const stage = h(
        "div",
        { class: `screen ${asset.kind}` },
        player.media,
        asset.kind !== "video" && h("p", { class: "poster", "aria-hidden": "true" }, found.name),
    );
    const problem = h("div");
    player.media.setAttribute("aria-label", found.name);
    player.addEventListener("failed", () =>
        fill(problem, h("p", { class: "error", role: "alert" }, t("player.unplayable"))),
    );

    let noted = 0;
    const remember = () => {
        if (performance.now() - noted < 500 && player.isPlaying) return;
        noted = performance.now();
        const { window } = player;
        const isWhole = axis.span >= axis.duration;
        note({
            t: Math.round(player.time) || "",
            from: isWhole ? "" : Math.round(axis.from),
            to: isWhole ? "" : Math.round(axis.to),
            in: window ? Math.round(window.start) : "",
            out: window ? Math.round(window.end) : "",
        });
    };
    for (const [target, event] of [
        [player, "time"],
        [player, "window"],
        [axis, "change"],
    ])
        target.addEventListener(event, remember);

    /** Takes time, window and panel of the address. */
    const take = state => {
        const [at, from, to, start, end] = ["t", "from", "to", "in", "out"].map(name =>
            state[name] ? Number(state[name]) : NaN,
        );
        if (to > from) axis.show(from, to);
        if (end > start) player.setWindow(start, end);
        if (at >= 0) {
            player.seek(at);
            if (!(to > from)) axis.follow(at);
        }
        if (end > start) player.setWindow(start, end);
        side.open(state.tab ?? side.shown());
    };

    return {
        title: found.name,
        elements: [
            h(
                "div",
                { class: "head" },
                h(
                    "div",
                    { class: "grow clip" },
                    h("h1", { class: "clip" }, found.name),
                    h("p", { class: "facts" }, facts(found)),
                ),
                actions,
            ),
            taskList(),
            problem,
            h(
                "div",
                { class: "work" },
                h("div", { class: "monitor" }, stage, transport(context), inspect.element),
                side.element,
            ),
            context.timeline.element,
        ],
        start(state) {
            if (duration === 0) fill(problem, h("p", { class: "hint" }, t("recording.noLength")));
            player.load().catch(error =>
                fill(
                    problem,
                    failure(error, () => player.load()),
                ),
            );
            take(state);
            // From the command line: a recording that was just brought is analysed.
            if (state.new && !found.timeline) actions.firstElementChild.click();
            note({ new: "" });
        },
        accept(state) {
            if (state.asset !== asset.id) return false;
            take(state);
            return true;
        },
        keys: recordingKeys(context, inspect, side),
        close() {
            side.close();
            context.timeline.close();
            player.close();
        },
    };
}

/** What is known of a recording, in one line. */
function facts({ asset, timeline }) {
    const meta = timeline?.meta ?? {};
    return [
        asset.duration_ms !== null && clock(asset.duration_ms),
        asset.codec_info,
        asset.fps && `${formatNumber(asset.fps, asset.fps % 1 ? 2 : 0)} fps`,
        asset.sample_rate && `${formatNumber(asset.sample_rate / 1000, 1)} kHz`,
        asset.size_bytes && bytes(asset.size_bytes),
        meta.tempo_bpm && `${formatNumber(meta.tempo_bpm, 1)} BPM`,
        typeof meta.integrated_lufs === "number" && `${formatNumber(meta.integrated_lufs, 1)} LUFS`,
        meta.backend_type &&
            (meta.backend_type === "stub"
                ? t("recording.stub")
                : meta.backend_type === "corrected"
                  ? t("recording.corrected")
                  : null),
    ]
        .filter(Boolean)
        .join(" · ");
}

function actionsOf(context) {
    const { recording: found } = context;
    const then = work => async event => {
        event.target.disabled = true;
        // The task shows a failure of the work itself.
        await work().then(context.refresh, () => {});
        event.target.disabled = false;
    };
    return [
        button(
            t(found.timeline ? "recording.analyseAgain" : "recording.analyse"),
            then(() => analyse(found.asset.id, found.name)),
            { class: found.timeline ? "" : "primary" },
        ),
        button(
            t("recording.findSamples"),
            then(() => findSamples(found.asset.id, found.name, { run_phrases: Boolean(found.timeline?.words.length) })),
            { class: found.timeline && !found.hits.length ? "primary" : "" },
        ),
    ];
}
