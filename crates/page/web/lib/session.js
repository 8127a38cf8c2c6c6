// Who calls: tenant, environment, user and key. In memory; in this browser's storage only if the user asks for it.
import { preference, setPreference } from "./preferences.js";

export const session = { tenant: "demo", env: "dev", user: "", key: "", remembered: false };

/** Reads what was remembered; then tenant and environment of the address, so that a view can be sent to a colleague. */
export function restore(address) {
    try {
        const stored = JSON.parse(preference("session") || "null");
        if (stored && typeof stored === "object") Object.assign(session, stored, { remembered: true });
    } catch {
        setPreference("session", "");
    }
    if (address.tenant) session.tenant = address.tenant;
    if (address.env) session.env = address.env;
}

export function change(next) {
    Object.assign(session, next);
    const { tenant, env, user, key } = session;
    setPreference("session", session.remembered ? JSON.stringify({ tenant, env, user, key }) : "");
}

/** Headers of every call. A key determines tenant and environment. */
export function headers() {
    const { tenant, env, user, key } = session;
    if (key) return { Authorization: `Bearer ${key}` };
    return { "X-Tenant-Id": tenant, "X-Env": env, ...(user ? { "X-User-Id": user } : {}) };
}
