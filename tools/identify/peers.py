"""Other programs on the queries of `make identify`, beside which its figures stand.

    make identify HOURS=8 PLACES=40 TABLES="brief align pairs=6 write=QUERIES"
    python3 tools/identify/peers.py LIBRARY QUERIES [--audfprint audfprint.py] [--fpcalc fpcalc]

Recall of audfprint (Ellis 2014, github.com/dpwe/audfprint: landmarks of two peaks) and of Chromaprint (AcoustID's fingerprints,
by Debian's `fpcalc -raw`; the least share of differing bits over all positions) for the written queries, in an index of the same
recordings as they are, without the changed ones that fill the library: so theirs is the smaller library. A place is found if the
recording is the right one and the offset within 0.5 s. Errors of BBC's audio-offset-finder (PyPI) for the pairs of recorders.
PyDejavu 0.1.3 of PyPI is for Python 2, and does not run. Needs numpy, and librosa and docopt for audfprint.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import wave

import numpy as np

RATE = 16_000
#: Seconds of an offset's error.
TOLERANCE = 0.5
#: Values of a Chromaprint fingerprint for a second: frames of 4 096 samples at 11 025 Hz, a third apart.
VALUES = 11_025 / (4_096 / 3)


def write(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def queries(folder):
    """[(condition, seconds, recording, start in s, path)]."""
    found = []
    for path in sorted(folder.rglob("*.wav")):
        if path.parent.name != "align":
            seconds, recording, start = path.stem.split("~")
            found.append((path.parent.name, float(seconds), recording, int(start) / RATE, path))
    return found


def report(name, asked, found):
    """`found` are (recording, offset in s) or None, in the order of `asked`."""
    counts, errors, elsewhere = {}, [], 0
    for (condition, seconds, recording, start, _), answer in zip(asked, found):
        is_found = answer is not None and answer[0] == recording and abs(answer[1] - start) <= TOLERANCE
        hits, total = counts.get((condition, seconds), (0, 0))
        counts[condition, seconds] = (hits + is_found, total + 1)
        elsewhere += answer is not None and not is_found
        if is_found:
            errors.append(abs(answer[1] - start) * 1000)
    lengths = sorted({seconds for _, seconds in counts})
    print(f"\n| {name} | {' | '.join(f'{seconds:g} s' for seconds in lengths)} |\n|---{'|---' * len(lengths)}|")
    for condition in sorted({condition for condition, _ in counts}):
        recall = [counts[condition, seconds] for seconds in lengths]
        print(f"| {condition} | {' | '.join(f'{hits / total:.2f}' for hits, total in recall)} |")
    quantiles = np.quantile(errors, [0.5, 0.99]) if errors else [np.nan] * 2
    print(f"error of the offset: median {quantiles[0]:.0f} ms, 99 % {quantiles[1]:.0f} ms; wrong places: {elsewhere} of {len(asked)}")


def audfprint(program, library, asked, scratch):
    """The best match of each query: the printed time is how much later the recording begins than the query."""
    database, names = scratch / "audfprint.pklz", scratch / "names"
    # Times of 16 bits: recordings of up to 17 minutes.
    options = ["--density", "50", "--samplerate", "16000", "--maxtimebits", "16"]
    names.write_text("\n".join(str(path) for path in library))
    run = lambda *arguments: subprocess.run([sys.executable, program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    run("new", "--dbase", database, *options, "--shifts", "1", "--list", names)
    names.write_text("\n".join(str(path) for *_, path in asked))
    answers = {}
    for line in run("match", "--dbase", database, *options, "--shifts", "4", "--find-time-range", "--list", names).splitlines():
        match = re.search(r"Matched .* s starting at +(-?[\d.]+) s in (\S.*?\.wav) to time +(-?[\d.]+) s in (\S.*?)\.wav", line)
        if match:
            answers[match[2]] = (pathlib.Path(match[4]).name, float(match[3]) - float(match[1]))
    return [answers.get(str(path)) for *_, path in asked]


def chromaprint(program, library, asked):
    def raw(path):
        command = [program, "-raw", "-plain", "-length", "0", path]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return np.array([int(value) for value in text.split(",") if value], np.uint32)

    names = [path.stem for path in library]
    prints = [raw(path) for path in library]
    owner = np.concatenate([np.full(len(values), number) for number, values in enumerate(prints)])
    position = np.concatenate([np.arange(len(values)) for values in prints])
    everything = np.concatenate(prints)
    bits = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)
    found = []
    for *_, path in asked:
        query = raw(path)
        if not len(query):
            found.append(None)
            continue
        distances = np.zeros(len(everything) - len(query) + 1, np.uint32)
        for at, value in enumerate(query):
            differing = everything[at : at + len(distances)] ^ value
            distances += bits[differing.view(np.uint8)].reshape(-1, 4).sum(1, dtype=np.uint32)
        best = int(distances.argmin())
        found.append((names[owner[best]], position[best] / VALUES))
    return found


def offsets(folder):
    from audio_offset_finder.audio_offset_finder import find_offset_between_files

    errors = []
    for path in sorted(folder.glob("align/*~other~*.wav")):
        pair, _, place = path.stem.split("~")
        (reference,) = folder.glob(f"align/{pair}~reference~*.wav")
        found = find_offset_between_files(str(reference), str(path), trim=900)
        errors.append(abs(found["time_offset"] - float(place)) * 1000)
    if errors:
        print(f"\naudio-offset-finder, {len(errors)} pairs of recorders: error median {np.median(errors):.1f} ms, largest {max(errors):.1f} ms; no drift")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("queries", type=pathlib.Path)
    parser.add_argument("--audfprint")
    parser.add_argument("--fpcalc")
    arguments = parser.parse_args()
    asked = queries(arguments.queries)
    names = (arguments.queries / "indexed").read_text().split()
    with tempfile.TemporaryDirectory() as folder:
        scratch, library = pathlib.Path(folder), []
        for name in names:
            library.append(scratch / f"{name}.wav")
            write(library[-1], np.fromfile(arguments.library / f"{name}.s16", np.int16))
        if arguments.audfprint:
            report("audfprint", asked, audfprint(arguments.audfprint, library, asked, scratch))
        if arguments.fpcalc:
            report("Chromaprint", asked, chromaprint(arguments.fpcalc, library, asked))
    offsets(arguments.queries)


if __name__ == "__main__":
    main()
