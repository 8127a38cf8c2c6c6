// Colours of the canvas, from the style sheet, so that light and dark have one source.

const NAMES = [
    "surface",
    "lane",
    "line",
    "text",
    "muted",
    "accent",
    "speech",
    "music",
    "other",
    "silence",
    "sung",
    "wave",
    "wave-rms",
    "beat",
    "bar",
    "hit",
    "loop",
    "loudness",
    "selection",
    "speaker-1",
    "speaker-2",
    "speaker-3",
    "speaker-4",
    "on-kind",
];

export function theme() {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(
        NAMES.map(name => [
            name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()),
            style.getPropertyValue(`--${name}`).trim(),
        ]),
    );
}
