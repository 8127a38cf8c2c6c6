// The recordings, and how new ones are brought.
import { get } from "../lib/api.js";
import { button, h, select } from "../lib/dom.js";
import { dropArea, fileInput } from "../lib/drop.js";
import { formatDate, t } from "../lib/i18n.js";
import { addressOf, go, note, place } from "../lib/place.js";
import { nameOf } from "../lib/recording.js";
import { bring, onArrival } from "../lib/tasks.js";
import { bytes, length } from "../lib/time.js";
import { load } from "./failure.js";
import { taskList } from "./tasks.js";

export function recordings(state) {
    const rows = h("div", { class: "rows" });
    let cursor = null,
        timer = 0;
    const query = () => ({ kind: place().kind, tag: place().tag, limit: 50 });
    const refresh = () =>
        load(rows, async () => {
            const page = await get("/media-v2/assets", query());
            cursor = page.next_cursor;
            return page.items.length ? table(page.items) : h("p", { class: "empty" }, t("recordings.none"));
        });
    const table = items => {
        const body = h("tbody", {}, items.map(row));
        const more = button(
            t("more"),
            async () => {
                const page = await get("/media-v2/assets", { ...query(), cursor });
                cursor = page.next_cursor;
                body.append(...page.items.map(row));
                more.hidden = !cursor;
            },
            { hidden: !cursor },
        );
        return [
            h(
                "div",
                { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("recordings.title") },
                h(
                    "table",
                    {},
                    h(
                        "thead",
                        {},
                        h(
                            "tr",
                            {},
                            ["name", "kind", "length", "size", "made", "tags"].map(column =>
                                h("th", { scope: "col" }, t(`column.${column}`)),
                            ),
                        ),
                    ),
                    body,
                ),
            ),
            more,
        ];
    };
    const soon = () => {
        clearTimeout(timer);
        timer = setTimeout(() => rows.isConnected && refresh(), 300);
    };
    const kinds = [["", t("all")], ...["video", "audio", "image", "other"].map(kind => [kind, t(`asset.${kind}`)])];
    const tag = h("input", {
        type: "search",
        value: state.tag ?? "",
        placeholder: t("recordings.tag"),
        "aria-label": t("recordings.tag"),
        on: {
            change: event => {
                note({ tag: event.target.value });
                refresh();
            },
        },
    });
    refresh();
    return {
        close: onArrival(soon),
        title: t("recordings.title"),
        element: h(
            "div",
            { class: "page" },
            h("h1", { class: "visually-hidden" }, t("recordings.title")),
            dropZone(),
            taskList(),
            h(
                "div",
                { class: "row filters" },
                h("h2", { class: "grow" }, t("recordings.title")),
                select(
                    kinds,
                    state.kind ?? "",
                    kind => {
                        note({ kind });
                        refresh();
                    },
                    { "aria-label": t("column.kind") },
                ),
                tag,
                button(t("refresh"), refresh),
            ),
            rows,
        ),
    };
}

function row(asset) {
    const address = addressOf({ view: "recording", asset: asset.id });
    return h(
        "tr",
        {
            on: {
                click: event => {
                    if (!event.target.closest("a")) go({ view: "recording", asset: asset.id });
                },
            },
        },
        h("th", { scope: "row" }, h("a", { href: address, class: "clip" }, nameOf(asset))),
        h("td", {}, t(`asset.${asset.kind}`)),
        h("td", { class: "number" }, asset.duration_ms === null ? "–" : length(asset.duration_ms)),
        h("td", { class: "number" }, asset.size_bytes === null ? "–" : bytes(asset.size_bytes)),
        h("td", { class: "date" }, formatDate(asset.created_at)),
        h(
            "td",
            {},
            asset.tags.map(tag => h("span", { class: "tag" }, tag)),
        ),
    );
}

/** Takes files by drop, by choice, and folders. */
function dropZone() {
    const take = files => {
        for (const file of files) bring(file).catch(() => {}); // The task shows its failure.
    };
    const input = attributes =>
        fileInput({ multiple: true, ...attributes }, chosen =>
            take(chosen.filter(file => !file.webkitRelativePath || isMedia(file))),
        );
    const files = input({ accept: "audio/*,video/*,*/*", id: "files" }),
        folder = input({ webkitdirectory: true, id: "folder" });
    return dropArea(
        async transfer => take(await dropped(transfer)),
        h("p", {}, h("strong", {}, t("drop.title")), h("br"), h("span", { class: "hint" }, t("drop.hint"))),
        h(
            "div",
            { class: "row" },
            button(t("drop.files"), () => files.click(), { class: "primary" }),
            button(t("drop.folder"), () => folder.click()),
        ),
        files,
        folder,
    );
}

/** Whether a file of a folder is worth an upload; files that are chosen one by one are not judged. */
const isMedia = ({ name, type }) =>
    !name.startsWith(".") &&
    (/^(audio|video)\/|^application\/(mxf|ogg)/.test(type) || (type === "" && /\.\w{2,4}$/.test(name)));

/** Most files that one drop takes. */
const MOST = 500;

/** The files of a drop, with the media in its folders. */
async function dropped(transfer) {
    const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.some(entry => entry.isDirectory)) return [...transfer.files];
    const files = [];
    const visit = async (entry, isChosen) => {
        if (files.length >= MOST) return;
        if (entry.isFile) {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            if (isChosen || isMedia(file)) files.push(file);
            return;
        }
        const reader = entry.createReader();
        // A reader gives its entries in batches, until one is empty.
        for (;;) {
            const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
            if (!batch.length) return;
            for (const child of batch) await visit(child, false);
        }
    };
    for (const entry of entries) await visit(entry, true);
    return files;
}
