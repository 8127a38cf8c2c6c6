// Calls of the service that the walks make beside the page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

export const BASE = process.env.BASE ?? "http://127.0.0.1:8090";

/** A call of the service, as the page makes it. */
export async function api(tenant, path, body) {
    const headers = { "X-Tenant-Id": tenant, "X-Env": "test", ...(body ? { "Content-Type": "application/json" } : {}) };
    const response = await fetch(`${BASE}${path}`, {
        method: body ? "POST" : "GET",
        headers,
        body: body && JSON.stringify(body),
    });
    assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
    return response;
}

/** Uploads a file; its asset. */
export async function upload(tenant, path) {
    const form = new FormData();
    form.append("file", new Blob([readFileSync(path)]), basename(path));
    const response = await fetch(`${BASE}/media-v2/assets`, {
        method: "POST",
        headers: { "X-Tenant-Id": tenant, "X-Env": "test" },
        body: form,
    });
    assert.equal(response.status, 201, `${path}: ${await response.clone().text()}`);
    return response.json();
}

/**
 * A pattern and its render, to compare with the page's: of clicks, which have the rate of the render, so that nothing is
 * resampled, and stay below its ceiling.
 */
export async function renderedPattern(tenant, media) {
    const clicks = await upload(tenant, join(media, "click_120bpm.wav"));
    await api(tenant, "/audio/field-to-samples", { asset_id: clicks.id, run_loops: false, run_phrases: false });
    const { items } = await (await api(tenant, `/audio/samples?asset_id=${clicks.id}&kind=audio_hit&limit=3`)).json();
    const sample_map = Object.fromEntries(
        ["kick", "snare", "hat"].map((role, index) => [role, items[index].artifact_id]),
    );
    const body = { template_id: "boom_bap_90", sample_map, bars: 2 };
    const pattern = await (await api(tenant, "/audio/patterns", body)).json();
    const render = await (await api(tenant, `/audio/patterns/${pattern.pattern_id}/render`, {})).json();
    return { pattern, render };
}
