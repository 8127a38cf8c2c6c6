// Corrections of the timeline: kinds and edges of events, words, the beat grid. Each makes a new version; undo removes it.
import { post, remove } from "../lib/api.js";
import { button, fill, h, select } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { failure } from "../views/failure.js";

const KINDS = ["speech", "music", "silence", "other"];

/** The controls for `item`, or null where the service or the item has no corrections. */
export function corrections(context, item) {
    const { recording, player } = context;
    const { timeline, analysis } = recording;
    const makers = { event: eventEdits, word: wordEdits, beat: beatEdits, turn: turnEdits };
    if (!recording.corrections || !makers[item.type] || timeline?.meta.backend_type === "stub") return null;
    const answer = h("div");
    const path = `/audio/semantic-timeline/${analysis}/corrections`;
    const act = async work => {
        fill(answer, h("p", { class: "hint" }, t("corrections.saving")));
        try {
            await work();
            await context.refresh();
        } catch (error) {
            fill(answer, failure(error, error.code === "stale_base_version" ? context.refresh : undefined));
        }
    };
    const edit = (...edits) => act(() => post(path, { base_version: timeline.meta.backend_version, edits }));
    const newest = recording.corrections[0];
    return h(
        "div",
        { class: "corrections" },
        h(
            "div",
            { class: "row", role: "group", "aria-label": t("corrections.title") },
            makers[item.type](item, edit, player, timeline),
            newest &&
                button(
                    t("corrections.undo", { revision: newest.revision }),
                    () => act(() => remove(`${path}/${newest.artifact_id}`)),
                    { class: "small" },
                ),
        ),
        answer,
    );
}

const small = (key, work, more = {}) => button(t(key), work, { class: "small", ...more });

function eventEdits({ event }, edit, player, timeline) {
    const { start_ms, end_ms, kind } = event;
    const next = timeline.events[timeline.events.indexOf(event) + 1];
    const split = () => {
        const at_ms = Math.round(player.time);
        return edit({ op: "split", at_ms });
    };
    return [
        select(
            KINDS.map(name => [name, t(`kind.${name}`)]),
            kind,
            value => edit({ op: "relabel", start_ms, end_ms, kind: value }),
            { "aria-label": t("corrections.kind") },
        ),
        small("corrections.split", split),
        next &&
            small("corrections.merge", () =>
                edit({ op: "merge", at_ms: end_ms, ...(next.kind === kind ? {} : { kind }) }),
            ),
        timeline.speakers.length > 0 &&
            select(
                [
                    ["", t("corrections.speaker")],
                    ...timeline.speakers.map(speaker => [speaker.id, speaker.name ?? speaker.id]),
                ],
                event.speaker_id ?? "",
                value => value && edit({ op: "relabel", start_ms, end_ms, speaker_id: value }),
                { "aria-label": t("corrections.speaker") },
            ),
    ];
}

function turnEdits(item, edit, player, timeline) {
    return select(
        timeline.speakers.map(speaker => [speaker.id, speaker.name ?? speaker.id]),
        item.speaker_id,
        value => edit({ op: "relabel", start_ms: item.start_ms, end_ms: item.end_ms, speaker_id: value }),
        { "aria-label": t("corrections.speaker") },
    );
}

function wordEdits({ word }, edit) {
    const { start_ms, end_ms } = word;
    const input = h("input", {
        type: "text",
        value: word.word,
        maxlength: 200,
        "aria-label": t("corrections.word"),
        size: 16,
    });
    return h(
        "form",
        {
            class: "row",
            on: {
                submit: event => {
                    event.preventDefault();
                    edit({ op: "set_word", start_ms, end_ms, word: input.value });
                },
            },
        },
        input,
        h("button", { type: "submit", class: "small" }, t("corrections.set")),
        small("corrections.removeWord", () => edit({ op: "set_word", start_ms, end_ms, word: "" })),
    );
}

function beatEdits(item, edit) {
    const half = Math.round((item.end_ms - item.start_ms) / 2);
    return [
        small("corrections.halfEarlier", () => edit({ op: "shift_beats", offset_ms: -half })),
        small("corrections.halfLater", () => edit({ op: "shift_beats", offset_ms: half })),
        small("corrections.double", () => edit({ op: "double_tempo" })),
        small("corrections.halve", () => edit({ op: "halve_tempo", at_ms: item.start_ms })),
    ];
}
