// The walk beyond playing: keyboard, search, exports, patterns, films, edits, tenants, hostile names, interruptions.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { canPlay, comparePattern, drawn } from "./in_page.mjs";
import { slowNetwork } from "./network.mjs";
import { accessible, nothingWrong, visit } from "./browser.mjs";
import { BASE, api, renderedPattern, upload } from "./service.mjs";

export const tests = context => {
    const { tenant, media, WAIT } = context;
    return {
        async "keyboard only: a recording is found, opened, played, and an item is selected"({ page }) {
            await page.getByRole("link", { name: "digits.wav" }).waitFor({ timeout: WAIT });
            const focused = () =>
                page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.className);
            for (let tab = 0; tab < 60 && (await focused()) !== "digits.wav"; tab += 1)
                await page.keyboard.press("Tab");
            assert.equal(await focused(), "digits.wav");
            await page.keyboard.press("Enter");
            await page.locator(".word").first().waitFor({ timeout: WAIT });
            for (let tab = 0; tab < 60 && (await focused()) !== "Words"; tab += 1) await page.keyboard.press("Tab");
            await page.keyboard.press("ArrowRight");
            assert.equal(await focused(), "Tables");
            await page.locator("[role=tabpanel] table").waitFor();
            await page.keyboard.press("n");
            const label = await page.locator(".inspector strong").textContent();
            await page.keyboard.press("n");
            assert.notEqual(await page.locator(".inspector strong").textContent(), label);
            await page.keyboard.press("?");
            await page.getByRole("dialog", { name: "Keys" }).waitFor();
            await page.keyboard.press("Escape");
            await page.keyboard.press("/");
            assert.equal(await page.evaluate(() => document.activeElement.type), "search");
            await page.keyboard.type("nine");
            await page.keyboard.press("Enter");
            await page.locator(".hits mark").first().waitFor({ timeout: WAIT });
        },

        async "search: words are found, and lead to their place"({ page }) {
            await visit(page, "view=search&q=five");
            const mark = page.locator(".hits mark").first();
            await mark.waitFor({ timeout: WAIT });
            assert.equal((await mark.textContent()).toLowerCase(), "five");
            await mark.click();
            await page.locator(".transport .window:not(:empty)").waitFor({ timeout: WAIT });
            const state = new URLSearchParams(new URL(page.url()).hash.slice(1));
            await page.waitForFunction(
                at => Math.abs(document.querySelector("video").currentTime * 1000 - at) <= 40,
                Number(state.get("in")),
            );
        },

        async "export: OTIO and captions are saved; what a format cannot hold is listed"({ page }) {
            await visit(page, `view=recording&asset=${context.digits.id}&tab=export`);
            const save = async name => {
                const [download] = await Promise.all([
                    page.waitForEvent("download", { timeout: WAIT }),
                    page.getByRole("button", { name, exact: true }).first().click({ timeout: WAIT }),
                ]);
                return readFileSync(await download.path(), "utf8");
            };
            assert.match(JSON.parse(await save("Save otio")).OTIO_SCHEMA, /^Timeline|^SerializableCollection|^Clip/);
            assert.match(await save("Save srt"), /^1\n00:00:0/);
            await save("Save chapters");
            await page.getByText("cannot hold").first().waitFor();
        },

        async "make: a pattern sounds as the service renders it, to the sample"({ page }) {
            await visit(page, `view=recording&asset=${context.film.id}&tab=make`);
            await page.locator(".pad").first().waitFor({ timeout: WAIT });
            await page.locator(".steps").waitFor({ timeout: WAIT });
            await page.keyboard.press("q");
            await page.locator(".pad.struck").first().waitFor();
            await page.getByRole("button", { name: "Play the pattern" }).click();
            await page.locator(".step.now").first().waitFor({ timeout: WAIT });
            await page.getByRole("button", { name: "Stop" }).click();
            const { starts, worst, peak } = await page.evaluate(comparePattern, await renderedPattern(tenant, media));
            assert.ok(starts, "clips are where the service has them");
            assert.ok(peak > 0.01, "it sounds");
            assert.ok(worst <= 10 ** (-90 / 20), `differs by ${20 * Math.log10(worst)} dBFS`);
        },

        async "make: a pattern whose steps were changed becomes a sound, too"({ page }) {
            await visit(page, `view=recording&asset=${context.film.id}&tab=make`);
            await page.locator(".steps").waitFor({ timeout: WAIT });
            await page.getByLabel("Bars").fill("1");
            await page.getByLabel("Bars").press("Tab");
            await page.locator(".step").nth(1).click();
            await page.getByRole("button", { name: "Render the sound" }).click();
            await page.getByRole("link", { name: "Open the sound" }).click({ timeout: WAIT });
            await page.waitForFunction(canPlay, null, { timeout: WAIT });
            const { bpm } = (await (await api(tenant, "/audio/patterns/templates")).json()).items[0];
            const seconds = await page.evaluate(() => document.querySelector("video").duration);
            assert.ok(Math.abs(seconds - 240 / bpm) < 0.01, `${seconds} s at ${bpm} BPM`);
        },

        async "film: a pattern becomes a film that plays"({ page }) {
            await visit(page, `view=recording&asset=${context.film.id}&tab=make`);
            await page.getByRole("button", { name: "Make the film" }).click({ timeout: WAIT });
            const shots = page.locator(".shots");
            await shots.getByRole("combobox", { name: "Profile" }).selectOption("draft_480p_fast", { timeout: WAIT });
            await shots.getByRole("button", { name: "Make the film" }).click();
            await page.getByRole("link", { name: "Open the film" }).click({ timeout: WAIT });
            await page.waitForFunction(
                () =>
                    document.querySelector("video")?.readyState >= 2 && document.querySelector("video").videoWidth > 0,
                null,
                { timeout: WAIT },
            );
            await page.getByRole("tab", { name: "Lineage" }).click();
            await page.locator(".chain li").first().waitFor({ timeout: WAIT });
        },

        async "edits: silence is removed, previewed, and listed"({ page }) {
            await visit(page, `view=recording&asset=${context.film.id}&tab=edit`);
            await page.getByRole("button", { name: "Make the edit" }).first().click({ timeout: WAIT });
            await page.locator(".shots").waitFor({ timeout: WAIT });
            assert.match(await page.locator(".shots p").first().textContent(), /^\d+ shots, /);
            await page.getByRole("button", { name: "Preview" }).click();
            await page.waitForFunction(() => !document.querySelector("video").paused);
        },

        async "samples: the library is filtered and previewed"({ page }) {
            await visit(page, "view=samples&kind=audio_loop");
            await page.locator("tbody tr").first().waitFor({ timeout: WAIT });
            await page.locator("tbody button").first().click();
            await page.getByLabel("BPM from").fill("900");
            await page.getByLabel("BPM from").press("Tab");
            await page.getByText("No samples meet these conditions").waitFor({ timeout: WAIT });
        },

        async "tenants see nothing of each other"({ browser }) {
            const other = await browser.page(`${tenant}-other`);
            await other.getByText("No recordings yet").waitFor({ timeout: WAIT });
            await visit(other, `view=recording&asset=${context.film.id}`);
            await other.getByRole("alert").waitFor({ timeout: WAIT });
            assert.match(await other.getByRole("alert").textContent(), /Check tenant and environment/);
            await visit(other, "view=search&q=five");
            await other.getByText("was not found").waitFor({ timeout: WAIT });
            nothingWrong(other);
            await other.context().close();
        },

        async "corrections: a word is set, and the correction is undone"({ page }) {
            const timelines = `/media-v2/assets/${context.digits.id}/artifacts?kind=audio_semantic_timeline`;
            const { items } = await (await api(tenant, timelines)).json();
            const analysis = items.find(artifact => artifact.meta.backend_type !== "corrected").id;
            const has = await fetch(`${BASE}/audio/semantic-timeline/${analysis}/corrections`, {
                headers: { "X-Tenant-Id": tenant, "X-Env": "test" },
            });
            if (!has.ok) return console.log("        (the service has no corrections: not tested)");
            await visit(page, `view=recording&asset=${context.digits.id}`);
            await page.locator(".word", { hasText: "nine" }).first().click({ timeout: WAIT });
            const word = page.locator(".corrections input");
            await word.fill("neun");
            await word.press("Enter");
            await page.locator(".word.corrected", { hasText: "neun" }).waitFor({ timeout: WAIT });
            await page.locator(".word", { hasText: "neun" }).click();
            await page.getByRole("button", { name: /Undo correction/ }).click();
            await page.locator(".word", { hasText: "nine" }).first().waitFor({ timeout: WAIT });
        },

        async "corrections: kinds, edges and beats are set"({ browser }) {
            const page = await browser.page(`${tenant}-corrected`);
            const { id } = await upload(page.tenant, join(media, "talk_and_music.mp4"));
            const { audio_semantic_artifact_id: analysis } = await (
                await api(page.tenant, "/audio/semantic-timeline/analyze", { asset_id: id })
            ).json();
            let revision = 0;
            const correct = async (lane, ms, work) => {
                await visit(page, `view=recording&asset=${id}`);
                await page.waitForFunction(drawn, lane, { timeout: WAIT });
                const box = await page.locator(".lanes").boundingBox();
                const label = await page.locator(".lane-label", { hasText: lane }).boundingBox();
                await page.mouse.click(box.x + (box.width * ms) / 40_000, label.y + label.height / 2);
                await work(page.locator(".corrections"));
                revision += 1;
                for (let attempt = 0; ; attempt += 1) {
                    const { items } = await (
                        await api(page.tenant, `/audio/semantic-timeline/${analysis}/corrections`)
                    ).json();
                    if (items[0]?.revision === revision) return;
                    assert.ok(attempt < 100, `${lane} at ${ms} ms was not corrected`);
                    await page.waitForTimeout(100);
                }
            };
            const press = name => part => part.getByRole("button", { name }).click({ timeout: WAIT });
            await correct("Kinds", 15_000, part => part.getByLabel("Kind").selectOption("other"));
            await correct("Kinds", 15_000, press("Split at the playhead"));
            await correct("Kinds", 12_000, press("Merge with the next"));
            await correct("Beats", 15_000, press("Grid half a beat later"));
            await correct("Beats", 15_000, press("Double tempo"));
            await correct("Beats", 15_000, press("Half tempo"));
            nothingWrong(page);
            await page.context().close();
        },

        async "many files at once leave connections for the page"({ browser }) {
            const page = await browser.page(`${tenant}-many`);
            const buffer = readFileSync(join(media, "digits.wav"));
            const files = Array.from({ length: 10 }, (_, index) => ({
                name: `take ${index}.wav`,
                mimeType: "audio/wav",
                buffer,
            }));
            await page.setInputFiles("#files", files);
            await page.locator(".task").nth(9).waitFor();
            await page.getByRole("link", { name: "Jobs" }).click();
            await page.locator("tbody .state").first().waitFor({ timeout: 20_000 });
            await page.goBack();
            await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 10, null, {
                timeout: WAIT,
            });
            nothingWrong(page);
            await page.context().close();
        },

        async "with keys the page opens, asks for one, and keeps it in memory only"({ browser }) {
            const { BASE_WITH_KEYS, KEY } = process.env;
            if (!BASE_WITH_KEYS) return;
            const page = await browser.page(tenant, "", { base: BASE_WITH_KEYS });
            const dialog = page.getByRole("dialog", { name: "Who calls" });
            await dialog.waitFor({ timeout: WAIT });
            await accessible(page, "who");
            const enter = async key => {
                await dialog.getByLabel("Key or token").fill(key);
                await dialog.getByRole("button", { name: "Use" }).click();
            };
            await enter("hb_wrong");
            await dialog.getByRole("alert").waitFor({ timeout: WAIT });
            await enter(KEY);
            await page.getByRole("button", { name: "Signed in" }).waitFor({ timeout: WAIT });
            await page.setInputFiles("#files", join(media, "digits.wav"));
            await page.getByRole("link", { name: "digits.wav" }).first().click({ timeout: WAIT });
            await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2, null, { timeout: WAIT });
            const kept = await page.evaluate(
                () => JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href + document.cookie,
            );
            assert.ok(!kept.includes(KEY), "the key is in no storage and no address");
            nothingWrong(page);
            await page.context().close();
        },

        async "names and words are text, whatever they contain"({ page }) {
            const hostile = '"><img src=x onerror=alert(1)>';
            await page.setInputFiles("#files", [
                { name: `${hostile}.wav`, mimeType: "audio/wav", buffer: readFileSync(join(media, "digits.wav")) },
            ]);
            await page.getByRole("link", { name: "onerror" }).waitFor({ timeout: WAIT });
            await page.route("**/audio/semantic-timeline/artifact_*", async route => {
                const response = await route.fetch();
                const text = await response.text();
                await route.fulfill({
                    response,
                    body: text
                        .replaceAll('"three"', JSON.stringify(hostile))
                        .replaceAll('"word":"one"', `"word":${JSON.stringify("{{constructor}}<svg onload=alert(3)>")}`),
                });
            });
            await visit(page, `view=recording&asset=${context.digits.id}`);
            await page.locator(".word", { hasText: "onerror" }).first().click({ timeout: WAIT });
            await page.locator(".inspector", { hasText: "onerror" }).waitFor();
            await visit(page, `view=search&q=${encodeURIComponent(hostile)}`);
            await page.locator(".empty, .error, .hits").first().waitFor({ timeout: WAIT });
            const { items } = await (await api(tenant, "/media-v2/assets")).json();
            const { id } = items.find(asset => asset.meta.file_name.includes("onerror"));
            await visit(page, `view=identify&asset=${id}`);
            await page.locator("main [role=status]", { hasText: "onerror" }).first().waitFor({ timeout: WAIT });
            await visit(page, `view=recording&asset=${id}&tab=lineage`);
            await page.getByText("Made of this recording").waitFor({ timeout: WAIT });
            await visit(page, `view=recording&asset=${encodeURIComponent("../../jobs?x=<b>")}`);
            await page.getByRole("alert").waitFor({ timeout: WAIT });
            assert.equal(await page.locator("main img, main script, main b, main svg[onload]").count(), 0);
        },

        async "an upload continues after the network was away"({ browser }) {
            const network = await slowNetwork(BASE, 400_000);
            const page = await browser.page(tenant, "", { base: network.base });
            const buffer = readFileSync(join(media, "music_120bpm.wav"));
            await page.setInputFiles("#files", [{ name: "interrupted.wav", mimeType: "audio/wav", buffer }]);
            await page.getByText(/Uploading · [1-9]/).waitFor({ timeout: WAIT });
            network.cut();
            await page.getByText("Waiting for the connection").waitFor({ timeout: WAIT });
            network.restore();
            await page.getByRole("link", { name: "interrupted.wav" }).waitFor({ timeout: WAIT });
            const { items } = await (await api(tenant, "/media-v2/assets?limit=10")).json();
            assert.equal(items.find(asset => asset.meta.file_name === "interrupted.wav").size_bytes, buffer.length);
            nothingWrong(page);
            await page.context().close();
            network.close();
        },

        async "axe finds nothing, in light and dark, English and German"({ browser }) {
            const views = [
                "",
                "view=samples",
                "view=search&q=five",
                "view=identify",
                "view=jobs",
                ...["words", "tables", "make", "edit", "export", "lineage"].map(
                    tab => `view=recording&asset=${context.film.id}&tab=${tab}`,
                ),
            ];
            for (const options of [
                { colorScheme: "light" },
                { colorScheme: "dark", locale: "de-DE" },
                { viewport: { width: 360, height: 740 } },
            ]) {
                const page = await browser.page(tenant, "", options);
                for (const view of views) {
                    await visit(page, view);
                    await page.locator("[aria-busy]").first().waitFor({ state: "detached", timeout: WAIT });
                    await page.waitForTimeout(300);
                    await accessible(page, `${view} ${JSON.stringify(options)}`, options.viewport && NARROW);
                    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                    assert.ok(wide <= 0, `${view} is ${wide} pixels too wide ${JSON.stringify(options)}`);
                }
                await page.keyboard.press("?");
                await accessible(page, "help");
                nothingWrong(page);
                await page.context().close();
            }
        },

        async "German is complete, and the address keeps the view"({ browser }) {
            const page = await browser.page(tenant, `view=recording&asset=${context.film.id}&tab=make&t=1000`, {
                locale: "de-DE",
            });
            await page.getByText("Muster abspielen").waitFor({ timeout: WAIT });
            assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
            await page.getByRole("tab", { name: "Export" }).click();
            await page.waitForFunction(() => location.hash.includes("tab=export"));
            nothingWrong(page);
            await page.context().close();
        },

        async "screenshots of each view"({ browser }) {
            if (!context.shots) return;
            const film = `view=recording&asset=${context.film.id}`;
            const samples = await (
                await api(tenant, `/audio/samples?asset_id=${context.film.id}&limit=500&sort=score`)
            ).json();
            const best = kind => samples.items.find(sample => sample.kind === kind && sample.start_ms > 10_000);
            const hit = await usedHit(tenant, best("audio_hit"));
            const views = {
                recordings: "",
                recording: `${film}&t=31000`,
                make: `${film}&tab=make&from=9000&to=21000&t=12040`,
                edit: `${film}&tab=edit&in=10000&out=14000`,
                export: `${film}&tab=export&t=12040`,
                lineage: `${film}&tab=lineage&artifact=${hit}&t=12040`,
                samples: "view=samples",
                search: "view=search&q=five",
                identify: `view=identify&artifact=${best("audio_loop").artifact_id}`,
                jobs: "view=jobs",
            };
            const all = process.env.WIDTHS === "all";
            for (const [width, height] of all
                ? [
                      [360, 740],
                      [1280, 800],
                      [2560, 1440],
                  ]
                : [[1280, 800]]) {
                const page = await browser.page(tenant, "", { viewport: { width, height } });
                for (const [name, view] of Object.entries(views)) {
                    await visit(page, view);
                    await page.locator("[aria-busy]").first().waitFor({ state: "detached", timeout: WAIT });
                    await page.waitForTimeout(1200);
                    const suffix = width === 1280 ? "" : `_${width}`;
                    await page.screenshot({
                        path: join(context.shots, `page_${name}${suffix}.png`),
                        fullPage: width < 500,
                    });
                }
                await page.context().close();
            }
        },

        async "the first load is small"({ page }) {
            const sizes = await page.evaluate(() =>
                performance
                    .getEntriesByType("resource")
                    .filter(entry => new URL(entry.name).pathname.startsWith("/app"))
                    .map(entry => entry.encodedBodySize),
            );
            const total = sizes.reduce((sum, size) => sum + size, 0);
            assert.ok(sizes.length > 20 && total < 250_000, `${sizes.length} files, ${total} bytes`);
        },
    };
};

/** What the width changes; the rest was looked at before. */
const NARROW = ["target-size", "scrollable-region-focusable", "region", "page-has-heading-one"];

/** A hit that a pattern, its shot list and its film use. */
async function usedHit(tenant, { artifact_id }) {
    const body = { template_id: "boom_bap_90", sample_map: { kick: artifact_id }, bars: 1 };
    const { pattern_id } = await (await api(tenant, "/audio/patterns", body)).json();
    const { shot_list_artifact_id } = await (
        await api(tenant, "/audio/to-video-origin", { pattern_id, alignment: "none" })
    ).json();
    await api(tenant, "/video/render", { shot_list_artifact_id, render_profile: "draft_480p_fast" });
    await api(tenant, `/audio/patterns/${pattern_id}/render`, {});
    return artifact_id;
}
