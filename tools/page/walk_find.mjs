// The walk through what is brought and found: folders and drops, where a sound is from, and what it became.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nothingWrong, visit } from "./browser.mjs";
import { excerpt, noise } from "./sounds.mjs";
import { layoutOfGraph } from "./in_page.mjs";
import { api } from "./service.mjs";

/** Of the excerpt that is identified, in ms: three words that are spoken once. */
const FROM = 4100;
const LENGTH = 3000;

export const tests = context => {
    const { tenant, media, WAIT } = context;
    return {
        async "bring: the media of a folder, files that are dropped, and refusals"({ browser }) {
            const page = await browser.page(`${tenant}-folder`);
            const folder = mkdtempSync(join(tmpdir(), "harkback-folder-"));
            try {
                mkdirSync(join(folder, "takes"));
                copyFileSync(join(media, "digits.wav"), join(folder, "takes", "take 1.wav"));
                writeFileSync(join(folder, "takes", "notes.pdf"), "no recording");
                writeFileSync(join(folder, ".hidden.wav"), "no recording");
                await page.setInputFiles("#folder", folder);
                await page.getByRole("link", { name: "take 1.wav" }).waitFor({ timeout: WAIT });
            } finally {
                rmSync(folder, { recursive: true });
            }
            const bytes = [...readFileSync(join(media, "click_120bpm.wav")).subarray(0, 96_044)];
            await page.locator(".drop").evaluate((zone, bytes) => {
                const dataTransfer = new DataTransfer();
                dataTransfer.items.add(new File([new Uint8Array(bytes)], "dropped.wav", { type: "audio/wav" }));
                dataTransfer.items.add(new File(["These are words."], "words.txt", { type: "text/plain" }));
                zone.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
            }, bytes);
            await page.getByRole("link", { name: "dropped.wav" }).waitFor({ timeout: WAIT });
            // What is wrong, and what helps.
            const failed = page.locator(".task.failed");
            await failed.filter({ hasText: "words.txt" }).waitFor({ timeout: WAIT });
            assert.match(await failed.textContent(), /Not a recording: .*Use another file\./);
            const { items } = await (await api(page.tenant, "/media-v2/assets")).json();
            assert.deepEqual(items.map(asset => asset.meta.file_name).sort(), [
                "dropped.wav",
                "take 1.wav",
                "words.txt",
            ]);
            nothingWrong(page);
            await page.context().close();
        },

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
            const talk = readFileSync(join(media, "digits.wav"));
            await visit(page, "view=identify");
            const search = async (name, buffer) => {
                await page.setInputFiles("#sound", { name, mimeType: "audio/wav", buffer });
            };
            await search("excerpt.wav", excerpt(talk, FROM, LENGTH, 0.5));
            const place = page.locator("tbody tr", { hasText: "digits.wav" }).first();
            await place.waitFor({ timeout: WAIT });
            assert.match(await page.locator("main [role=status]").first().textContent(), /^excerpt\.wav: found at /);
            const link = place.getByRole("link");
            const at = Number(new URLSearchParams((await link.getAttribute("href")).slice(1)).get("t"));
            const [, part] = /^0:(\d+\.\d+) – /.exec(await place.locator("td").nth(2).textContent());
            assert.ok(Math.abs(at - 1000 * part - FROM) < 20, `${at} ms of the recording is ${part} s of the excerpt`);
            await place.getByRole("button").click();
            await link.click();
            await page.waitForFunction(
                at => Math.abs(document.querySelector("video")?.currentTime * 1000 - at) <= 40,
                at,
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
