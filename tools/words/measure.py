#!/usr/bin/env python3
"""What harkback makes of recordings with known words, beside faster-whisper with the same weights.

    measure.py --example BINARY --models DIR --corpus DIR [--cases DIR] [--rows TEXT] [--no-peer]

DIR has `ggml-tiny.en.bin` and `ggml-base.bin`; faster-whisper runs where it can be imported and DIR has the folders
`tiny.en` and `base` with the same weights in its own form."""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import material
import audio

MODELS = ("tiny.en", "base")


class Harkback:
    """The example `words`, which does with each file what `harkback analyze` does, with the model loaded once."""

    name = "harkback"

    def __init__(self, example, models, model, threads=1):
        command = [example, str(models / f"ggml-{model}.bin"), str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def words(self, samples, language="en"):
        """Words as (text, start, end, timing, language), in seconds, and the notes on the transcription."""
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            audio.write(file.name, samples)
            self.process.stdin.write(f"{language or 'auto'} {file.name}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"harkback ended with {self.process.wait()}")
        timeline = json.loads(line)
        words = [
            (w["word"], w["start_ms"] / 1000, w["end_ms"] / 1000, w.get("timing"), w.get("language"))
            for event in timeline["events"]
            for w in event["meta"].get("words", [])
        ]
        return words, timeline["analysis"].get("transcription", {})

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class FasterWhisper:
    name = "faster-whisper"

    def __init__(self, models, model):
        from faster_whisper import WhisperModel

        self.model = WhisperModel(str(models / model), device="cpu", compute_type="float32", cpu_threads=1)

    def words(self, samples, language="en"):
        options = {"beam_size": 1, "word_timestamps": True, "vad_filter": True, "language": language}
        segments, _ = self.model.transcribe(samples, **options)
        words = [(w.word, w.start, w.end, None, None) for segment in segments for w in segment.words or []]
        return words, {}

    def cpu_seconds(self):
        return time.process_time()


def score(transcriber, clips):
    """Words said, found again, and edits; differences of starts in seconds; share of measured times."""
    said = found = edits = measured = told = 0
    starts = []
    for clip in clips:
        words, _ = transcriber.words(clip.samples)
        told, measured = told + len(words), measured + sum(word[3] == "measured" for word in words)
        reference = material.normal(clip.text)
        heard = [(part, word) for word in words for part in material.normal(word[0])]
        pairs, distance = material.aligned(reference, [part for part, _ in heard])
        said, found, edits = said + len(reference), found + len(pairs), edits + distance
        if clip.times:
            # Of a hyphenated word only the first part has a start.
            is_first = lambda j: j == 0 or heard[j - 1][1] is not heard[j][1]
            starts += [abs(heard[j][1][1] - clip.times[i][1]) for i, j in pairs if is_first(j)]
    return said, found, edits, starts, measured / max(1, told)


def percent(part, whole):
    return f"{100 * part / max(1, whole):.1f} %"


def clean_row(transcriber, corpus):
    said, _, edits, starts, measured = score(transcriber, material.readings(corpus))
    late = sum(start > 0.3 for start in starts)
    return {
        f"word error rate, {said} words": percent(edits, said),
        "word start: median, over 300 ms": f"{1000 * statistics.median(starts):.0f} ms, {percent(late, len(starts))}",
        "times measured": percent(measured, 1),
    }


def variant_rows(transcriber, corpus):
    rows = {}
    for name, change in material.VARIANTS.items():
        clips = [material.Clip(c.name, change(c.samples), c.text) for c in material.readings(corpus)]
        said, found, edits, *_ = score(transcriber, clips)
        rows[f"recall (errors), {name}"] = f"{percent(found, said)} ({percent(edits, said)})"
    return rows


def packed_row(transcriber, corpus, seconds, alone):
    whole, clips = material.mixed(corpus, seconds, 8)
    before = transcriber.cpu_seconds()
    said, found, *_ = score(transcriber, [whole])
    name = f"recall, {seconds // 60} min of clips"
    rows = {name: percent(found, said), f"CPU s, {seconds // 60} min": f"{transcriber.cpu_seconds() - before:.0f}"}
    if alone:
        said, found, *_ = score(transcriber, clips)
        rows[f"{name}, each alone"] = percent(found, said)
    return rows


def repeated_row(transcriber, corpus):
    said, found, *_ = score(transcriber, [material.repeated(corpus)])
    return {"one sentence eight times": percent(found, said)}


def digits_row(transcriber, corpus):
    clips = [material.Clip(c.name, c.samples, c.text) for c in material.digits(corpus, 100)]
    said, found, edits, *_ = score(transcriber, clips)
    return {"single digits, FSDD": f"{percent(found, said)} ({percent(edits, said)})"}


def language_row(transcriber, _):
    samples, texts = material.languages()
    words, _ = transcriber.words(samples, None)
    heard = material.normal(" ".join(word[0] for word in words))
    said = [(code, word) for code, text in texts for word in material.normal(text)]
    pairs, _ = material.aligned([word for _, word in said], heard)
    right = {code: sum(said[i][0] == code for i, _ in pairs) for code, _ in texts}
    whole = {code: sum(c == code for c, _ in said) for code, _ in texts}
    return {"five languages (base)": ", ".join(f"{c} {right[c]}/{whole[c]}" for c in whole)}


def silent_row(transcriber, corpus):
    count, invented = 0, []
    for name, samples in material.without_speech(corpus):
        count += 1
        words, _ = transcriber.words(samples)
        invented += [f"{name}: {' '.join(word[0] for word in words)}"] if words else []
    for line in invented:
        print(f"  {transcriber.name} invented in {line}", flush=True)
    return {f"of {count} clips without speech, with words": str(len(invented))}


def case_rows(transcriber, cases):
    rows = {}
    for path in sorted((cases / "words").glob("*")):
        words, notes = transcriber.words(audio.decode(path), None)
        text = " ".join(word[0].strip() for word in words)
        rows[f"case {path.stem}"] = f"{len(words)} words: {text[:60]}…"
        if notes:
            print(f"  {path.stem}: {text}\n    {json.dumps(notes)}", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--example", required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--rows", default="clean variants repeated digits packed silent languages cases")
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    measures = {
        "clean": lambda t: clean_row(t, options.corpus),
        "variants": lambda t: variant_rows(t, options.corpus),
        "repeated": lambda t: repeated_row(t, options.corpus),
        "digits": lambda t: digits_row(t, options.corpus),
        "packed": lambda t: packed_row(t, options.corpus, 600, False),
        "long": lambda t: packed_row(t, options.corpus, 2400, True),
        "silent": lambda t: silent_row(t, options.corpus),
        "languages": lambda t: language_row(t, options.corpus),
        "cases": lambda t: case_rows(t, options.cases) if options.cases else {},
    }
    for model in [options.model] if options.model else MODELS:
        transcribers = [Harkback(options.example, options.models, model)]
        if not options.no_peer:
            try:
                transcribers.append(FasterWhisper(options.models, model))
            except ImportError:
                print("faster-whisper is not there: harkback alone")
        print(f"\n| {model} | {' | '.join(t.name for t in transcribers)} |\n|---|{'---|' * len(transcribers)}")
        for name in options.rows.split():
            if name == "languages" and model.endswith(".en"):
                continue
            found = [measures[name](transcriber) for transcriber in transcribers]
            for row in found[0]:
                print(f"| {row} | {' | '.join(rows.get(row, '–') for rows in found)} |", flush=True)


if __name__ == "__main__":
    main()
