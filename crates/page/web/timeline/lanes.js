// The lanes of a recording: what each draws, and which item is at a position.
import { firstAfter } from "../lib/recording.js";
import { has, t } from "../lib/i18n.js";
import { beatsLane, kindLane } from "./dense.js";
import { loudnessLane, spanLane, waveLane, wordLane } from "./draw.js";

const byStart = (a, b) => a.start_ms - b.start_ms;

/** Lanes of `recording`; those without content are left out. Each: `{id, label, height, draw, items}`. */
export function lanesOf(recording, tiles) {
    const { timeline, hits, loops } = recording;
    const lanes = [
        {
            id: "wave",
            label: t("lane.wave"),
            height: recording.asset.kind === "video" ? 96 : 170,
            draw: waveLane(tiles),
            items: [],
        },
    ];
    if (timeline) {
        const { events, words, beats, loudness } = timeline;
        lanes.push({
            id: "kinds",
            label: t("lane.kinds"),
            height: 30,
            items: events.map(eventItem),
            draw: kindLane(kindStyle),
        });
        if (timeline.turns.length)
            lanes.push({
                id: "speakers",
                label: t("lane.speakers"),
                height: 20,
                items: turnItems(timeline),
                draw: spanLane(speakerStyle),
            });
        if (words.length)
            lanes.push({ id: "words", label: t("lane.words"), height: 26, items: words.map(wordItem), draw: wordLane });
        if (beats.length)
            lanes.push({
                id: "beats",
                label: t("lane.beats"),
                height: 22,
                items: beatItems(beats, timeline.duration),
                draw: beatsLane,
            });
        if (loudness.length)
            lanes.push({
                id: "loudness",
                label: t("lane.loudness"),
                height: 44,
                items: [],
                draw: loudnessLane(loudness),
            });
    }
    if (hits.length)
        lanes.push({
            id: "hits",
            label: t("lane.hits"),
            height: 22,
            items: hits.map(sampleItem),
            draw: spanLane(hitStyle),
        });
    if (loops.length) lanes.push(...loopLanes(loops));
    return lanes;
}

/** Loops overlap; each row has those that do not. */
function loopLanes(loops) {
    const rows = [];
    for (const loop of loops.map(sampleItem).sort(byStart)) {
        const row = rows.find(row => row.at(-1).end_ms <= loop.start_ms);
        if (row) row.push(loop);
        else if (rows.length < 4) rows.push([loop]);
    }
    return rows.map((items, index) => ({
        id: `loops${index}`,
        label: index ? "" : t("lane.loops"),
        height: 20,
        items,
        draw: spanLane(loopStyle),
    }));
}

/** Role of a hit, if it has one. */
export const hitName = ({ role }) =>
    role && role !== "other" && has(`role.${role}`) ? t(`role.${role}`) : t("item.hit");
/** Bars and tempo of a loop. */
export const loopName = ({ bars, bpm }) =>
    t(bars === 1 ? "item.loopOfOne" : "item.loop", {
        bars: bars ?? "?",
        bpm: bpm === null ? "?" : Math.round(bpm * 10) / 10,
    });
const eventItem = (event, index) => ({
    type: "event",
    index,
    start_ms: event.start_ms,
    end_ms: event.end_ms,
    label: kindName(event),
    event,
});
const wordItem = (word, index) => ({
    type: "word",
    index,
    start_ms: word.start_ms,
    end_ms: word.end_ms,
    label: word.word,
    word,
});
const sampleItem = (sample, index) => ({
    type: sample.kind.slice(6),
    index,
    start_ms: sample.start_ms,
    end_ms: sample.end_ms,
    sample,
    label: sample.kind === "audio_loop" ? loopName(sample) : hitName(sample),
});

/** Beats with the time until the next one. */
export function beatItems(beats, duration) {
    const lengths = beats.length > 1 ? (beats.at(-1).time_ms - beats[0].time_ms) / (beats.length - 1) : 500;
    return beats.map((beat, index) => {
        const next = beats[index + 1]?.time_ms ?? Math.min(duration, beat.time_ms + lengths);
        const isBar = index === 0 || beats[index - 1].bar_index !== beat.bar_index;
        return {
            type: "beat",
            index,
            start_ms: beat.time_ms,
            end_ms: next,
            beat,
            isBar,
            label: t("item.beat", { bar: beat.bar_index + 1, beat: beat.beat_index + 1 }),
        };
    });
}

function turnItems({ turns, speakers }) {
    const ids = [...new Set([...speakers.map(speaker => speaker.id), ...turns.map(turn => turn.speaker_id)])];
    const name = id => speakers.find(speaker => speaker.id === id)?.name ?? id;
    return [...turns].sort(byStart).map((turn, index) => ({
        type: "turn",
        index,
        ...turn,
        label: name(turn.speaker_id),
        place: ids.indexOf(turn.speaker_id),
    }));
}

export function kindName(event) {
    const parts = [t(`kind.${event.kind}`)];
    if (event.meta.background) parts.push(t(`background.${event.meta.background}`));
    if (event.meta.sung) parts.push(t("kind.sung"));
    return parts.join(", ");
}

const kindStyle = (item, colours) => {
    const { kind, meta } = item.event;
    return {
        fill: colours[kind],
        text: colours.onKind,
        under: meta.sung ? colours.sung : null,
        over: meta.background ? colours.music : null,
        thin: kind === "silence",
    };
};
const speakerStyle = (item, colours) => ({ fill: colours[`speaker${(item.place % 4) + 1}`], text: colours.onKind });
const hitStyle = (item, colours) => ({ fill: colours.hit, text: colours.onKind, least: 2 });
const loopStyle = (item, colours) => ({ fill: colours.loop, text: colours.onKind });

/** The item of a lane at `ms`; of those that are narrower than a finger, the nearest. */
export function itemNear(lane, ms, msPerPixel) {
    const { items } = lane;
    const index = firstAfter(items, ms);
    const candidates = [items[index - 1], items[index], items[index + 1]].filter(Boolean);
    const distance = item =>
        item.start_ms <= ms && ms < item.end_ms
            ? 0
            : Math.min(Math.abs(item.start_ms - ms), Math.abs(item.end_ms - ms));
    const best = candidates.sort((a, b) => distance(a) - distance(b))[0];
    return best && distance(best) <= 4 * msPerPixel ? best : null;
}
