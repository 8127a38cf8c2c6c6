// Sixteen samples as pads: by pointer, touch and the keys 1-4, Q-R, A-F, Z-V. The video shows where each is from.
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { clock } from "../lib/time.js";
import { hitName, loopName } from "../timeline/lanes.js";
import { playNow } from "./kit.js";

export const PADS = 16;
const CODES = [
    "Digit1",
    "Digit2",
    "Digit3",
    "Digit4",
    "KeyQ",
    "KeyW",
    "KeyE",
    "KeyR",
    "KeyA",
    "KeyS",
    "KeyD",
    "KeyF",
    "KeyZ",
    "KeyX",
    "KeyC",
    "KeyV",
];
const NAMES = CODES.map(code => code.at(-1));

/** The samples of a recording that make the best pads: the hits with the highest scores, then loops; in order of time. */
export function padSamples({ hits, loops }) {
    const best = [...hits]
        .sort((a, b) => (b.score ?? 0) - (a.score ?? 0))
        .slice(0, loops.length ? PADS - Math.min(4, loops.length) : PADS);
    const order = (a, b) => a.start_ms - b.start_ms;
    return [
        ...best.sort(order),
        ...[...loops]
            .sort((a, b) => (b.score ?? 0) - (a.score ?? 0))
            .slice(0, PADS - best.length)
            .sort(order),
    ];
}

/** The pads; `onhit(sample)` when one is played. */
export function pads(samples, onhit, onfail) {
    const playing = new Map();
    const play = async index => {
        const sample = samples[index];
        if (!sample) return;
        flash(index);
        onhit(sample);
        try {
            const isLoop = sample.kind === "audio_loop";
            if (isLoop && playing.has(index)) {
                playing.get(index).stop();
                playing.delete(index);
                return;
            }
            const source = await playNow(sample.artifact_id, { loop: isLoop });
            if (isLoop) playing.set(index, source);
        } catch (error) {
            onfail(error);
        }
    };
    const flash = index => {
        const pad = element.children[index];
        pad.classList.remove("struck");
        void pad.offsetWidth; // Begins the animation again.
        pad.classList.add("struck");
    };
    const element = h(
        "div",
        { class: "pads", role: "group", "aria-label": t("make.pads") },
        samples.map((sample, index) => {
            const what = sample.kind === "audio_loop" ? loopName(sample) : hitName(sample);
            return h(
                "button",
                {
                    type: "button",
                    class: `pad ${sample.kind.slice(6)}`,
                    "aria-keyshortcuts": NAMES[index],
                    // Down, not up: it sounds when it is touched. A click of the keyboard or of assistive technology has no pointer.
                    on: {
                        pointerdown: event => {
                            if (event.button === 0) play(index);
                        },
                        click: event => {
                            if (event.detail === 0) play(index);
                        },
                    },
                },
                h("kbd", {}, NAMES[index]),
                " ",
                h("small", {}, clock(sample.start_ms, 1)),
                " ",
                h("span", {}, what),
            );
        }),
    );
    return {
        element,
        keys(event) {
            const index = CODES.indexOf(event.code);
            if (index < 0 || event.repeat || event.shiftKey || !samples[index]) return false;
            play(index);
            return true;
        },
        close() {
            for (const source of playing.values()) source.stop();
        },
    };
}
