// The walk through what finds: where a sound is from, and what it became.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { visit } from "./browser.mjs";
import { layoutOfGraph } from "./in_page.mjs";
import { api, BASE } from "./service.mjs";

/** Of the excerpt that is identified, in ms. */
const FROM = 6200;
const LENGTH = 4000;

export const tests = context => {
    const { tenant, media, WAIT } = context;
    return {
        async "lineage: from a snippet to its second of the film, and on to what uses it"({ page }) {
            const { rows, edges, windows } = await page.evaluate(layoutOfGraph);
            assert.deepEqual(rows, [
                [7, "hit0", 5],
                [1, "shots", 0],
                [1, "film", 0],
            ]);
            assert.equal(edges.length, 9, "each way once, without shortcuts");
            assert.ok(edges.includes("more0>shots") && edges.includes("shots>film"));
            assert.deepEqual(windows, [12]);

            const samples = `/audio/samples?asset_id=${context.film.id}&kind=audio_hit&limit=100`;
            const { items } = await (await api(tenant, samples)).json();
            const hit = items.find(sample => sample.start_ms > 12_000 && sample.start_ms < 18_000);
            const body = { template_id: "boom_bap_90", sample_map: { kick: hit.artifact_id }, bars: 1 };
            const { pattern_id } = await (await api(tenant, "/audio/patterns", body)).json();
            await api(tenant, "/audio/to-video-origin", { pattern_id, alignment: "none" });

            await visit(page, `view=recording&asset=${context.film.id}&tab=lineage&artifact=${hit.artifact_id}`);
            const picture = page.locator(".lineage svg");
            await picture.waitFor({ timeout: WAIT });
            assert.match(await picture.locator("a.node.focus").textContent(), /^Hit 0:1/);
            await picture.getByRole("link", { name: "Shot list" }).first().waitFor();
            // By keyboard to the recording's own lineage, and its window is where the hit is.
            await picture.locator("a.node.focus").focus();
            await page.keyboard.press("Enter");
            await page.waitForFunction(
                at => Math.abs(document.querySelector("video").currentTime * 1000 - at) <= 40,
                hit.start_ms,
                { timeout: WAIT },
            );
            await picture.locator("a.strip").first().focus();
            await page.keyboard.press("Enter");
            await page.getByText("Made of this recording").waitFor({ timeout: WAIT });
        },

        async "identify: an excerpt is found at its place, silence is refused, a sample keeps its origin"({ page }) {
            const probe = await fetch(`${BASE}/audio/identify`, {
                method: "POST",
                headers: { "X-Tenant-Id": tenant, "X-Env": "test", "Content-Type": "application/json" },
                body: "{}",
            });
            if (probe.status === 404 || probe.status === 405)
                return console.log("        (the service cannot identify: not tested)");
            const talk = readFileSync(join(media, "digits.wav"));
            await visit(page, "view=identify");
            const search = async (name, buffer) => {
                await page.setInputFiles("#sound", { name, mimeType: "audio/wav", buffer });
            };
            await search("excerpt.wav", excerpt(talk, FROM, LENGTH, 0.5));
            const place = page.locator("tbody tr", { hasText: "digits.wav" }).first();
            await place.waitFor({ timeout: WAIT });
            assert.match(await page.locator("main [role=status]").first().textContent(), /^excerpt\.wav: found at /);
            await place.getByRole("button").click();
            await place.getByRole("link").click();
            await page.waitForFunction(
                at => Math.abs(document.querySelector("video")?.currentTime * 1000 - at) <= 40,
                FROM,
                { timeout: WAIT },
            );

            await visit(page, "view=identify");
            await search("silence.wav", excerpt(talk, FROM, LENGTH, 0));
            await page.getByRole("alert").filter({ hasText: "silent" }).waitFor({ timeout: WAIT });
            await search("short.wav", excerpt(talk, FROM, 100, 1));
            await page.getByRole("alert").filter({ hasText: "300 ms" }).waitFor({ timeout: WAIT });
            await search("noise.wav", noise());
            await page.getByText("noise.wav: found nowhere.").waitFor({ timeout: WAIT });

            const { items } = await (await api(tenant, "/audio/samples?kind=audio_loop&limit=1")).json();
            await visit(page, `view=identify&artifact=${items[0].artifact_id}`);
            await page.getByRole("button", { name: "Store the best place as its origin" }).click({ timeout: WAIT });
            await page.getByText("the origin of this sample is known").waitFor({ timeout: WAIT });
        },
    };
};

/** A part of a WAVE file of 16 bits, mono, at another level. */
function excerpt(wave, startMs, lengthMs, gain) {
    const rate = wave.readUInt32LE(24);
    const data = wave.indexOf("data") + 8;
    const at = data + 2 * Math.round((startMs * rate) / 1000);
    const samples = new Int16Array(Math.round((lengthMs * rate) / 1000));
    for (const index of samples.keys()) samples[index] = gain * wave.readInt16LE(at + 2 * index);
    return waveFile(samples, rate);
}

/** Two seconds of noise that no recording has. */
function noise() {
    let state = 12345;
    const samples = Int16Array.from({ length: 32_000 }, () => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return (state / 2147483648 - 0.5) * 16_000;
    });
    return waveFile(samples, 16_000);
}

function waveFile(samples, rate) {
    const head = Buffer.alloc(44);
    head.write("RIFF", 0);
    head.writeUInt32LE(36 + samples.byteLength, 4);
    head.write("WAVEfmt ", 8);
    head.writeUInt32LE(16, 16);
    head.writeUInt16LE(1, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt32LE(rate, 24);
    head.writeUInt32LE(2 * rate, 28);
    head.writeUInt16LE(2, 32);
    head.writeUInt16LE(16, 34);
    head.write("data", 36);
    head.writeUInt32LE(samples.byteLength, 40);
    return Buffer.concat([head, Buffer.from(samples.buffer)]);
}
