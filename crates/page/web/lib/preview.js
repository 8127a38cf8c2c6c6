// Listens to a window of a recording, without leaving the view.
import { mediaAddress } from "./api.js";

/** Addresses of recordings, each asked for once. */
const addresses = new Map();
let playing = null;

/** Plays a window in ms; an earlier one stops. */
export async function playWindowOf(asset, start, end) {
    stopPreview();
    const path = `/media-v2/assets/${encodeURIComponent(asset)}/content`;
    if (!addresses.has(asset)) {
        const reading = mediaAddress(path, Infinity);
        reading.catch(() => addresses.delete(asset));
        addresses.set(asset, reading);
    }
    const media = new Audio();
    playing = media;
    const address = await addresses.get(asset);
    if (playing !== media) return;
    // The browser seeks to the start, and stops at the end.
    media.src = `${address}#t=${start / 1000},${end / 1000}`;
    await media.play();
}

export function stopPreview() {
    playing?.pause();
    playing = null;
}
