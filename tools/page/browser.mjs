// A browser on the page that fails on what must not happen: reports of the policy, requests to other hosts, script errors.
import { chromium } from "playwright-core";
import axe from "axe-core";
import assert from "node:assert/strict";
import { BASE } from "./service.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

export class Browser {
    static async launch() {
        const browser = new Browser();
        const args = [
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--autoplay-policy=no-user-gesture-required",
            "--mute-audio",
        ];
        browser.chromium = await chromium.launch({ executablePath: EXECUTABLE, args });
        return browser;
    }

    /** A page of `tenant`; `options` are those of the browser's context. */
    async page(tenant, hash = "", { base = BASE, ...options } = {}) {
        const context = await this.chromium.newContext({
            viewport: { width: 1280, height: 800 },
            locale: "en-US",
            acceptDownloads: true,
            ...options,
        });
        await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: base });
        const page = await context.newPage();
        page.wrong = [];
        await page.addInitScript(() => {
            document.addEventListener("securitypolicyviolation", event =>
                console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
            );
        });
        page.on("console", message => {
            // Refusals of the service are shown to the user, and tested as such. The blank page between two views asks for
            // the icon of the last one, which Chromium may refuse.
            const isOther = /^Failed to load resource|icon\.svg' from origin 'null'/.test(message.text());
            if (message.type() === "error" && !isOther) page.wrong.push(message.text());
        });
        page.on("pageerror", error => page.wrong.push(error.stack));
        page.on("dialog", dialog => {
            page.wrong.push(`dialog: ${dialog.message()}`);
            dialog.dismiss();
        });
        page.on("request", request => {
            const url = new URL(request.url());
            if (!["blob:", "data:"].includes(url.protocol) && url.origin !== new URL(base).origin)
                page.wrong.push(`request to ${url.href}`);
        });
        page.tenant = tenant;
        await page.goto(`${base}/app#${new URLSearchParams({ tenant, env: "test" })}&${hash}`);
        return page;
    }

    close() {
        return this.chromium.close();
    }
}

/** Goes to another view of the open page. */
export async function visit(page, hash) {
    await page.goto("about:blank");
    await page.goto(`${BASE}/app#${new URLSearchParams({ tenant: page.tenant, env: "test" })}&${hash}`);
}

export function nothingWrong(page) {
    assert.deepEqual(page.wrong, []);
}

/** No violation of WCAG 2.2 A and AA that axe can find; of `rules` only, if there are any. */
export async function accessible(page, where, rules) {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(
        rules => globalThis.axe.run(document, { runOnly: rules }),
        rules || ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    );
    const found = violations.map(
        ({ id, help, nodes }) =>
            `${where}: ${id}: ${help}: ${nodes
                .slice(0, 3)
                .map(node => node.html.slice(0, 160))
                .join(" | ")}`,
    );
    assert.deepEqual(found, []);
}
