// Work under way: uploads and jobs, with their stages. They go on when the view changes.
import { run } from "./jobs.js";
import { upload } from "./tus.js";
import { has, t } from "./i18n.js";

export const tasks = [];
const listeners = new Set();
let made = 0;

/** Calls `listener()` when a task begins, advances or ends; returns how to stop that. */
export function onTasks(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}
const changed = () => {
    for (const listener of listeners) listener();
};

/**
 * Runs `work(update, signal)` as a task. `update({stage, progress})`: progress is 0 to 1, or null if unknown. Resolves to
 * what the work does; a failure stays in the list as a sentence and is thrown.
 */
export async function task(title, work, details = {}) {
    const control = new AbortController();
    const entry = {
        id: ++made,
        title,
        stage: "",
        progress: null,
        state: "running",
        error: "",
        ...details,
        cancel: () => control.abort(new DOMException("cancelled", "AbortError")),
        dismiss: () => {
            tasks.splice(tasks.indexOf(entry), 1);
            changed();
        },
    };
    tasks.unshift(entry);
    changed();
    const update = change => {
        Object.assign(entry, change);
        changed();
    };
    try {
        const result = await work(update, control.signal);
        update({ state: "done", progress: 1, stage: t("task.done") });
        setTimeout(entry.dismiss, 6000);
        return result;
    } catch (error) {
        if (control.signal.aborted) update({ state: "cancelled", stage: t("task.cancelled") });
        else update({ state: "failed", error: error.message });
        throw error;
    }
}

/** A heavy call as a task. */
export const call = (title, path, body, details) =>
    task(title, (update, signal) => run(path, body, { signal, onprogress: job => update(progressOf(job)) }), details);

function progressOf(job) {
    const waiting = job.queue_position ? t("task.queued", { position: job.queue_position }) : t("task.waiting");
    const stage = job.state === "queued" ? (job.stage ?? waiting) : stageName(job.stage);
    return { stage, progress: job.state === "queued" ? null : job.progress };
}

const stageName = stage => (stage ? (has(`stage.${stage}`) ? t(`stage.${stage}`) : stage) : t("task.running"));

/** Uploads at the same time: browsers have six connections to a service, which the page needs, too. */
const UPLOADS = 2;
let uploads = 0;
const queue = [];

/** Waits for a place among the uploads; resolves to how to leave it. */
async function place(signal) {
    if (uploads < UPLOADS) uploads += 1;
    else {
        await new Promise((resolve, reject) => {
            queue.push(resolve);
            signal.addEventListener("abort", () => {
                const at = queue.indexOf(resolve);
                if (at >= 0) queue.splice(at, 1);
                reject(signal.reason);
            });
        });
    }
    return () => {
        // The place goes to the next one, or is free.
        const next = queue.shift();
        if (next) next();
        else uploads -= 1;
    };
}

const arrivals = new Set();

/** Calls `listener()` when a recording was uploaded or analysed; returns how to stop that. */
export function onArrival(listener) {
    arrivals.add(listener);
    return () => arrivals.delete(listener);
}
const arrived = () => {
    for (const listener of arrivals) listener();
};

/** Uploads a file; resolves to the id of its asset. */
export async function store(file) {
    const metadata = file.webkitRelativePath ? { relativePath: file.webkitRelativePath } : {};
    const asset = await task(t("task.upload", { name: file.name }), async (update, signal) => {
        update({ stage: t("task.waiting") });
        const leave = await place(signal);
        const onprogress = (done, isWaiting) =>
            update({
                stage: t(isWaiting ? "task.reconnecting" : "task.uploading"),
                progress: file.size ? done / file.size : 1,
            });
        return upload(file, { signal, metadata, onprogress }).finally(leave);
    });
    arrived();
    return asset;
}

/** Uploads a file and analyses it. */
export async function bring(file) {
    await analyse(await store(file), file.name);
    arrived();
}

/** Leaving the page would end the uploads. */
addEventListener("beforeunload", event => {
    if (uploads) event.preventDefault();
});

export const analyse = (asset, name, options = {}) =>
    call(t("task.analyse", { name }), "/audio/semantic-timeline/analyze", { asset_id: asset, ...options }, { asset });
export const findSamples = (asset, name, options = {}) =>
    call(t("task.samples", { name }), "/audio/field-to-samples", { asset_id: asset, ...options }, { asset });
export const film = (shotList, name, options) =>
    call(t("task.film", { name }), "/video/render", { shot_list_artifact_id: shotList, ...options });
