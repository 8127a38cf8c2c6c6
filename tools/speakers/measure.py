#!/usr/bin/env python3
"""Measures speaker diarization and voices on made dialogues and AMI excerpts: `make speakers MODELS=DIR`."""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import material
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
    length = sum(len(dialogue.samples) for dialogue in dialogues) / material.RATE
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
                material.write(path, dialogue.samples)
            results = run(arguments.example, arguments.models, ["1"], paths)
            der_row(label, dialogues, results, arguments.details)
            if label.startswith("made"):
                known = []
                for dialogue, path in zip(dialogues, paths):
                    count = str(dialogue.speakers)
                    known += run(arguments.example, arguments.models, ["1", count, count], [path])
                der_row(f"{label}, count given", dialogues, known, False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--details", action="store_true", help="a line per recording")
    parser.add_argument("--halves", nargs="*", default=["tuned", "held"])
    diarization(parser.parse_args())


if __name__ == "__main__":
    main()
