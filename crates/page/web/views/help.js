// Keys.
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { dialog } from "./dialog.js";

const KEYS = [
    [
        "help.anywhere",
        [
            ["/", "help.search"],
            ["?", "help.title"],
            ["Esc", "help.leave"],
        ],
    ],
    [
        "help.player",
        [
            ["Space", "help.toggle"],
            ["J K L", "help.shuttle"],
            ["← →", "help.frame"],
            ["Shift ← →", "help.second"],
            ["Home End", "help.ends"],
            ["I O", "help.marks"],
            ["P", "help.loop"],
            ["Esc", "help.clear"],
        ],
    ],
    [
        "help.timeline",
        [
            ["+ −", "help.zoom"],
            ["0", "help.fit"],
            ["[ ]", "help.pan"],
            ["N B", "help.next"],
            ["Enter", "help.playItem"],
            ["C", "help.copy"],
        ],
    ],
    ["help.pads", [["1–4 Q–R A–F Z–V", "help.padKeys"]]],
];

export const showHelp = () =>
    dialog(t("help.title"), () =>
        KEYS.map(([title, keys]) => [
            h("h3", {}, t(title)),
            h(
                "dl",
                { class: "keys" },
                keys.map(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(text))]),
            ),
        ]).flat(),
    );
