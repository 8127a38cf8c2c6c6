// Lanes where many items share a pixel: shares of each column, instead of whichever item is drawn last.
import { firstAfter } from "../lib/recording.js";
import { beatLane, spanLane } from "./draw.js";

/** Items per pixel from which columns are drawn. */
const DENSE = 1 / 4;
const KINDS = ["speech", "music", "other"];

/** Kinds as spans; where they are narrower than some pixels, as shares of each column, stacked from below. */
export const kindLane = styleOf => {
    const spans = spanLane(styleOf);
    return (context, axis, lane, colours) => {
        const first = firstAfter(lane.items, axis.from);
        const last = firstAfter(lane.items, axis.to);
        if (last - first < axis.width * DENSE) return spans(context, axis, lane, colours);
        const shares = columns(axis, lane.items, first, last);
        for (let x = 0; x < axis.width; x += 1) {
            let bottom = lane.y + lane.height - 1;
            KINDS.forEach((kind, place) => {
                const height = shares[x * KINDS.length + place] * (lane.height - 2);
                context.fillStyle = colours[kind];
                context.fillRect(x, bottom - height, 1, height);
                bottom -= height;
            });
        }
    };
};

/** The share of each kind in each column of pixels, 0 to 1. */
function columns(axis, items, first, last) {
    const shares = new Float32Array(Math.ceil(axis.width) * KINDS.length);
    for (let index = first; index <= Math.min(last, items.length - 1); index += 1) {
        const { start_ms, end_ms, event } = items[index];
        const place = KINDS.indexOf(event.kind);
        if (place < 0) continue;
        const left = Math.max(0, axis.x(start_ms));
        const right = Math.min(axis.width, axis.x(end_ms));
        for (let x = Math.floor(left); x < right; x += 1) {
            shares[x * KINDS.length + place] += Math.min(right, x + 1) - Math.max(left, x);
        }
    }
    return shares;
}

/** Longest pause between beats of one stretch in ms. */
const PAUSE = 3000;

/** Beats and bars as lines; where bars are closer than some pixels, the stretches that have beats. */
export function beatsLane(context, axis, lane, colours) {
    const visible = firstAfter(lane.items, axis.to) - firstAfter(lane.items, axis.from);
    const draw = visible > axis.width * DENSE ? beatStretches : beatLane;
    draw(context, axis, lane, colours);
}

function beatStretches(context, axis, { y, height, items }, colours) {
    context.fillStyle = colours.beat;
    let start = null;
    let end = null;
    const flush = () => {
        if (start !== null)
            context.fillRect(axis.x(start), y + height / 2, Math.max(1, axis.x(end) - axis.x(start)), 3);
    };
    for (let index = Math.max(0, firstAfter(items, axis.from)); index < items.length; index += 1) {
        const { start_ms } = items[index];
        if (start_ms >= axis.to) break;
        if (end === null || start_ms - end > PAUSE) {
            flush();
            start = start_ms;
        }
        end = start_ms;
    }
    flush();
}
