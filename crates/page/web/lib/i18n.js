// Texts in the user's language: English and German.
import en from "../i18n/en.js";
import de from "../i18n/de.js";
import { preference, setPreference } from "./preferences.js";

const languages = { en, de };
export const names = { en: "English", de: "Deutsch" };

let language = initial();

function initial() {
    const chosen = preference("language");
    if (chosen in languages) return chosen;
    const known = navigator.languages.map(tag => tag.slice(0, 2)).find(tag => tag in languages);
    return known || "en";
}

export const current = () => language;

export function choose(tag) {
    language = tag;
    setPreference("language", tag);
    document.documentElement.lang = tag;
}

/** The text of `key`, with `{name}` replaced by the values. A missing text is that of English, else the key. */
export function t(key, values = {}) {
    const text = languages[language][key] ?? en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether there is a text of `key`. */
export const has = key => key in en;

export const formatNumber = (value, digits = 0) =>
    value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const formatDate = text => new Date(text).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
