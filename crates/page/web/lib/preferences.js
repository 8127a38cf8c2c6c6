// Choices of this browser: language and appearance. Keys and tokens are not kept here.

export function preference(name) {
    try {
        return localStorage.getItem(`harkback.${name}`) ?? "";
    } catch {
        return ""; // Storage is switched off.
    }
}

export function setPreference(name, value) {
    try {
        if (value) localStorage.setItem(`harkback.${name}`, value);
        else localStorage.removeItem(`harkback.${name}`);
    } catch {
        // Then it holds until the page is closed.
    }
}
