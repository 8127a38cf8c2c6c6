#!/usr/bin/env python3
"""Measures speaker diarization and voices on made dialogues and AMI excerpts: `make speakers MODELS=DIR`."""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import material
import audio
import score


def run(example, models, arguments, paths):
    command = [example, models, *arguments]
    output = subprocess.run(command, input="\n".join(map(str, paths)), check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def der_row(label, dialogues, results, details):
    row = np.zeros((2, 4))
    right = 0
    for dialogue, result in zip(dialogues, results):
        found = [turn[:3] for turn in result["turns"]]
        plain, collared = score.errors(dialogue.turns, found), score.errors(dialogue.turns, found, 0.25)
        row += [plain, collared]
        right += len(result["voices"]) == dialogue.speakers
        if details:
            rate = lambda e: f"{100 * sum(e[:3]) / max(e[3], 1e-9):5.1f}"
            parts = " ".join(f"{name} {100 * value / plain[3]:.1f}" for name, value in zip(("miss", "false", "confused"), plain))
            print(f"    {dialogue.name:<12} speakers {dialogue.speakers} found {len(result['voices'])}  DER {rate(plain)}  collar {rate(collared)}  {parts}")
    length = sum(len(dialogue.samples) for dialogue in dialogues) / audio.RATE
    cpu = sum(result["cpu"] for result in results)
    plain, collared = (100 * r[:3].sum() / r[3] for r in row)
    parts = " / ".join(f"{100 * value / row[0][3]:.1f}" for value in row[0][:3])
    print(f"| {label} | {plain:.1f} | {collared:.1f} | {parts} | {right} of {len(dialogues)} | {60 * cpu / length:.1f} |")


def diarization(arguments):
    print("| material | DER %, no collar | DER %, collar 0.25 s | miss / false alarm / confusion % | speakers counted right | CPU s per minute |")
    print("|---|---|---|---|---|---|")
    sets = [(f"made dialogues, {half}", material.dialogues(arguments.corpus, half)) for half in arguments.halves]
    sets.append(("AMI excerpts (seen in tuning)", material.meetings(arguments.corpus)))
    with tempfile.TemporaryDirectory() as folder:
        for label, dialogues in sets:
            paths = [Path(folder, f"{d.name}.wav") for d in dialogues]
            for path, dialogue in zip(paths, dialogues):
                audio.write(path, dialogue.samples)
            results = run(arguments.example, arguments.models, ["1"], paths)
            der_row(label, dialogues, results, arguments.details)
            if arguments.given_count and label.startswith("made"):
                known = []
                for dialogue, path in zip(dialogues, paths):
                    count = str(dialogue.speakers)
                    known += run(arguments.example, arguments.models, ["1", count, count], [path])
                der_row(f"{label}, count given", dialogues, known, False)


def short_recordings(arguments):
    """Recordings of 4 to 12 s: how many speakers are counted, and which enrolments are refused."""
    print("\n| short recordings | DER %, no collar | DER %, collar 0.25 s | miss / false alarm / confusion % | speakers counted right | CPU s per minute |")
    print("|---|---|---|---|---|---|")
    enrolments = []
    with tempfile.TemporaryDirectory() as folder:
        for half in arguments.halves:
            for label, recordings in zip(("one voice", "two voices"), material.short_recordings(arguments.corpus, half)):
                paths = [Path(folder, f"{r.name}.wav") for r in recordings]
                for path, recording in zip(paths, recordings):
                    audio.write(path, recording.samples)
                der_row(f"{label}, {half}", recordings, run(arguments.example, arguments.models, ["1"], paths), arguments.details)
                results = run(arguments.example, arguments.models, ["embed"], paths)
                refused = [r.name for r, result in zip(recordings, results) if "error" in result]
                enrolments.append(f"  {label}, {half}: {len(refused)} of {len(recordings)}")
                if arguments.details:
                    enrolments.append("    refused: " + ", ".join(refused))
    print("\nenrolments refused:", *enrolments, sep="\n")


def strangers(count=200):
    """Voices of espeak-ng: each variant in three languages and pitches, until there are `count`. Languages alternate, so
    that all are among them."""
    output = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout
    variants = sorted({line.split()[-1].split("/")[-1] for line in output.splitlines()[1:]})
    pairs = [(f"{language}+{variant}", pitch) for variant in variants for language, pitch in (("en-us", 50), ("de", 35), ("es", 65))]
    text = " ".join(material.SENTENCES[:3])
    return [(f"{voice}-{pitch}", material.levelled(audio.spoken(voice, text, material.SPEED, pitch))) for voice, pitch in pairs[:count]]


def people(corpus):
    """Real people, two recordings each: halves of what the corpus has of a reader or a digit speaker."""
    pools = {**material.voices(corpus, "tuned"), **material.voices(corpus, "held")}
    made = {voice for half in material.ESPEAK_VOICES.values() for voice, _ in half}
    found = {}
    for name, pool in pools.items():
        if name not in made:
            samples = np.concatenate(pool)[: 60 * audio.RATE]
            found[name] = (samples[: len(samples) // 2], samples[len(samples) // 2 :])
    return found


def embeddings(arguments, folder, recordings):
    paths = []
    for number, samples in enumerate(recordings):
        paths.append(Path(folder, f"voice{number}.wav"))
        audio.write(paths[-1], samples)
    results = run(arguments.example, arguments.models, ["embed"], paths)
    return [np.array(r["embedding"]) if "embedding" in r else None for r in results]


def voices(arguments):
    known, unknown = people(arguments.corpus), strangers()
    with tempfile.TemporaryDirectory() as folder:
        first = embeddings(arguments, folder, [a for a, _ in known.values()])
        second = embeddings(arguments, folder, [b for _, b in known.values()])
        of_strangers = embeddings(arguments, folder, [samples for _, samples in unknown])
    names = list(known)
    same = [(float(a @ b), n) for a, b, n in zip(first, second, names) if a is not None and b is not None]
    people_pairs = [
        (float(a @ b), f"{names[i]} / {names[j]}") for i, a in enumerate(first) for j, b in enumerate(second)
        if i != j and a is not None and b is not None]
    stranger_pairs = [
        (float(a @ b), f"{names[i]} / {label}") for i, a in enumerate(first) if a is not None
        for (label, _), b in zip(unknown, of_strangers) if b is not None]
    embedded = sum(e is not None for e in of_strangers)
    threshold = arguments.same_voice
    print(f"\nvoices: {len(same)} people enrolled, {embedded} of {len(unknown)} strangers have a clear voice; threshold {threshold}")
    print(f"  recognised in the second half of their recording: {sum(s >= threshold for s, _ in same)} of {len(same)}, least similar {min(same)}")
    print(f"  false names on strangers: {sum(s >= threshold for s, _ in stranger_pairs)} of {embedded}, most similar {max(stranger_pairs)}")
    print(f"  false names on other people: {sum(s >= threshold for s, _ in people_pairs)} of {len(people_pairs)} pairs, most similar {max(people_pairs)}")
    print("  most similar people: " + ", ".join(f"{n} {s:.2f}" for s, n in sorted(people_pairs, reverse=True)[:5]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--details", action="store_true", help="a line per recording")
    parser.add_argument("--halves", nargs="*", default=["tuned", "held"])
    parser.add_argument("--same-voice", type=float, default=0.62, help="the threshold in audio_speakers::SAME_VOICE")
    parser.add_argument("--given-count", action="store_true", help="dialogues also with their number of speakers given")
    parser.add_argument("--only", choices=["diarization", "short", "voices"])
    arguments = parser.parse_args()
    for name, measure in (("diarization", diarization), ("short", short_recordings), ("voices", voices)):
        if arguments.only in (None, name):
            measure(arguments)


if __name__ == "__main__":
    main()
