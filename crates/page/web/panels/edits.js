// Edits of the recording: silences removed, cut to music, supercut.
import { get } from "../lib/api.js";
import { button, field, fill, h, number, select } from "../lib/dom.js";
import { run } from "../lib/jobs.js";
import { t } from "../lib/i18n.js";
import { nameOf } from "../lib/recording.js";
import { failure } from "../views/failure.js";
import { playShots } from "../player/shots.js";
import { shotList } from "./shots.js";

/** Recordings that can be chosen. */
const CHOICES = 200;

export function editPanel(context) {
    const { recording, player } = context;
    const result = h("div");
    const asset_id = recording.asset.id;
    let playing = null;
    const make = (path, body, title) => async event => {
        event?.preventDefault?.();
        playing?.stop();
        fill(result, h("p", { class: "hint", role: "status" }, t("loading")));
        try {
            const answer = await run(path, body());
            const own = answer.shots.every(shot => shot.source_asset_id === asset_id);
            fill(
                result,
                shotList(answer, {
                    title: title(),
                    preview: own
                        ? shots => {
                              playing?.stop();
                              playing = playShots(player, shots);
                          }
                        : null,
                }),
            );
            result.scrollIntoView({ block: "nearest" });
        } catch (error) {
            fill(result, failure(error));
        }
    };
    return {
        element: h(
            "div",
            { class: "panel" },
            silence(asset_id, recording, make),
            supercut(asset_id, make),
            music(asset_id, make),
            result,
        ),
        close: () => playing?.stop(),
    };
}

function silence(asset_id, recording, make) {
    const values = { margin_ms: 100, min_silence_ms: 500, fillers: false };
    const fillers = h("input", {
        type: "checkbox",
        id: "fillers",
        disabled: !recording.timeline?.words.length,
        on: {
            change: event => {
                values.fillers = event.target.checked;
            },
        },
    });
    return h(
        "form",
        {
            class: "card",
            on: {
                submit: make(
                    "/edits/remove-silence",
                    () => ({ asset_id, ...values }),
                    () => t("edits.silenceOf", { name: recording.name }),
                ),
            },
        },
        h("h2", {}, t("edits.silence")),
        h(
            "div",
            { class: "fields" },
            field(
                t("edits.minSilence"),
                number(values.min_silence_ms, [0, 60_000, 10], value => {
                    values.min_silence_ms = value;
                }),
            ),
            field(
                t("edits.margin"),
                number(values.margin_ms, [0, 10_000, 10], value => {
                    values.margin_ms = value;
                }),
            ),
        ),
        h("p", {}, fillers, " ", h("label", { for: "fillers" }, t("edits.fillers"))),
        h("button", { type: "submit" }, t("edits.make")),
    );
}

function supercut(asset_id, make) {
    const q = h("input", { type: "text", maxlength: 500, required: true });
    const values = { padding_ms: 120 };
    return h(
        "form",
        {
            class: "card",
            on: {
                submit: make(
                    "/edits/supercut",
                    () => ({ q: q.value, asset_ids: [asset_id], ...values }),
                    () => t("search.supercutOf", { q: q.value }),
                ),
            },
        },
        h("h2", {}, t("edits.supercut")),
        h(
            "div",
            { class: "fields" },
            field(t("edits.phrase"), q),
            field(
                t("edits.padding"),
                number(values.padding_ms, [0, 10_000, 10], value => {
                    values.padding_ms = value;
                }),
            ),
        ),
        h("button", { type: "submit" }, t("edits.make")),
    );
}

function music(asset_id, make) {
    const values = { every: "bar", order: "given", music: asset_id };
    const choice = h(
        "div",
        {},
        button(t("edits.chooseMusic"), async () => {
            try {
                const { items } = await get("/media-v2/assets", { limit: CHOICES });
                const options = items
                    .filter(asset => asset.kind === "audio" || asset.kind === "video")
                    .map(asset => [asset.id, nameOf(asset)]);
                fill(
                    choice,
                    field(
                        t("edits.music"),
                        select(options, asset_id, value => {
                            values.music = value;
                        }),
                    ),
                );
            } catch (error) {
                fill(choice, failure(error));
            }
        }),
    );
    const body = () => ({
        music_asset_id: values.music,
        sources: [{ asset_id }],
        every: values.every,
        order: values.order,
        ...(values.order === "shuffled" ? { seed: 1 } : {}),
    });
    return h(
        "form",
        { class: "card", on: { submit: make("/edits/cut-to-music", body, () => t("edits.toMusic")) } },
        h("h2", {}, t("edits.toMusic")),
        h("p", { class: "hint" }, t("edits.musicHint")),
        choice,
        h(
            "div",
            { class: "fields" },
            field(
                t("edits.every"),
                select(
                    ["beat", "2beats", "bar", "2bars"].map(name => [name, t(`every.${name}`)]),
                    values.every,
                    value => {
                        values.every = value;
                    },
                ),
            ),
            field(
                t("edits.order"),
                select(
                    ["given", "shuffled", "energy"].map(name => [name, t(`order.${name}`)]),
                    values.order,
                    value => {
                        values.order = value;
                    },
                ),
            ),
        ),
        h("button", { type: "submit" }, t("edits.make")),
    );
}
