// A recording as the views need it: the asset, its timeline in force, and its samples.
import { all, get } from "../lib/api.js";

/** Samples of a kind that are read; a detector finds at most 2 000. */
const SAMPLES = 4000;

/** Reads a recording. Its timeline is the newest measured one, or the newest correction of that. */
export async function readRecording(id) {
    const path = `/media-v2/assets/${encodeURIComponent(id)}`;
    const { asset } = await get(path);
    const [timeline, samples] = await Promise.all([readTimeline(path), readSamples(id)]);
    return { asset, name: nameOf(asset), ...timeline, ...samples };
}

export const nameOf = asset => asset.meta?.file_name || asset.source_ref || asset.id;

async function readTimeline(path) {
    const artifacts = await all(`${path}/artifacts`, { kind: "audio_semantic_timeline" }, 500);
    const own = artifacts.filter(
        artifact => !artifact.meta.source_artifact_id && artifact.meta.backend_type !== "corrected",
    );
    const measured = own.find(artifact => artifact.meta.backend_type !== "stub") ?? own[0];
    if (!measured) return { analysis: null, timeline: null, corrections: null };
    const corrections = await readCorrections(measured.id);
    const inForce = corrections?.[0]?.artifact_id ?? measured.id;
    const { summary } = await get(`/audio/semantic-timeline/${inForce}`);
    return { analysis: measured.id, corrections, timeline: { id: inForce, ...parts(summary) } };
}

/** Corrections of an analysis, newest first; null where the service has no such call. */
async function readCorrections(id) {
    try {
        const { items } = await get(`/audio/semantic-timeline/${id}/corrections`);
        return items;
    } catch (error) {
        if (error.status === 404 || error.status === 405) return null;
        throw error;
    }
}

/** The summary with its words and bars in lists of their own, in order of time. */
function parts(summary) {
    const words = summary.events.flatMap(event => (event.meta.words ?? []).map(word => ({ ...word, event })));
    const { meta } = summary;
    return {
        duration: summary.duration_ms,
        events: summary.events,
        words,
        beats: summary.beats,
        meta,
        loudness: meta.loudness_windows ?? [],
        speakers: meta.speakers ?? [],
        turns: meta.speaker_turns ?? meta.turns ?? turns(summary.events),
    };
}

/** Who speaks when, by the main speaker of each event. */
function turns(events) {
    return events
        .filter(event => event.speaker_id)
        .map(({ start_ms, end_ms, speaker_id }) => ({ start_ms, end_ms, speaker_id }));
}

async function readSamples(id) {
    const samples = await all("/audio/samples", { asset_id: id }, SAMPLES);
    const of = kind =>
        samples
            .filter(sample => sample.kind === kind && sample.start_ms !== null)
            .sort((a, b) => a.start_ms - b.start_ms);
    return { hits: of("audio_hit"), loops: of("audio_loop"), phrases: of("audio_phrase") };
}

/** Index of the first item of a sorted list that ends after `ms`. */
export function firstAfter(items, ms, end = item => item.end_ms) {
    let low = 0,
        high = items.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (end(items[middle]) <= ms) low = middle + 1;
        else high = middle;
    }
    return low;
}

/** The item of a sorted list that is at `ms`, or null. */
export function itemAt(items, ms) {
    const item = items[firstAfter(items, ms)];
    return item && item.start_ms <= ms ? item : null;
}
