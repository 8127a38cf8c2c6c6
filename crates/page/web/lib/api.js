// Calls of the service. Every failure is a Refusal, whose message is a sentence for the user.
import { headers as context } from "./session.js";
import { has, t } from "./i18n.js";
import { sleep } from "./time.js";

/** Address of the service, which may be below a prefix. */
export const base = new URL("../../", import.meta.url);
export const address = path => new URL(path.replace(/^\//, ""), base);

/** A call that failed: the problem document, or the network. */
export class Refusal extends Error {
    constructor(problem) {
        super(sentence(problem));
        this.code = problem.code;
        this.status = problem.status ?? 0;
        this.problem = problem;
    }
}

function sentence({ code, detail, errors = [] }) {
    const fields = errors.length ? ` (${errors.map(error => `${error.pointer}: ${error.detail}`).join("; ")})` : "";
    const text = /[.!?]$/.test(detail) ? detail : `${detail}${fields}.`;
    const remedy = has(`remedy.${code}`) ? ` ${t(`remedy.${code}`)}` : "";
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}${remedy}`;
}

export const offline = () => new Refusal({ code: "offline", detail: t("error.offline"), status: 0 });

export async function refusal(response) {
    const type = response.headers.get("content-type") ?? "";
    if (type.includes("json")) {
        const problem = await response.json().catch(() => null);
        if (problem?.code) return new Refusal(problem);
    }
    return new Refusal({
        code: "unreadable",
        status: response.status,
        detail: t("error.unreadable", { status: response.status }),
    });
}

const listeners = new Set();
/** Calls `listener` when the service asks for credentials. */
export const onUnauthorized = listener => listeners.add(listener);

/** Sends a call, whose body is an object or a form; resolves to the response of a success. A busy service is asked again, as it says. */
export async function send(method, path, { query, body, headers, signal } = {}) {
    const url = address(path);
    for (const [name, value] of Object.entries(query ?? {})) {
        if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
    }
    const init = { method, signal, headers: { ...context(), ...headers }, credentials: "omit" };
    if (body instanceof FormData) init.body = body;
    else if (body !== undefined) {
        init.body = JSON.stringify(body);
        init.headers["Content-Type"] = "application/json";
    }
    for (let attempt = 0; ; attempt += 1) {
        const response = await fetch(url, init).catch(error => {
            if (signal?.aborted) throw error;
            throw offline();
        });
        if (response.ok) return response;
        const error = await refusal(response);
        if (response.status === 401) for (const listener of listeners) listener(error);
        const pause = Number(response.headers.get("retry-after"));
        if (response.status !== 503 || method !== "GET" || attempt === 3 || !(pause <= 10)) throw error;
        await sleep(pause * 1000, signal);
    }
}

const json = (method, path, options) =>
    send(method, path, options).then(response => (response.status === 204 ? null : response.json()));
export const get = (path, query, signal) => json("GET", path, { query, signal });
export const post = (path, body, options) => json("POST", path, { body, ...options });
export const remove = path => json("DELETE", path);

/** All rows of a listing, page by page, at most `limit`. */
export async function all(path, query = {}, limit = 5000, signal) {
    const items = [];
    let cursor = null;
    do {
        const page = await get(path, { ...query, limit: 500, cursor }, signal);
        items.push(...page.items);
        cursor = page.next_cursor;
    } while (cursor && items.length < limit);
    return items;
}

/** A link of this page's origin to `path`, which players can follow without headers. Needs the scope `write`. */
export async function link(path, seconds = 6 * 3600) {
    const { url } = await post("/media-v2/links", { path, expires_in_s: seconds });
    const { pathname, search } = new URL(url);
    return new URL(pathname + search, location.origin).href;
}

/** Largest content that is read into memory where no link can be signed, in bytes. */
const LARGEST_BLOB = 300e6;

/** An address for a media element: a signed link, or for callers who may only read a copy in memory. */
export async function mediaAddress(path, size) {
    try {
        return await link(path);
    } catch (error) {
        if (error.code !== "scope_insufficient" || size > LARGEST_BLOB) throw error;
        return URL.createObjectURL(await (await send("GET", path)).blob());
    }
}
