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

/** Reads the event stream, from where it was broken, until the job has ended. */
async function follow(path, job, onprogress, signal) {
    let last = "",
        pause = 500;
    while (!isOver(job)) {
        try {
            const response = await send("GET", `${path}/events`, {
                signal,
                headers: last ? { "Last-Event-ID": last } : {},
            });
            if (response.status === 204) return;
            for await (const { id, data } of events(response)) {
                last = id || last;
                pause = 500;
                job = { ...job, ...JSON.parse(data) };
                onprogress(job);
                if (isOver(job)) return;
            }
            job = { ...job, ...(await get(path, {}, signal)) };
        } catch (error) {
            if (signal?.aborted || (error.status >= 400 && error.status < 500)) throw error;
            await sleepOrOnline(pause, signal);
            pause = Math.min(pause * 2, 10_000);
        }
    }
}
