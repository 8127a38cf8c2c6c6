// Resumable uploads (tus 1.0). The address of an upload is kept in memory; after a broken connection the upload continues
// where the stored bytes end.
import { Refusal, address, offline, refusal } from "./api.js";
import { headers as context } from "./session.js";
import { sleepOrOnline } from "./time.js";

const VERSION = { "Tus-Resumable": "1.0.0" };
/** Bytes of a request: few enough that progress is stored, many enough that requests cost nothing. */
const PART = 16 * 1024 * 1024;

/** Uploads `file`; resolves to the id of its asset. `onprogress(bytes, isWaiting)`. */
export async function upload(file, { onprogress = () => {}, signal, metadata = {} } = {}) {
    let url = null,
        offset = 0,
        pause = 500;
    for (;;) {
        try {
            url ??= await create(file, metadata, signal);
            const asset = await parts(
                url,
                file,
                offset,
                done => {
                    offset = done;
                    pause = 500;
                    onprogress(done, false);
                },
                signal,
            );
            if (asset) return asset;
            ({ offset } = await state(url, signal));
        } catch (error) {
            if (signal?.aborted) {
                if (url) discard(url);
                throw error;
            }
            if (error.code === "upload_not_found" || error.code === "upload_expired") [url, offset] = [null, 0];
            else if (!isTemporary(error)) throw error;
            onprogress(offset, true);
            await sleepOrOnline(pause, signal);
            pause = Math.min(pause * 2, 15_000);
            if (url) offset = (await state(url, signal).catch(() => ({ offset }))).offset;
        }
    }
}

const isTemporary = error => error.code === "offline" || [409, 423, 429].includes(error.status) || error.status >= 500;

async function create(file, metadata, signal) {
    const pairs = { filename: file.name, ...(file.type ? { filetype: file.type } : {}), ...metadata };
    const encoded = Object.entries(pairs)
        .map(([name, value]) => `${name} ${base64(value)}`)
        .join(",");
    const response = await request("POST", address("/media-v2/uploads"), signal, {
        "Upload-Length": String(file.size),
        "Upload-Metadata": encoded,
    });
    // By its id, because a proxy may have added a prefix.
    return address(`/media-v2/uploads/${response.headers.get("location").split("/").pop()}`);
}

async function state(url, signal) {
    const response = await request("GET", url, signal);
    const { offset_bytes, asset_id } = await response.json();
    return { offset: offset_bytes, asset: asset_id };
}

async function request(method, url, signal, headers = {}) {
    const init = { method, signal, credentials: "omit", headers: { ...context(), ...VERSION, ...headers } };
    const response = await fetch(url, init).catch(error => {
        throw signal?.aborted ? error : offline();
    });
    if (!response.ok) throw await refusal(response);
    return response;
}

const discard = url => request("DELETE", url).catch(() => {});

/** Sends the file from `offset` on; resolves to the asset's id, or null if the answer does not have it. */
async function parts(url, file, offset, onprogress, signal) {
    let asset = null;
    do {
        const end = Math.min(offset + PART, file.size);
        const answer = await patch(url, file.slice(offset, end), offset, onprogress, signal);
        offset = Number(answer.getResponseHeader("upload-offset"));
        asset = answer.getResponseHeader("harkback-asset-id");
        onprogress(offset);
    } while (offset < file.size);
    return asset ?? (await state(url, signal)).asset;
}

/** One PATCH. XMLHttpRequest reports the bytes that were sent, fetch does not. */
function patch(url, part, offset, onprogress, signal) {
    return new Promise((resolve, reject) => {
        const call = new XMLHttpRequest();
        call.open("PATCH", url);
        const headers = {
            ...context(),
            ...VERSION,
            "Upload-Offset": String(offset),
            "Content-Type": "application/offset+octet-stream",
        };
        for (const [name, value] of Object.entries(headers)) call.setRequestHeader(name, value);
        call.upload.onprogress = event => onprogress(offset + event.loaded);
        call.onload = () => (call.status === 204 || call.status === 200 ? resolve(call) : reject(problem(call)));
        call.onerror = call.ontimeout = () => reject(offline());
        call.onabort = () => reject(signal.reason);
        signal?.addEventListener("abort", () => call.abort(), { once: true });
        call.send(part);
    });
}

function problem(call) {
    try {
        return new Refusal(JSON.parse(call.responseText));
    } catch {
        return new Refusal({ code: "unreadable", status: call.status, detail: call.statusText || String(call.status) });
    }
}

/** Base64 of a text's UTF-8. */
function base64(text) {
    return btoa(Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join(""));
}
