// Who calls: key or token, or tenant and environment. In memory only, unless asked.
import { button, field, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { note } from "../lib/place.js";
import { change, session } from "../lib/session.js";
import { dialog } from "./dialog.js";

/** Ids as the service takes them. */
const ID = "[A-Za-z0-9._:\\-]{1,128}";
let open = null;

/** Asks who calls; `onchange()` after a change. `reason`: why the service asks. */
export function who({ reason = "", onchange }) {
    if (open?.isConnected) return;
    open = dialog(t("who.title"), close => {
        const text = (value, more) =>
            h("input", { type: "text", value, pattern: ID, autocomplete: "off", spellcheck: "false", ...more });
        const key = h("input", { type: "password", value: session.key, autocomplete: "off", placeholder: "hb_…" });
        const tenant = text(session.tenant),
            env = text(session.env),
            user = text(session.user);
        const remember = h("input", { type: "checkbox", id: "remember", checked: session.remembered });
        const submit = event => {
            event.preventDefault();
            change({
                key: key.value.trim(),
                tenant: tenant.value,
                env: env.value,
                user: user.value,
                remembered: remember.checked,
            });
            note({ tenant: key.value ? "" : tenant.value, env: key.value ? "" : env.value });
            close();
            onchange();
        };
        return h(
            "form",
            { on: { submit } },
            reason && h("p", { role: "alert", class: "error" }, reason),
            field(t("who.key"), key, t("who.keyHint")),
            h(
                "fieldset",
                {},
                h("legend", {}, t("who.context")),
                h(
                    "div",
                    { class: "fields" },
                    field(t("who.tenant"), tenant),
                    field(t("who.env"), env),
                    field(t("who.user"), user),
                ),
                h("p", { class: "hint" }, t("who.contextHint")),
            ),
            h("p", {}, remember, " ", h("label", { for: "remember" }, t("who.remember"))),
            h(
                "div",
                { class: "row" },
                h("button", { type: "submit", class: "primary" }, t("who.use")),
                session.key &&
                    button(t("who.forget"), () => {
                        change({ key: "", remembered: false });
                        close();
                        onchange();
                    }),
            ),
        );
    });
}
