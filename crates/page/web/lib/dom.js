// Elements without markup: text is always text, so that no name or word of a recording becomes code.

/**
 * Makes an element. Properties: `class`, `on` (listeners by event), `data` (dataset), others are attributes; `true` is an
 * empty attribute, `false`, `null` and `undefined` are left out. Children: nodes, texts, arrays; null is left out.
 */
export function h(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === null || value === undefined || value === false) continue;
        if (name === "class") element.className = value;
        else if (name === "on")
            for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
        else if (name === "data") Object.assign(element.dataset, value);
        else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
        else element.setAttribute(name, value === true ? "" : String(value));
    }
    append(element, children);
    return element;
}

/** Makes an element of SVG; its properties are attributes, and `on` as of [`h`]. */
export function svg(tag, properties = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === null || value === undefined || value === false) continue;
        if (name === "on")
            for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
        else element.setAttribute(name, String(value));
    }
    append(element, children);
    return element;
}

function append(element, children) {
    for (const child of children) {
        if (child === null || child === undefined || child === false) continue;
        if (Array.isArray(child)) append(element, child);
        else element.append(child);
    }
}

/** Replaces all children of `element`. */
export function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
    return element;
}

/** A button; `label` is its text, `properties` as of [`h`]. */
export function button(label, onclick, properties = {}) {
    return h("button", { type: "button", ...properties, on: { click: onclick, ...properties.on } }, label);
}

/** A labelled control of a form. */
export function field(label, control, hint) {
    const id = control.id || `f${++fields}`;
    control.id = id;
    if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
    return h(
        "div",
        { class: "field" },
        h("label", { for: id }, label),
        control,
        hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    );
}
let fields = 0;

/** A select of `[value, text]` pairs. */
export function select(options, value, onchange, properties = {}) {
    return h(
        "select",
        { ...properties, on: { change: event => onchange(event.target.value) } },
        options.map(([option, text]) =>
            h("option", { value: option, selected: String(option) === String(value) }, text),
        ),
    );
}

/** A number input that calls `onchange` with valid numbers only. */
export function number(value, [min, max, step], onchange, properties = {}) {
    return h("input", {
        type: "number",
        value,
        min,
        max,
        step,
        inputmode: "decimal",
        ...properties,
        on: {
            change: event => {
                if (event.target.checkValidity() && event.target.value !== "") onchange(Number(event.target.value));
            },
        },
    });
}

/** Announces a text to screen readers. */
export function announce(text) {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
}

/** Whether keys typed now belong to a text, number or choice. */
export function isTyping(target) {
    return (
        target instanceof HTMLElement &&
        (target.isContentEditable ||
            /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
            (target.tagName === "INPUT" && !["button", "checkbox", "radio", "file"].includes(target.type)))
    );
}
