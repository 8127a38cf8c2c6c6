// Walks through the page in Chromium, on a running service: BASE=http://… node walk.mjs MEDIA_DIRECTORY [NAME…]
//
// Names select tests that contain one of them; the first test brings the recordings that the others need.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Browser, accessible, nothingWrong, visit } from "./browser.mjs";
import { canPlay, drawn, noteSeeks, playheadOffsets } from "./in_page.mjs";
import { api } from "./service.mjs";
import { tests as finding } from "./walk_find.mjs";
import { tests as more } from "./walk_more.mjs";

const [media, ...selected] = process.argv.slice(2);
const shots = process.env.SHOTS ?? "";
const WAIT = 120_000;
const tenant = `page-${process.pid}`;

const context = { media, tenant, shots, WAIT, film: null, digits: null };
/** Length of a frame of the film in ms. */
const FRAME = 40;

export const tests = {
    async "bring: files are uploaded, analysed, and listed"({ page }) {
        await page.setInputFiles("#files", [join(media, "talk_and_music.mp4"), join(media, "digits.wav")]);
        await page.getByRole("link", { name: "talk_and_music.mp4" }).waitFor({ timeout: WAIT });
        await page.getByRole("link", { name: "digits.wav" }).waitFor({ timeout: WAIT });
        await page.locator(".task.running").first().waitFor({ state: "detached", timeout: WAIT });
        await page.locator(".task.running").first().waitFor({ state: "detached", timeout: WAIT });
        assert.equal(await page.locator(".task.failed").count(), 0);
        const { items } = await (await api(tenant, "/media-v2/assets")).json();
        for (const asset of items) {
            context[asset.kind === "video" ? "film" : "digits"] = asset;
            const { items: timelines } = await (
                await api(tenant, `/media-v2/assets/${asset.id}/artifacts?kind=audio_semantic_timeline`)
            ).json();
            assert.equal(timelines.length, 1, "the page has analysed it");
            await api(tenant, "/audio/field-to-samples", { asset_id: asset.id, run_phrases: false });
        }
    },

    async "lanes: waveform, kinds, words, beats, loudness, hits and loops are drawn"({ page }) {
        const tiles = [];
        page.on("request", request => {
            if (request.url().includes("/waveform")) tiles.push(new URL(request.url()));
        });
        await visit(page, `view=recording&asset=${context.film.id}`);
        for (const lane of ["Waveform", "Kinds", "Beats", "Loudness", "Hits", "Loops"]) {
            await page.waitForFunction(drawn, lane, { timeout: WAIT });
        }
        assert.ok(
            tiles.length > 0 && tiles.every(url => url.searchParams.has("points")),
            "tiles are windows of the waveform",
        );
        const before = tiles.length;
        await page.locator(".lanes").focus();
        for (let zoom = 0; zoom < 5; zoom += 1) await page.keyboard.press("+");
        // The address follows a moment later.
        await page.waitForFunction(() => {
            const state = new URLSearchParams(location.hash.slice(1));
            return state.has("to") && state.get("to") - state.get("from") < 2000;
        });
        await page.waitForFunction(drawn, "Waveform");
        await page.waitForLoadState("networkidle");
        const view = new URLSearchParams(new URL(page.url()).hash.slice(1));
        const [from, to] = [Number(view.get("from")), Number(view.get("to"))];
        for (const url of tiles.slice(before)) {
            const [start, end] = [Number(url.searchParams.get("start_ms")), Number(url.searchParams.get("end_ms"))];
            assert.ok(end > -1 && start < 40_000 && end - start <= 40_000);
        }
        const finest = tiles.at(-1);
        assert.ok(
            Number(finest.searchParams.get("start_ms")) < to && Number(finest.searchParams.get("end_ms")) > from,
            "only what is in view is read",
        );
    },

    async "words: a click seeks to within a frame, and plays the window of the word"({ page }) {
        await visit(page, `view=recording&asset=${context.digits.id}`);
        await watchSeeks(page);
        const word = page.locator(".word", { hasText: "four" }).first();
        const start = Number(await word.getAttribute("data-start"));
        await word.click();
        await page.waitForFunction(() => globalThis.seeks.length > 0);
        const [first] = await page.evaluate(() => globalThis.seeks);
        assert.ok(Math.abs(first * 1000 - start) <= FRAME, `${first} s of ${start} ms`);
        await page.waitForFunction(() => document.querySelector("video").paused, null, { timeout: 10_000 });
        const { words } = await (
            await api(tenant, `/search?q=four&asset_id=${context.digits.id}`)
        )
            .json()
            .then(found => found.items[0]);
        const end = words.find(spoken => spoken.start_ms === start).end_ms;
        const at = await page.evaluate(() => document.querySelector("video").currentTime * 1000);
        assert.ok(Math.abs(at - end) < 150, `stopped at ${at}, the word ends at ${end}`);
    },

    async "hits: a click on the lane seeks to within a frame; its link opens the same window"({ page }) {
        const { items } = await (
            await api(tenant, `/audio/samples?asset_id=${context.film.id}&kind=audio_hit&limit=100`)
        ).json();
        const hit = items.find(sample => sample.start_ms > 12_000 && sample.start_ms < 18_000);
        await visit(
            page,
            `view=recording&asset=${context.film.id}&from=${hit.start_ms - 500}&to=${hit.start_ms + 1500}`,
        );
        await page.waitForFunction(drawn, "Hits", { timeout: WAIT });
        await watchSeeks(page);
        const box = await page.locator(".lanes").boundingBox();
        const label = await page.locator(".lane-label", { hasText: "Hits" }).boundingBox();
        await page.mouse.click(
            box.x + (box.width * (500 + (hit.end_ms - hit.start_ms) / 2)) / 2000,
            label.y + label.height / 2,
        );
        await page.waitForFunction(() => globalThis.seeks.length > 0);
        const [first] = await page.evaluate(() => globalThis.seeks);
        assert.ok(Math.abs(first * 1000 - hit.start_ms) <= FRAME, `${first} s of ${hit.start_ms} ms`);
        await page.keyboard.press("c");
        await page.getByText("Copied").waitFor();
        const link = await page.evaluate(() => navigator.clipboard.readText());
        await page.goto("about:blank");
        await page.goto(link);
        await page.locator(".transport .window:not(:empty)").waitFor({ timeout: WAIT });
        await page.waitForFunction(
            start => Math.abs(document.querySelector("video").currentTime * 1000 - start) <= 40,
            hit.start_ms,
        );
    },

    async "player: frames, shuttle, marks and the playhead"({ page }) {
        await visit(page, `view=recording&asset=${context.film.id}&t=5000`);
        await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2, null, { timeout: WAIT });
        const time = () => page.evaluate(() => document.querySelector("video").currentTime * 1000);
        await page.locator(".lanes").focus();
        const before = await time();
        await page.keyboard.press("ArrowRight");
        assert.ok(Math.abs((await time()) - before - FRAME) < 2, "one frame on");
        await page.keyboard.press("ArrowLeft");
        await page.keyboard.press("ArrowLeft");
        assert.ok(Math.abs((await time()) - before + FRAME) < 2, "one frame back");
        await page.keyboard.press("i");
        await page.keyboard.press("l");
        await page.waitForFunction(() => !document.querySelector("video").paused);
        const offsets = await page.evaluate(playheadOffsets);
        assert.ok(offsets.length > 5, "frames were shown");
        const late = offsets.filter(offset => Math.abs(offset) > 40).length;
        assert.ok(late <= offsets.length / 10, `playhead off by ${offsets.map(Math.round)} ms`);
        await page.keyboard.press("k");
        assert.ok(await page.evaluate(() => document.querySelector("video").paused));
        await page.keyboard.press("o");
        assert.match(await page.locator(".transport .window").textContent(), /0:0[45]\.\d+ – 0:\d+\.\d+/);
        await page.keyboard.press("j");
        const here = await time();
        await page.waitForFunction(here => document.querySelector("video").currentTime * 1000 < here - 150, here);
        await page.keyboard.press("k");
    },

    ...finding(context),
    ...more(context),
};

/** Seconds that the media element was sent to. */
async function watchSeeks(page) {
    await page.waitForFunction(canPlay, null, { timeout: WAIT });
    await page.evaluate(noteSeeks);
}

async function main() {
    if (shots) mkdirSync(shots, { recursive: true });
    const browser = await Browser.launch();
    let failed = 0;
    const names = Object.keys(tests).filter(
        (name, index) => index === 0 || !selected.length || selected.some(part => name.includes(part)),
    );
    // A browser on a busy machine may miss a frame: what fails is tried once more, and says so. What breaks the page fails twice.
    const attempt = async (name, isLast) => {
        const page = await browser.page(tenant);
        const begun = performance.now();
        try {
            await tests[name]({ page, browser, accessible });
            nothingWrong(page);
            console.log(`ok      ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
            return true;
        } catch (error) {
            console.log(`${isLast ? "FAILED " : "AGAIN  "} ${name}\n${error.stack}\n${page.wrong.join("\n")}`);
            const path = join(process.env.TMPDIR ?? "/tmp", `page-failed-${name.replace(/\W+/g, "-")}.png`);
            await page.screenshot({ path }).then(
                () => console.log(`see ${path}`),
                () => {},
            );
            return false;
        } finally {
            await page.context().close();
        }
    };
    for (const name of names) {
        // The first one uploads what the others need.
        const isFirst = name === names[0];
        if ((await attempt(name, isFirst)) || (!isFirst && (await attempt(name, true)))) continue;
        failed += 1;
        if (isFirst) break;
    }
    await browser.close();
    console.log(failed ? `${failed} of ${names.length} failed` : `all ${names.length} passed`);
    process.exit(failed ? 1 : 0);
}

await main();
