// The graph of a lineage as a picture: recordings on top with the windows that were used, below them what was made of these.
// Each node is a link; the lists of the panel say the same in words.
import { svg } from "../lib/dom.js";
import { formatNumber, has, t } from "../lib/i18n.js";
import { addressOf } from "../lib/place.js";
import { nameOf } from "../lib/recording.js";
import { clock, length } from "../lib/time.js";

const NODE = { width: 148, height: 44, gap: 10 };
const STRIP = { height: 18, title: 18, gap: 12 };
/** Space between rows, in which edges run. */
const SPACE = 34;
/** Recordings and windows that are drawn. */
const STRIPS = 6;
const WINDOWS = 400;

/** Name of an artifact's kind. */
export const kindOf = kind => (has(`artifact.${kind}`) ? t(`artifact.${kind}`) : kind.replaceAll("_", " "));

/** Where a node leads: a film to itself, anything else to its second of the recording, with its own lineage. */
export function addressOfNode({ id, kind, window, film, asset }) {
    if (film) return addressOf({ view: "recording", asset: film, tab: "lineage" });
    const at = window ? { t: Math.round(window.start), in: Math.round(window.start), out: Math.round(window.end) } : {};
    const own = kind === "clip" ? {} : { artifact: id };
    return addressOf({ view: "recording", asset: window?.asset ?? asset, ...at, tab: "lineage", ...own });
}

/** Draws `graph` into the width of `element`, again when that changes. Returns how to stop. */
export function lineagePicture(element, graph, focusAsset) {
    const layout = graph.layout();
    let drawnWidth = 0;
    const draw = () => {
        const width = Math.max(300, Math.min(1100, element.clientWidth));
        if (width === drawnWidth) return;
        drawnWidth = width;
        const hadFocus = element.contains(document.activeElement) && document.activeElement.getAttribute("href");
        element.replaceChildren(picture(layout, graph, focusAsset, width));
        if (hadFocus) [...element.querySelectorAll("a")].find(link => link.getAttribute("href") === hadFocus)?.focus();
    };
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    return () => observer.disconnect();
}

function picture({ rows, edges, sources }, graph, focusAsset, width) {
    const places = new Map();
    const parts = [];
    let top = 2;
    const strips = [];
    for (const source of sources.slice(0, STRIPS)) {
        strips.push({ source, top });
        parts.push(strip(source, focusAsset, top, width));
        top += STRIP.title + STRIP.height + STRIP.gap;
    }
    if (sources.length > STRIPS) {
        parts.push(texts([t("lineage.moreRecordings", { count: sources.length - STRIPS }), 0, top + 12, "muted"]));
        top += STRIP.title;
    }
    const perRow = Math.max(1, Math.floor((width + NODE.gap) / (NODE.width + NODE.gap)));
    for (const { nodes, more } of rows) {
        top += SPACE - NODE.gap;
        const items = more ? [...nodes, more] : nodes;
        for (let from = 0; from < items.length; from += perRow) {
            const line = items.slice(from, from + perRow);
            const left = (width - line.length * NODE.width - (line.length - 1) * NODE.gap) / 2;
            for (const [index, item] of line.entries()) {
                const place = { x: left + index * (NODE.width + NODE.gap), y: top };
                places.set(item.id, place);
                parts.push("count" in item ? moreNode(item, place) : node(item, graph, place));
            }
            top += NODE.height + NODE.gap;
        }
    }
    return svg(
        "svg",
        { viewBox: `0 0 ${width} ${top}`, width, height: top, role: "group", "aria-label": t("lineage.picture") },
        // Edges first: nodes lie on them.
        edges.map(({ from, to }) => edge(middle(places.get(from), NODE.height), middle(places.get(to), 0))),
        strips.map(({ source, top }) => stripEdges(source, top, width, places)),
        parts,
    );
}

const middle = ({ x, y }, height) => [x + NODE.width / 2, y + height];

function edge([x, y], [toX, toY]) {
    const half = (y + toY) / 2;
    return svg("path", { class: "edge", d: `M${x} ${y}C${x} ${half} ${toX} ${half} ${toX} ${toY}` });
}

/** Texts of one element, which are its name, too: `[content, x, y, class, anchor]`. */
function texts(...lines) {
    const spans = lines
        .filter(([content]) => content)
        .map(([content, x, y, kind, anchor]) => svg("tspan", { x, y, class: kind, "text-anchor": anchor }, content));
    return svg("text", {}, spans.flatMap(span => [span, " "]).slice(0, -1));
}

const lengthOf = ({ asset, windows }) =>
    asset?.duration_ms || windows.reduce((end, window) => Math.max(end, window.end), 1);

function windowAt({ start, end }, duration, width) {
    const x = Math.min(width - 3, (start / duration) * width);
    return { x, width: Math.max(3, Math.min(width - x, ((end - start) / duration) * width)) };
}

/** A recording over its whole length, with the windows that are used. */
function strip(source, focusAsset, top, width) {
    const { id, asset, windows } = source;
    const duration = lengthOf(source);
    const name = asset ? nameOf(asset) : id;
    const y = top + STRIP.title;
    return svg(
        "a",
        {
            href: addressOf({ view: "recording", asset: id, tab: "lineage" }),
            class: `strip${id === focusAsset ? " focus" : ""}`,
        },
        texts([shorten(name, width / 8), 0, top + 12, "title"], [length(duration), width, top + 12, "muted", "end"]),
        svg("rect", { x: 0.5, y: y + 0.5, width: width - 1, height: STRIP.height - 1, rx: 3, class: "whole" }),
        windows.slice(0, WINDOWS).map(window =>
            svg("rect", {
                ...windowAt(window, duration, width),
                y: y + 2,
                height: STRIP.height - 4,
                class: "window",
            }),
        ),
    );
}

function stripEdges(source, top, width, places) {
    const duration = lengthOf(source);
    const y = top + STRIP.title + STRIP.height;
    return source.windows.slice(0, WINDOWS).map(window => {
        const at = windowAt(window, duration, width);
        return edge([at.x + at.width / 2, y], middle(places.get(window.to), 0));
    });
}

function node(item, graph, { x, y }) {
    const isFocus = item.id === graph.focus;
    const film = item.film && graph.assets.get(item.film);
    const when = item.window && `${clock(item.window.start, 2)} – ${clock(item.window.end, 2)}`;
    const kind = film?.kind === "video" && item.kind === "render" ? t("artifact.film") : kindOf(item.kind);
    const detail = (film ? nameOf(film) : when) ?? "";
    return svg(
        "a",
        {
            href: addressOfNode(item),
            class: `node ${item.kind}${isFocus ? " focus" : ""}`,
            "aria-current": isFocus && "true",
        },
        svg("rect", { x, y, width: NODE.width, height: NODE.height, rx: 5 }),
        svg("rect", { x, y, width: 4, height: NODE.height, rx: 2, class: "kind" }),
        texts([kind, x + 12, y + (detail ? 18 : 27), "title"], [shorten(detail, 18), x + 12, y + 35, "muted"]),
    );
}

const moreNode = ({ count }, { x, y }) =>
    svg(
        "g",
        { class: "node" },
        svg("rect", { x, y, width: NODE.width, height: NODE.height, rx: 5 }),
        texts([t("lineage.more", { count: formatNumber(count) }), x + 12, y + 27, "muted"]),
    );

const shorten = (name, most) => (name.length > most ? `${name.slice(0, Math.max(1, most - 1))}…` : name);
