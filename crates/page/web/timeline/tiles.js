// Peaks of the waveform in tiles of several resolutions. Only tiles in view are read; a bounded number is kept.
import { get } from "../lib/api.js";

/** Points of a tile. */
const POINTS = 1024;
/** Tiles in memory: 3 KB each. */
const KEPT = 400;
/** Requests at the same time. */
const CONCURRENT = 3;
/** Levels that are searched for a coarser tile, while that of the level is read. */
const COARSER = 16;
/** Finest resolution in ms per point. */
const FINEST = 1 / 16;

export class Tiles extends EventTarget {
    constructor(path, duration) {
        super();
        this.path = path;
        this.duration = duration;
        this.kept = new Map(); // In order of use, the oldest first.
        this.wanted = [];
        this.running = new Map();
        this.isGone = false;
        this.failure = null;
    }

    /** Level whose points are at most `msPerPixel` long. */
    static level(msPerPixel) {
        return Math.max(0, Math.floor(Math.log2(Math.max(msPerPixel, FINEST) / FINEST)));
    }

    static span(level) {
        return FINEST * 2 ** level * POINTS;
    }

    /** Asks for the tiles of a window; those that are no longer wanted are not read. */
    want(from, to, msPerPixel) {
        if (this.failure || this.isGone) return;
        const level = Tiles.level(msPerPixel),
            span = Tiles.span(level);
        const keys = [];
        for (let index = Math.floor(from / span); index * span < Math.min(to, this.duration); index += 1)
            keys.push(`${level}/${index}`);
        this.wanted = keys.filter(key => !this.kept.has(key) && !this.running.has(key));
        for (const [key, control] of this.running) {
            if (!keys.includes(key)) control.abort();
        }
        clearTimeout(this.timer);
        // While the wheel turns, levels pass by in milliseconds.
        this.timer = setTimeout(() => this.#next(), 60);
    }

    /** A service that is busy or away is asked again after a pause, which grows. */
    #rest() {
        this.pause = Math.min((this.pause ?? 500) * 2, 30_000);
        clearTimeout(this.resting);
        this.resting = setTimeout(() => {
            this.resting = null;
            this.dispatchEvent(new Event("change"));
        }, this.pause);
    }

    #next() {
        if (this.resting) return;
        while (this.running.size < CONCURRENT && this.wanted.length) this.#read(this.wanted.shift());
    }

    async #read(key) {
        const [level, index] = key.split("/").map(Number);
        const span = Tiles.span(level),
            control = new AbortController();
        this.running.set(key, control);
        try {
            const query = {
                start_ms: round(index * span),
                end_ms: round(Math.min((index + 1) * span, this.duration)),
                points: POINTS,
                bits: 8,
            };
            const answer = await get(this.path, query, control.signal);
            this.pause = 500;
            this.#keep(key, {
                start: answer.start_ms,
                step: (answer.end_ms - answer.start_ms) / answer.length,
                length: answer.length,
                peaks: Int8Array.from(answer.data),
                rms: Uint8Array.from(answer.rms),
            });
        } catch (error) {
            if (control.signal.aborted) return;
            if (error.status >= 400 && error.status < 500) this.failure = error;
            else this.#rest();
        } finally {
            this.running.delete(key);
            if (!this.isGone && !this.resting) this.dispatchEvent(new Event("change"));
            this.#next();
        }
    }

    #keep(key, tile) {
        this.kept.set(key, tile);
        while (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    }

    /** The best tile in memory that has `ms`: of the level, else of coarser ones, else of finer ones. */
    at(ms, msPerPixel) {
        const level = Tiles.level(msPerPixel);
        const levels = [level, ...Array.from({ length: COARSER }, (_, up) => level + 1 + up), level - 1, level - 2];
        for (const other of levels) {
            if (other < 0) continue;
            const key = `${other}/${Math.floor(ms / Tiles.span(other))}`;
            const tile = this.kept.get(key);
            if (!tile) continue;
            this.kept.delete(key);
            this.kept.set(key, tile);
            return { ...tile, end: (Math.floor(ms / Tiles.span(other)) + 1) * Tiles.span(other) };
        }
        return null;
    }

    close() {
        this.isGone = true;
        clearTimeout(this.timer);
        clearTimeout(this.resting);
        for (const control of this.running.values()) control.abort();
    }
}

/** Whole microseconds, as the service takes them. */
const round = ms => Math.round(ms * 1000) / 1000;
