// Patterns in time, by the same formula as the service: each start from the step's number, rounded once to the microsecond.

export const STEPS = 16;
/** Length of a clip in ms. */
const CLIP = 500;

export const stepMs = bpm => 60_000 / bpm / 4;
export const lengthMs = (bpm, bars) => round(stepMs(bpm) * STEPS * bars);

/** Start of a step, counted from the start of the pattern: odd steps are delayed by the swing. */
export function startOf(step, bpm, swing) {
    const length = stepMs(bpm);
    return round(step * length + (step % 2 ? (swing / 100) * length * 0.5 : 0));
}

const round = ms => Math.round(ms * 1000) / 1000;

/** Gain of a velocity in dB. */
export const gainDb = velocity => (velocity >= 1 ? 0 : velocity < 0.01 ? -60 : 20 * Math.log10(velocity));

/** Steps of a template: `{role: {steps: Set, velocity}}`. */
export const gridOf = template =>
    new Map(template.parts.map(part => [part.role, { steps: new Set(part.steps), velocity: part.velocity }]));

/** Whether `grid` is that of the template. */
export const isTemplate = (grid, template) =>
    template.parts.every(part => {
        const { steps } = grid.get(part.role);
        return steps.size === part.steps.length && part.steps.every(step => steps.has(step));
    });

/** Clips of a grid: sorted by start, then in the order of its roles. `samples`: artifact by role. */
export function clipsOf(grid, samples, { bpm, swing, bars }) {
    const clips = [];
    for (let step = 0; step < STEPS * bars; step += 1) {
        for (const [role, { steps, velocity }] of grid) {
            if (!steps.has(step % STEPS) || !samples[role]) continue;
            clips.push({
                artifact_id: samples[role],
                start_ms: startOf(step, bpm, swing),
                duration_ms: CLIP,
                gain_db: gainDb(velocity),
                label: role,
            });
        }
    }
    return clips;
}
