// Frame times and heap of the page on a long recording, beside an empty page: BASE=… node bench.mjs ASSET TENANT
import { Browser } from "./browser.mjs";

const [asset, tenant] = process.argv.slice(2);
const WAIT = 600_000;

const analysed = await made("/audio/semantic-timeline/analyze", { asset_id: asset });
const cut = await made("/audio/field-to-samples", { asset_id: asset, run_phrases: false });
const { summary } = await call(`/audio/semantic-timeline/${analysed.audio_semantic_artifact_id}`, {});
const words = summary.events.flatMap(event => event.meta.words ?? []);
console.log(
    `${summary.events.length} events, ${summary.beats.length} beats, ${words.length} words, ${cut.summary_meta.hits_count} hits`,
);

const browser = await Browser.launch();
const rows = [];
const empty = await browser.page(tenant);
await empty.waitForTimeout(1000);
rows.push(["an empty list", ...(await measure(empty, async () => empty.waitForTimeout(3000)))]);
await empty.context().close();

const page = await browser.page(tenant, `view=recording&asset=${asset}`);
let tiles = 0;
page.on("response", response => {
    if (response.url().includes("/waveform")) tiles += 1;
});
await page.locator(".sentence, .empty").first().waitFor({ timeout: WAIT });
await page.waitForTimeout(4000);
const box = await page.locator(".lanes").boundingBox();
const wheel = async (times, x, y, at = 0.37) => {
    await page.mouse.move(box.x + box.width * at, box.y + 60);
    for (let turn = 0; turn < times; turn += 1) {
        await page.mouse.wheel(x, y);
        await page.waitForTimeout(16);
    }
};
rows.push(["the whole recording, still", ...(await measure(page, async () => page.waitForTimeout(3000)))]);
rows.push(["zoom to frames", ...(await measure(page, () => wheel(160, 0, -30)))]);
rows.push(["pan at frames", ...(await measure(page, () => wheel(150, 200, 0)))]);
rows.push(["zoom out", ...(await measure(page, () => wheel(160, 0, 30)))]);
await wheel(60, 0, -30);
rows.push(["pan at minutes", ...(await measure(page, () => wheel(150, 200, 0)))]);
rows.push([
    "playing",
    ...(await measure(page, async () => {
        await page.keyboard.press("l");
        await page.waitForTimeout(4000);
        await page.keyboard.press("k");
    })),
]);
await browser.close();

console.log("| | frames | p50 | p95 | worst | heap |\n|---|---|---|---|---|---|");
for (const [name, frames, p50, p95, worst, heap] of rows) {
    console.log(`| ${name} | ${frames} | ${p50} ms | ${p95} ms | ${worst} ms | ${heap} MB |`);
}
console.log(`\n${tiles} tiles were read.`);

/** The answer of a call; `undefined` while its job runs. */
async function call(path, options) {
    const headers = { "Content-Type": "application/json", "X-Tenant-Id": tenant, "X-Env": "test" };
    const answer = await fetch(process.env.BASE + path, { headers, ...options });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 200 ? answer.json() : undefined;
}

/** The result of a call, which may be that of a job that still runs. */
async function made(path, body) {
    for (;;) {
        const result = await call(path, { method: "POST", body: JSON.stringify(body) });
        if (result) return result;
        await new Promise(resolve => setTimeout(resolve, 1000));
    }
}

/** Distances of animation frames while `work` runs, and the heap after a collection. */
async function measure(page, work) {
    await page.evaluate(() => {
        globalThis.frames = [];
        let last = performance.now();
        const next = now => {
            globalThis.frames.push(now - last);
            last = now;
            globalThis.frameTimer = requestAnimationFrame(next);
        };
        globalThis.frameTimer = requestAnimationFrame(next);
    });
    await work();
    const frames = await page.evaluate(() => {
        cancelAnimationFrame(globalThis.frameTimer);
        return globalThis.frames.slice(1);
    });
    const wire = await page.context().newCDPSession(page);
    await wire.send("HeapProfiler.collectGarbage");
    const { usedSize } = await wire.send("Runtime.getHeapUsage");
    await wire.detach();
    frames.sort((a, b) => a - b);
    const at = share => (frames[Math.min(frames.length - 1, Math.floor(frames.length * share))] ?? 0).toFixed(1);
    return [frames.length, at(0.5), at(0.95), at(1), (usedSize / 1e6).toFixed(0)];
}
