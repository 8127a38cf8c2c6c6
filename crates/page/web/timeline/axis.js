// The visible window of the time axis.
import { clamp } from "../lib/time.js";

/** Shortest visible window in ms: some frames. */
const SHORTEST = 80;

export class Axis extends EventTarget {
    constructor(duration) {
        super();
        this.duration = Math.max(1, duration);
        this.from = 0;
        this.to = this.duration;
        this.width = 1;
    }

    get span() {
        return this.to - this.from;
    }
    get msPerPixel() {
        return this.span / this.width;
    }
    x(ms) {
        return ((ms - this.from) / this.span) * this.width;
    }
    ms(x) {
        return this.from + (x / this.width) * this.span;
    }

    /** Shows `[from, to)`, kept within the recording. */
    show(from, to) {
        const span = clamp(to - from, Math.min(SHORTEST, this.duration), this.duration);
        const start = clamp(from, 0, this.duration - span);
        if (start === this.from && start + span === this.to) return;
        this.from = start;
        this.to = start + span;
        this.dispatchEvent(new Event("change"));
    }

    /** Zooms by `factor` (above 1: closer) so that `around` keeps its place. */
    zoom(factor, around) {
        const span = clamp(this.span / factor, Math.min(SHORTEST, this.duration), this.duration);
        const share = (around - this.from) / this.span;
        this.show(around - share * span, around + (1 - share) * span);
    }

    pan(ms) {
        this.show(this.from + ms, this.to + ms);
    }

    /** Makes `ms` visible: a page further while playing. */
    follow(ms) {
        if (ms >= this.from && ms < this.to) return;
        const ahead = ms >= this.to && ms < this.to + this.span ? 0.05 : 0.3;
        this.show(ms - this.span * ahead, ms - this.span * ahead + this.span);
    }

    /** Distance of labelled ticks in ms, at least `pixels` apart. */
    tick(pixels) {
        const least = this.msPerPixel * pixels;
        return TICKS.find(tick => tick >= least) ?? TICKS.at(-1);
    }
}

const TICKS = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 3_600_000, 7_200_000,
];
