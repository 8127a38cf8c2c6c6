// Heavy calls as jobs: the call returns at once, the event stream reports its stages, the result is read at the end.
import { Refusal, get, remove, send } from "./api.js";
import { events } from "./stream.js";
import { sleepOrOnline } from "./time.js";

/**
 * Calls a heavy POST. `onprogress` gets the job whenever it changes; an abort of `signal` cancels the job. Resolves to
 * the body that the call answers.
 */
export async function run(path, body, { onprogress = () => {}, signal } = {}) {
    const response = await send("POST", path, { body, signal, headers: { Prefer: "respond-async" } });
    const answer = await response.json();
    return response.status === 202 ? finish(answer, { onprogress, signal }) : answer;
}

/** Follows a job to its end. */
export async function finish(job, { onprogress = () => {}, signal } = {}) {
    const path = `/jobs/${encodeURIComponent(job.id)}`;
    const cancel = () => remove(path).catch(() => {});
    signal?.addEventListener("abort", cancel, { once: true });
    try {
        onprogress(job);
        await follow(path, job, onprogress, signal);
        const ended = await get(path, {}, signal);
        onprogress(ended);
        if (ended.state === "succeeded") return ended.result.body ?? (await get(ended.result.href, {}, signal));
        throw new Refusal(
            ended.problem ?? { code: `job_${ended.state}`, detail: `the job is ${ended.state}`, status: 0 },
        );
    } finally {
        signal?.removeEventListener("abort", cancel);
    }
}

const isOver = job => ["succeeded", "failed", "cancelled"].includes(job.state);

/** Event streams at the same time, of the six connections that browsers have; other jobs are read again and again. */
const STREAMS = 3;
const POLL = 1500;
let streams = 0;

/** Follows the events, from where the stream was broken, until the job has ended. */
async function follow(path, job, onprogress, signal) {
    const state = { job, last: "", pause: 500 };
    const update = change => {
        state.job = { ...state.job, ...change };
        state.pause = 500;
        onprogress(state.job);
    };
    while (!isOver(state.job)) {
        try {
            if (streams < STREAMS) await stream(path, state, update, signal);
            else await sleepOrOnline(POLL, signal);
            update(await get(path, {}, signal));
        } catch (error) {
            if (signal?.aborted || (error.status >= 400 && error.status < 500)) throw error;
            await sleepOrOnline(state.pause, signal);
            state.pause = Math.min(state.pause * 2, 10_000);
        }
    }
}

async function stream(path, state, update, signal) {
    streams += 1;
    try {
        const headers = state.last ? { "Last-Event-ID": state.last } : {};
        const response = await send("GET", `${path}/events`, { signal, headers });
        if (response.status === 204) return;
        for await (const { id, data } of events(response)) {
            state.last = id || state.last;
            update(JSON.parse(data));
            if (isOver(state.job)) return;
        }
    } finally {
        streams -= 1;
    }
}
