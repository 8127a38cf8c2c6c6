// Drawing of lanes: each gets the context, the axis, the lane's box and the colours. Only what is in view is drawn.
import { firstAfter } from "../lib/recording.js";
import { clamp } from "../lib/time.js";
import { Tiles } from "./tiles.js";

/** Room in pixels from which a label is drawn, even if it does not fit. */
const LABEL = 44;

/** Spans as boxes with labels; spans that share a pixel are drawn once. */
export const spanLane =
    styleOf =>
    (context, axis, { y, height, items, selected }, colours) => {
        let drawn = -1;
        context.font = FONT;
        context.textBaseline = "middle";
        for (let index = firstAfter(items, axis.from); index < items.length; index += 1) {
            const item = items[index];
            if (item.start_ms >= axis.to) break;
            const style = styleOf(item, colours);
            // Samples overlap by their tails: each ends where the next one begins.
            const next = items[index + 1],
                end = next ? Math.min(item.end_ms, next.start_ms) : item.end_ms;
            const left = axis.x(item.start_ms),
                right = Math.max(axis.x(end), left + (style.least ?? 1));
            if (right < drawn + 0.75 && item !== selected) continue;
            const gap = right - left > 4 ? 1 : 0;
            context.fillStyle = style.fill;
            if (style.thin) context.fillRect(left, y + height / 2 - 1, right - left - gap, 2);
            else context.fillRect(left, y + 1, right - left - gap, height - 2);
            if (style.over) {
                context.fillStyle = style.over;
                context.fillRect(left, y + height - 8, right - left - gap, 7);
            }
            if (style.under) {
                context.fillStyle = style.under;
                context.fillRect(left, y + 1, right - left - gap, 3);
            }
            if (item === selected) outline(context, left, y, right - left, height, colours);
            if (!style.thin)
                label(context, item.label, left, right, y + height / 2 - (style.over ? 3 : 0), axis, style.text);
            drawn = right;
        }
    };

export const FONT = "12px system-ui, sans-serif";

function outline(context, left, y, width, height, colours) {
    context.strokeStyle = colours.text;
    context.lineWidth = 2;
    context.strokeRect(left + 1, y + 1, Math.max(width - 2, 2), height - 2);
}

/** A label, clipped to its span and kept in view. */
function label(context, text, left, right, middle, axis, colour) {
    const from = Math.max(left, 0) + 4,
        room = Math.min(right, axis.width) - from - 3;
    if (room < Math.min(LABEL, context.measureText(text).width)) return;
    context.save();
    context.beginPath();
    context.rect(from, middle - 20, room, 40);
    context.clip();
    context.fillStyle = colour;
    context.fillText(text, from, middle);
    context.restore();
}

/** Words as text where there is room, else as ticks. */
export function wordLane(context, axis, { y, height, items, selected }, colours) {
    context.font = FONT;
    context.textBaseline = "middle";
    let drawn = -1;
    for (let index = firstAfter(items, axis.from); index < items.length; index += 1) {
        const item = items[index];
        if (item.start_ms >= axis.to) break;
        const left = axis.x(item.start_ms),
            right = Math.max(axis.x(item.end_ms), left + 1);
        if (right < drawn + 0.75 && item !== selected) continue;
        context.fillStyle = colours.line;
        context.fillRect(left, y + 2, Math.max(1, right - left - 1), height - 4);
        label(context, item.label, left, right, y + height / 2, axis, colours.text);
        if (item === selected) outline(context, left, y, right - left, height, colours);
        drawn = right;
    }
}

/** Beats as lines, bars as taller ones with their number. Too dense ones are left out: beats first, then bars. */
export function beatLane(context, axis, { y, height, items, selected }, colours) {
    context.font = FONT;
    context.textBaseline = "middle";
    const first = Math.max(0, firstAfter(items, axis.from));
    let drawn = -100,
        numbered = -100;
    for (let index = first; index < items.length; index += 1) {
        const item = items[index];
        if (item.start_ms >= axis.to) break;
        const x = Math.round(axis.x(item.start_ms));
        if (x - drawn < (item.isBar ? 2 : 4) && item !== selected) continue;
        context.fillStyle = item.isBar ? colours.bar : colours.beat;
        context.fillRect(
            x,
            item.isBar ? y + 2 : y + height / 2,
            item.isBar ? 2 : 1,
            item.isBar ? height - 4 : height / 2 - 2,
        );
        if (item.isBar && x - numbered > 34) {
            context.fillText(String(item.beat.bar_index + 1), x + 5, y + height / 2 - 2);
            numbered = x;
        }
        if (item === selected) outline(context, x - 1, y, Math.max(4, axis.x(item.end_ms) - x), height, colours);
        drawn = x;
    }
}

/** Loudness of the stored windows, -60 to 0 LUFS. */
export const loudnessLane =
    windows =>
    (context, axis, { y, height }, colours) => {
        const level = lufs => y + height - 1 - clamp((lufs + 60) / 60, 0, 1) * (height - 2);
        context.fillStyle = colours.loudness;
        let column = null;
        const flush = () => {
            if (column) context.fillRect(column.x, column.y, column.width, y + height - column.y);
        };
        for (let index = firstAfter(windows, axis.from); index < windows.length; index += 1) {
            const { start_ms, end_ms, loudness_lufs } = windows[index];
            if (start_ms >= axis.to) break;
            if (loudness_lufs === null) continue;
            const left = Math.floor(axis.x(start_ms)),
                right = Math.max(left + 1, Math.floor(axis.x(end_ms)));
            // Of the windows of a pixel the loudest.
            if (column?.x === left) column.y = Math.min(column.y, level(loudness_lufs));
            else {
                flush();
                column = { x: left, y: level(loudness_lufs), width: right - left };
            }
        }
        flush();
        context.fillStyle = colours.line;
        for (const lufs of [-40, -23]) context.fillRect(0, Math.round(level(lufs)), axis.width, 1);
    };

/** The waveform: lowest to highest sample of each pixel, and the RMS within. */
export const waveLane =
    tiles =>
    (context, axis, { y, height }, colours) => {
        const middle = y + height / 2,
            scale = (height / 2 - 2) / 128;
        const ratio = context.getTransform().a,
            step = 1 / ratio;
        context.fillStyle = colours.line;
        context.fillRect(0, middle, axis.width, 1);
        if (tiles.failure) {
            context.font = FONT;
            context.textBaseline = "middle";
            context.fillStyle = colours.muted;
            context.fillText(tiles.failure.message, 8, middle - 12, axis.width - 16);
            return;
        }
        const rms = [];
        context.fillStyle = colours.wave;
        for (let x = 0; x < axis.width;) {
            const tile = tiles.at(axis.ms(x), axis.msPerPixel * step);
            // Without a tile: on to the next one of this level.
            const end = tile ? axis.x(tile.end) : axis.x(axis.ms(x) + Tiles.span(Tiles.level(axis.msPerPixel * step)));
            for (; x < Math.min(end, axis.width) || (tile === null && x < end); x += step) {
                if (!tile || x >= axis.width) continue;
                const from = clamp(Math.floor((axis.ms(x) - tile.start) / tile.step), 0, tile.length - 1);
                const to = clamp(Math.ceil((axis.ms(x + step) - tile.start) / tile.step), from + 1, tile.length);
                let low = 127,
                    high = -128,
                    square = 0;
                for (let point = from; point < to; point += 1) {
                    low = Math.min(low, tile.peaks[2 * point]);
                    high = Math.max(high, tile.peaks[2 * point + 1]);
                    square += tile.rms[point] ** 2;
                }
                const top = middle - high * scale,
                    bottom = middle - low * scale;
                context.fillRect(x, top, step, Math.max(step, bottom - top));
                rms.push(x, Math.sqrt(square / (to - from)) * scale);
            }
            if (!(end > x - step)) x += step;
        }
        context.fillStyle = colours.waveRms;
        for (let index = 0; index < rms.length; index += 2)
            context.fillRect(rms[index], middle - rms[index + 1], step, rms[index + 1] * 2);
    };
