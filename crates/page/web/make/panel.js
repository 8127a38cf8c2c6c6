// Make: pads, a pattern of a template with samples for its roles, heard at once, and a film of it.
import { get, post } from "../lib/api.js";
import { button, field, fill, h, number, select } from "../lib/dom.js";
import { run } from "../lib/jobs.js";
import { t } from "../lib/i18n.js";
import { addressOf } from "../lib/place.js";
import { call, findSamples, store } from "../lib/tasks.js";
import { clock } from "../lib/time.js";
import { failure, load } from "../views/failure.js";
import { shotList } from "../panels/shots.js";
import { stepGrid } from "./grid.js";
import { padSamples, pads } from "./pads.js";
import { renderClips } from "./kit.js";
import { clipsOf, gridOf, isTemplate, lengthMs } from "./pattern.js";
import { Sequencer } from "./sequencer.js";
import { waveFile } from "./wave.js";

export function makePanel(context) {
    const { recording, player } = context;
    if (!recording.hits.length && !recording.loops.length) return noSamples(context);
    const chosen = padSamples(recording);
    const answer = h("div");
    /** The film cuts along: the video jumps to where a sample is from, without its sound. */
    const cut = sample => {
        if (recording.asset.kind !== "video" || !sample) return;
        player.media.muted = true;
        player.playWindow(sample.start_ms, Math.max(sample.end_ms, sample.start_ms + 200));
    };
    // Only for as long as a sample shows its place.
    const unmute = () => {
        if (player.window === null) player.media.muted = false;
    };
    player.addEventListener("window", unmute);
    const board = pads(chosen, cut, error => fill(answer, failure(error)));
    const element = h(
        "div",
        { class: "panel make" },
        h("h2", {}, t("make.pads")),
        board.element,
        h("h2", {}, t("make.pattern")),
    );
    const place = h("div");
    element.append(place, answer);
    let sequencer = null;
    load(place, async () => {
        const { items } = await get("/audio/patterns/templates");
        const made = patternMaker(context, items, cut, answer);
        sequencer = made.sequencer;
        return made.element;
    });
    return {
        element,
        keys: board.keys,
        close() {
            sequencer?.stop();
            board.close();
            player.removeEventListener("window", unmute);
            player.media.muted = false;
        },
    };
}

function noSamples({ recording, refresh }) {
    return h(
        "div",
        { class: "panel" },
        h("p", {}, t("make.none")),
        button(
            t("recording.findSamples"),
            async event => {
                event.target.disabled = true;
                await findSamples(recording.asset.id, recording.name, { run_phrases: false }).then(refresh, () => {
                    event.target.disabled = false;
                });
            },
            { class: "primary" },
        ),
    );
}

function patternMaker({ recording }, templates, cut, answer) {
    const state = { template: templates[0], bars: 2, samples: {} };
    const byId = new Map([...recording.hits, ...recording.loops].map(sample => [sample.artifact_id, sample]));
    const take = template =>
        Object.assign(state, {
            template,
            grid: gridOf(template),
            bpm: template.bpm,
            swing: template.swing_pct,
            samples: casting(template, recording, state.samples),
        });
    take(state.template);
    const body = h("div");
    const sequencer = new Sequencer(
        () => state,
        (step, roles) => {
            grid.mark(step);
            if (roles.length) cut(byId.get(state.samples[roles[0]]));
        },
    );
    let grid = null;
    const play = button(
        t("make.play"),
        async () => {
            try {
                if (sequencer.isPlaying) sequencer.stop();
                else await sequencer.play();
                play.textContent = t(sequencer.isPlaying ? "make.stop" : "make.play");
                play.setAttribute("aria-pressed", String(sequencer.isPlaying));
                if (!sequencer.isPlaying) grid.mark(-1);
            } catch (error) {
                fill(answer, failure(error));
            }
        },
        { class: "primary", "aria-pressed": "false" },
    );
    const show = () => {
        grid = stepGrid(state);
        fill(
            body,
            h(
                "div",
                { class: "fields" },
                field(
                    t("make.template"),
                    select(
                        templates.map(template => [template.template_id, template.template_id.replaceAll("_", " ")]),
                        state.template.template_id,
                        id => {
                            take(templates.find(template => template.template_id === id));
                            show();
                        },
                        { class: "template" },
                    ),
                ),
                field(
                    t("make.bpm"),
                    number(state.bpm, [1, 1000, 0.1], value => {
                        state.bpm = value;
                    }),
                ),
                field(
                    t("make.swing"),
                    number(state.swing, [0, 100, 1], value => {
                        state.swing = value;
                    }),
                ),
                field(
                    t("make.bars"),
                    number(state.bars, [1, 1024, 1], value => {
                        state.bars = value;
                    }),
                ),
            ),
            grid.element,
            roleChoices(state, recording),
            h(
                "div",
                { class: "row" },
                play,
                button(t("make.render"), () => sound(state, recording, answer)),
                button(t("make.shots"), () => shots(state, recording, answer)),
            ),
        );
    };
    show();
    return { element: body, sequencer };
}

/** Samples for the roles: those that the service recognised, else by brightness or level, the loudest for the kick. */
function casting(template, { hits, loops }, before) {
    const ranked = [...hits].sort((a, b) => (b.peak_db ?? -99) - (a.peak_db ?? -99));
    const pool = ranked.length ? ranked : loops;
    return Object.fromEntries(
        template.parts.map(({ role }, index) => {
            const known = pool
                .filter(sample => sample.role === role)
                .sort((a, b) => (b.role_confidence ?? 0) - (a.role_confidence ?? 0))[0];
            const other = pool[Math.min(pool.length - 1, Math.floor((index * pool.length) / template.parts.length))];
            return [role, before[role] ?? (known ?? other)?.artifact_id];
        }),
    );
}

/** Samples that can be chosen for a role. */
const CHOICES = 300;

function roleChoices(state, { hits, loops }) {
    const options = [
        ["", t("make.silent")],
        ...[...hits, ...loops]
            .slice(0, CHOICES)
            .map(sample => [
                sample.artifact_id,
                `${sample.role ?? t(`type.${sample.kind.slice(6)}`)} ${clock(sample.start_ms, 2)}`,
            ]),
    ];
    return h(
        "div",
        { class: "fields" },
        [...state.grid.keys()].map(role =>
            field(
                t("make.role", { role }),
                select(options, state.samples[role], value => {
                    state.samples[role] = value || undefined;
                }),
            ),
        ),
    );
}

const sampleMap = state =>
    Object.fromEntries(
        [...state.grid.keys()].filter(role => state.samples[role]).map(role => [role, state.samples[role]]),
    );

/** The pattern as the service has it. */
const stored = state =>
    post("/audio/patterns", {
        template_id: state.template.template_id,
        sample_map: sampleMap(state),
        bpm: state.bpm,
        swing_pct: state.swing,
        bars: state.bars,
    });

/** A pattern, or a changed grid as clips. Grids have no pattern of their own at the service. */
async function patternOf(state) {
    if (isTemplate(state.grid, state.template)) return { pattern_id: (await stored(state)).pattern_id };
    const clips = clipsOf(state.grid, state.samples, state);
    return { pattern: { pattern_id: "pattern_of_the_page", bpm: state.bpm, swing_pct: state.swing, clips } };
}

async function shots(state, recording, answer) {
    fill(answer, h("p", { class: "hint", role: "status" }, t("loading")));
    try {
        const result = await run("/audio/to-video-origin", { ...(await patternOf(state)), alignment: "none" });
        fill(
            answer,
            shotList(result, {
                title: t("make.filmOf", { name: recording.name, template: state.template.template_id }),
            }),
        );
        answer.scrollIntoView({ block: "nearest" });
    } catch (error) {
        fill(answer, failure(error));
    }
}

/** Longest pattern that the page renders, in ms: it is in memory twice. */
const LONGEST = 5 * 60_000;

/** A changed grid, which the service has no pattern for: rendered here, by the same formula, and uploaded. */
async function ownRender(state, name) {
    const length = lengthMs(state.bpm, state.bars);
    if (length > LONGEST) throw new Error(t("make.tooLong"));
    const buffer = await renderClips(clipsOf(state.grid, state.samples, state), length, 48_000);
    const { file, gain_db } = waveFile(buffer, `${name.replace(/\.[^.]+$/, "")}-${state.template.template_id}.wav`);
    return { asset_id: await store(file), gain_db };
}

async function sound(state, { name }, answer) {
    fill(answer, h("p", { class: "hint", role: "status" }, t("loading")));
    try {
        const { asset_id, gain_db } = isTemplate(state.grid, state.template)
            ? await call(t("make.rendering"), `/audio/patterns/${(await stored(state)).pattern_id}/render`, {})
            : await ownRender(state, name);
        fill(
            answer,
            h(
                "p",
                {},
                h(
                    "a",
                    { class: "button primary", href: addressOf({ view: "recording", asset: asset_id }) },
                    t("make.openSound"),
                ),
                gain_db < 0 && h("span", { class: "hint" }, ` ${t("make.lowered", { db: gain_db.toFixed(1) })}`),
            ),
        );
    } catch (error) {
        fill(answer, failure(error));
    }
}
