// The view's state in the address, behind `#`: it can be sent to a colleague, is no part of requests, and has no secrets.
import { session } from "./session.js";

const listeners = new Set();
let values = read();

function read() {
    return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** The current state: `view`, `asset`, `t`, `from`, `to`, `tab`, `q`, … as texts. */
export const place = () => values;

/** Calls `listener(state)` when the state is changed by a link, by Back, or by [`go`]. */
export const onPlace = listener => listeners.add(listener);

/** The address of a state. */
export function addressOf(state) {
    const parameters = new URLSearchParams();
    const context = session.key ? {} : { tenant: session.tenant, env: session.env };
    for (const [name, value] of Object.entries({ ...state, ...context })) {
        if (value !== null && value !== undefined && value !== "") parameters.set(name, value);
    }
    return `#${parameters}`;
}

/** The whole address of a state, for the clipboard. */
export const linkTo = state => new URL(addressOf(state), location.href).href;

/** Goes to another view, as a link does. */
export function go(state) {
    history.pushState(null, "", addressOf(state));
    changed();
}

let timer = 0;
/** Changes parts of the state without a new entry of the history; browsers limit how often. */
export function note(parts) {
    values = { ...values, ...parts };
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", addressOf(values)), 250);
}

function changed() {
    clearTimeout(timer);
    values = read();
    for (const listener of listeners) listener(values);
}

addEventListener("popstate", changed);
