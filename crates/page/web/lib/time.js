// Times in ms as texts.

/** `1:02:03.456`; of less than an hour `2:03.456`. */
export function clock(ms, digits = 3) {
    const scale = 10 ** digits;
    let units = Math.round((Math.max(0, ms) / 1000) * scale);
    const fraction = units % scale;
    units = (units - fraction) / scale;
    const seconds = units % 60,
        minutes = Math.floor(units / 60) % 60,
        hours = Math.floor(units / 3600);
    const two = value => String(value).padStart(2, "0");
    const head = hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
    return digits ? `${head}.${String(fraction).padStart(digits, "0")}` : head;
}

/** A length: `812 ms`, `3.2 s`, `4:05`. */
export function length(ms) {
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
    return clock(ms, 0);
}

export function bytes(count) {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let unit = 0;
    while (count >= 1000 && unit < units.length - 1) {
        count /= 1000;
        unit += 1;
    }
    return `${unit && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Waits, at most until `signal` aborts. */
export function sleep(ms, signal) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener(
            "abort",
            () => {
                clearTimeout(timer);
                reject(signal.reason);
            },
            { once: true },
        );
    });
}

/** Waits for the network, or for `ms`, whichever comes first. */
export function sleepOrOnline(ms, signal) {
    return new Promise((resolve, reject) => {
        const end = () => {
            clearTimeout(timer);
            removeEventListener("online", end);
            resolve();
        };
        const timer = setTimeout(end, ms);
        addEventListener("online", end);
        signal?.addEventListener(
            "abort",
            () => {
                end();
                reject(signal.reason);
            },
            { once: true },
        );
    });
}

/** Calls `work` at most once per frame. */
export function perFrame(work) {
    let asked = false;
    return () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
            asked = false;
            work();
        });
    };
}
