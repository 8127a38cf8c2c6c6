"""Make test windows the training never saw, and score what whisper.cpp makes of them."""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from mel import SAMPLE_RATE
from mix import Mixer, non_speech
from tokens import WORDS

TEST_SEED = 7_000_000


def write_wav(path: Path, samples: np.ndarray) -> None:
    wavfile.write(path, SAMPLE_RATE, np.clip(np.rint(samples * 32767.0), -32768, 32767).astype(np.int16))


def make_speech(folder: Path, mixer: Mixer, count: int, seconds: float, max_words: int) -> None:
    """`count` windows that hold words, and truth.json: name -> [(word, start s, end s)]."""
    folder.mkdir(parents=True, exist_ok=True)
    truth, index = {}, 0
    while len(truth) < count:
        window = mixer.window(index, seconds, max_words)
        index += 1
        if window.words:
            name = f"{len(truth):04}.wav"
            write_wav(folder / name, window.samples)
            truth[name] = [(WORDS[d].strip(), start, end) for d, start, end in window.words]
    (folder / "truth.json").write_text(json.dumps(truth))


def make_silence(folder: Path, count: int) -> None:
    """`count` windows of 2..30 s without speech."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{index:04}.wav" for index in range(count)]
    for index, name in enumerate(names):
        rng = np.random.default_rng([TEST_SEED, index])
        write_wav(folder / name, non_speech(rng, int(rng.uniform(2, 30) * SAMPLE_RATE)))
    (folder / "truth.json").write_text(json.dumps({name: [] for name in names}))


def make(pool: Path, out: Path) -> None:
    synthetic = Mixer(pool, TEST_SEED, {"espeak": 1.0}, plain=True)
    recorded = Mixer(pool, TEST_SEED, {"fsdd": 1.0}, plain=True)
    make_speech(out / "synthetic", synthetic, 150, 9.0, 8)
    make_speech(out / "synthetic-long", synthetic, 15, 30.0, 60)
    if recorded.kinds:
        make_speech(out / "fsdd", recorded, 150, 9.0, 8)
        make_speech(out / "fsdd-long", recorded, 15, 30.0, 60)
    make_silence(out / "non-speech", 200)


def align(said: list[str], heard: list[str]) -> list[tuple[int | None, int | None]]:
    """Pairs of positions of a least-cost alignment; None: missing there."""
    cost = np.zeros((len(said) + 1, len(heard) + 1), int)
    cost[:, 0], cost[0] = np.arange(len(said) + 1), np.arange(len(heard) + 1)
    for i, a in enumerate(said, 1):
        for j, b in enumerate(heard, 1):
            cost[i, j] = min(cost[i - 1, j - 1] + (a != b), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    pairs, i, j = [], len(said), len(heard)
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


def score(folder: Path, results: Path) -> str:
    truth = json.loads((folder / "truth.json").read_text())
    found = {line["file"]: line for line in map(json.loads, results.read_text().splitlines())}
    substituted = deleted = inserted = total = 0
    off: list[float] = []
    for name, words in truth.items():
        heard = found[name]["words"]
        total += len(words)
        for i, j in align([w[0] for w in words], [w["word"] for w in heard]):
            if i is None:
                inserted += 1
            elif j is None:
                deleted += 1
            elif words[i][0] != heard[j]["word"]:
                substituted += 1
            else:
                ends = heard[j]["end"] if heard[j]["end"] is not None else 30.0
                off += [abs(heard[j]["start"] - words[i][1]), abs(ends - words[i][2])]
    quiet = np.mean([found[name]["no_speech"] for name in truth])
    line = f"{folder.name}: {len(truth)} windows, {total} digits, {substituted} wrong, {deleted} missed, {inserted} invented"
    if total:
        line += f", error rate {100 * (substituted + deleted + inserted) / total:.2f} %"
    if off:
        line += f", times off by {1000 * np.median(off):.0f} ms (median), {1000 * np.percentile(off, 95):.0f} ms (95 %)"
    return line + f", no-speech {quiet:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("make", help="write the test windows")
    maker.add_argument("--pool", type=Path, required=True, help="test.npz")
    maker.add_argument("--out", type=Path, required=True)
    scorer = commands.add_parser("score", help="compare one folder with digit-decode's lines for it")
    scorer.add_argument("folder", type=Path)
    scorer.add_argument("results", type=Path)
    args = parser.parse_args()
    if args.command == "make":
        make(args.pool, args.out)
    else:
        print(score(args.folder, args.results))


if __name__ == "__main__":
    main()
