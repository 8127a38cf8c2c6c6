// The transcript as text. A sentence is plain text until it is in view; then its words can be clicked.
import { button, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { itemAt } from "../lib/recording.js";
import { clock } from "../lib/time.js";

export function wordsPanel(context) {
    const { recording, player, pick } = context;
    const { timeline } = recording;
    if (!timeline) return h("p", { class: "empty" }, t("recording.notAnalysed"));
    if (!timeline.words.length) return h("p", { class: "empty" }, t("words.none"));
    const spans = new Map();
    const names = new Map(timeline.speakers.map(speaker => [speaker.id, speaker.name ?? speaker.id]));
    const itemOf = word => ({ type: "word", start_ms: word.start_ms, end_ms: word.end_ms, label: word.word, word });
    const open = (paragraph, event) => {
        paragraph.replaceChildren(
            ...(event.meta.words ?? []).flatMap(word => {
                const span = h(
                    "span",
                    { class: `word${word.corrected ? " corrected" : ""}`, data: { start: word.start_ms } },
                    word.word,
                );
                spans.set(word.start_ms, { span, word });
                return [span, " "];
            }),
        );
    };
    const seen = new IntersectionObserver(
        entries => {
            for (const { isIntersecting, target } of entries)
                if (isIntersecting) {
                    seen.unobserve(target);
                    open(target, target.event);
                }
        },
        { rootMargin: "400px" },
    );

    const text = h(
        "div",
        {
            class: "transcript",
            on: {
                click: click => {
                    const span = click.target.closest(".word");
                    if (span) pick(itemOf(spans.get(Number(span.dataset.start)).word));
                },
            },
        },
        timeline.events
            .filter(event => event.meta.words?.length)
            .map(event => {
                const paragraph = h("p", {}, event.meta.words.map(word => word.word).join(" "));
                paragraph.event = event;
                seen.observe(paragraph);
                const jump = button(
                    clock(event.start_ms, 1),
                    () => {
                        player.seek(event.start_ms);
                        player.play();
                    },
                    { class: "link time", "aria-label": t("words.playFrom", { time: clock(event.start_ms, 1) }) },
                );
                return h(
                    "div",
                    { class: "sentence" },
                    h(
                        "div",
                        {},
                        jump,
                        event.speaker_id &&
                            h("span", { class: "tag" }, names.get(event.speaker_id) ?? event.speaker_id),
                    ),
                    paragraph,
                );
            }),
    );

    let marked = null;
    const follow = () => {
        const word = itemAt(timeline.words, player.time);
        const span = word && spans.get(word.start_ms)?.span;
        if (span === marked) return;
        marked?.removeAttribute("aria-current");
        marked = span ?? null;
        marked?.setAttribute("aria-current", "true");
        if (marked && player.isPlaying) keepInView(marked);
    };
    player.addEventListener("time", follow);
    return {
        element: text,
        close() {
            seen.disconnect();
            player.removeEventListener("time", follow);
        },
    };
}

/** Scrolls the panel, not the page. */
function keepInView(element) {
    const panel = element.closest(".panel-scroll");
    const [inner, outer] = [element.getBoundingClientRect(), panel.getBoundingClientRect()];
    if (inner.top >= outer.top + 20 && inner.bottom <= outer.bottom - 20) return;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    panel.scrollBy({ top: inner.top - outer.top - outer.height / 3, behavior: isStill ? "auto" : "smooth" });
}
