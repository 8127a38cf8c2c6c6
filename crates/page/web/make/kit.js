// Samples in WebAudio: each is read and decoded once; a bounded number stays in memory.
import { send } from "../lib/api.js";

/** Decoded samples in memory. */
const KEPT = 96;
const buffers = new Map();
let context = null;
let master = null;

/** The audio context; browsers let it sound after a click or key only. */
export function audio() {
    if (!context) {
        context = new AudioContext({ latencyHint: "interactive" });
        master = context.createGain();
        master.connect(context.destination);
    }
    if (context.state === "suspended") context.resume();
    return context;
}

/** The decoded content of an artifact. */
export function buffer(artifact, decoder = audio()) {
    const key = `${artifact}@${decoder.sampleRate}`;
    const known = buffers.get(key);
    if (known) {
        buffers.delete(key);
        buffers.set(key, known);
        return known;
    }
    const reading = send("GET", `/media-v2/artifacts/${encodeURIComponent(artifact)}/content`)
        .then(response => response.arrayBuffer())
        .then(bytes => decoder.decodeAudioData(bytes));
    reading.catch(() => buffers.delete(key));
    buffers.set(key, reading);
    while (buffers.size > KEPT) buffers.delete(buffers.keys().next().value);
    return reading;
}

/** Plays a decoded sample at `when` (s of the context), at most `seconds` long; returns its source. */
export function start(sample, { when = 0, gain = 1, seconds, into = context, output = master } = {}) {
    const source = into.createBufferSource(),
        level = into.createGain();
    source.buffer = sample;
    level.gain.value = gain;
    source.connect(level).connect(output);
    source.start(when, 0, ...(seconds === undefined ? [] : [seconds]));
    return source;
}

/** Plays an artifact now; an earlier one of the same `slot` stops. */
const slots = new Map();
export async function playNow(artifact, { slot = artifact, gain = 1, loop = false } = {}) {
    audio();
    const sample = await buffer(artifact);
    slots.get(slot)?.stop();
    const source = start(sample, { gain });
    source.loop = loop;
    slots.set(slot, source);
    source.onended = () => {
        if (slots.get(slot) === source) slots.delete(slot);
    };
    return source;
}

export function stopAll() {
    for (const source of slots.values()) source.stop();
    slots.clear();
}

/** Clips of a pattern as samples of one buffer, at `rate`: what the service renders, for comparison. */
export async function renderClips(clips, lengthMs, rate) {
    const offline = new OfflineAudioContext(2, Math.max(1, Math.ceil((lengthMs * rate) / 1000)), rate);
    for (const clip of clips) {
        const sample = await buffer(clip.artifact_id, offline);
        // At the frame nearest to the start, as the service does.
        const when = Math.round((clip.start_ms * rate) / 1000) / rate;
        start(sample, {
            when,
            gain: 10 ** (clip.gain_db / 20),
            seconds: clip.duration_ms / 1000,
            into: offline,
            output: offline.destination,
        });
    }
    return offline.startRendering();
}
