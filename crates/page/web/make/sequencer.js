// Plays a pattern in WebAudio, again and again. Steps are scheduled a moment ahead, so that a busy page delays none.
import { audio, buffer, start } from "./kit.js";
import { startOf, STEPS } from "./pattern.js";

/** Seconds that are scheduled ahead, and how often that is looked at, in ms. */
const AHEAD = 0.15;
const LOOK = 40;

export class Sequencer {
    /** `pattern()` is read at each bar's round, so that changes are heard at once. `onstep(step, roles)` when a step sounds. */
    constructor(pattern, onstep) {
        Object.assign(this, { pattern, onstep, timer: null, sources: new Set(), marks: new Set() });
    }

    get isPlaying() {
        return this.timer !== null;
    }

    async play() {
        const context = audio();
        const { samples } = this.pattern();
        this.stop();
        const { call } = this;
        const decoded = new Map(
            await Promise.all(
                [...new Set(Object.values(samples).filter(Boolean))].map(async id => [id, await buffer(id)]),
            ),
        );
        // Stopped, or begun again, while the samples were read.
        if (call !== this.call) return;
        this.decoded = decoded;
        this.step = 0;
        this.origin = context.currentTime + 0.06;
        this.timer = setInterval(() => this.#schedule(), LOOK);
        this.#schedule();
    }

    #schedule() {
        const context = audio();
        const { grid, samples, bpm, swing } = this.pattern();
        if (this.bpm !== bpm && this.bpm) {
            // A new tempo holds from the next step on.
            this.origin += (startOf(this.step, this.bpm, 0) - startOf(this.step, bpm, 0)) / 1000;
        }
        this.bpm = bpm;
        for (;;) {
            const when = this.origin + startOf(this.step, bpm, swing) / 1000;
            if (when > context.currentTime + AHEAD) return;
            const roles = [];
            for (const [role, { steps, velocity }] of grid) {
                if (!steps.has(this.step % STEPS) || !samples[role]) continue;
                roles.push(role);
                const sample = this.decoded.get(samples[role]);
                if (sample)
                    this.#sound(
                        start(sample, { when: Math.max(when, context.currentTime), gain: velocity, seconds: 0.5 }),
                    );
                else
                    buffer(samples[role]).then(
                        found => this.decoded.set(samples[role], found),
                        () => {},
                    );
            }
            const [step, delay] = [this.step % STEPS, Math.max(0, when - context.currentTime) * 1000];
            const mark = setTimeout(() => {
                this.marks.delete(mark);
                this.onstep(step, roles);
            }, delay);
            this.marks.add(mark);
            this.step += 1;
        }
    }

    #sound(source) {
        this.sources.add(source);
        source.onended = () => this.sources.delete(source);
    }

    stop() {
        this.call = (this.call ?? 0) + 1;
        clearInterval(this.timer);
        this.timer = null;
        this.bpm = 0;
        for (const mark of this.marks) clearTimeout(mark);
        for (const source of this.sources) source.stop();
        this.marks.clear();
        this.sources.clear();
    }
}
