"""Beats, downbeats and onsets of harkback and of other programs on the corpus, all scored by mir_eval.

    python3 tools/peers/rhythm.py CORPUS FOUND.jsonl [--only harkback,librosa]

FOUND.jsonl is what `cargo run --release -p audio_signal --example timeline -- --json RECORDING…` printed. Beats count within
70 ms, from 3 s on; onsets within 50 ms, true ones closer than 30 ms as one. Means over the recordings of a folder. Needs
rhythm.txt; `make quality-peers` installs it.
"""

import argparse
import functools
import json
import pathlib

import librosa
import mir_eval
import numpy as np

RATE = 44_100


@functools.lru_cache(maxsize=1)
def samples(path):
    return librosa.load(path, sr=RATE, mono=True)[0]


def of_librosa(path):
    y = samples(path)
    _, beats = librosa.beat.beat_track(y=y, sr=RATE, units="time")
    return {"beats": beats, "onsets": librosa.onset.onset_detect(y=y, sr=RATE, units="time")}


def of_aubio(path):
    import aubio

    y, hop = samples(path).astype(np.float32), 512
    tempo, onset = aubio.tempo("default", 1_024, hop, RATE), aubio.onset("default", 1_024, hop, RATE)
    beats, onsets = [], []
    for first in range(0, len(y) - hop + 1, hop):
        if tempo(y[first : first + hop])[0]:
            beats.append(tempo.get_last_s())
        if onset(y[first : first + hop])[0]:
            onsets.append(onset.get_last_s())
    return {"beats": beats, "onsets": onsets}


def of_essentia(path, method):
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    import essentia.standard

    return {"beats": essentia.standard.RhythmExtractor2013(method=method)(samples(path).astype(np.float32))[1]}


def of_madmom(path):
    from madmom.features import beats, downbeats, onsets

    y = str(path)
    found = beats.DBNBeatTrackingProcessor(fps=100)(beats.RNNBeatProcessor()(y))
    bars = downbeats.DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100)(downbeats.RNNDownBeatProcessor()(y))
    strokes = onsets.OnsetPeakPickingProcessor(fps=100)(onsets.RNNOnsetProcessor()(y))
    return {"beats": found, "downbeats": bars[bars[:, 1] == 1, 0], "onsets": strokes}


PEERS = {
    "librosa": of_librosa,
    "aubio": of_aubio,
    "Essentia multifeature": functools.partial(of_essentia, method="multifeature"),
    "Essentia degara": functools.partial(of_essentia, method="degara"),
    "madmom RNN": of_madmom,
}


def column(path, extension, index=0, keep=lambda fields: True):
    lines = [line.split() for line in path.with_suffix(extension).read_text().splitlines() if line.strip()]
    return np.array([float(fields[index]) for fields in lines if keep(fields)])


def merged(times, gap=0.03):
    kept = []
    for time in sorted(times):
        if not kept or time - kept[-1] >= gap:
            kept.append(time)
    return np.array(kept)


def beat_score(truth, found):
    trimmed = (mir_eval.beat.trim_beats(np.sort(np.asarray(times, float)), 3.0) for times in (truth, found))
    return mir_eval.beat.f_measure(*trimmed)


def onset_score(truth, found):
    return mir_eval.onset.f_measure(merged(truth), np.sort(np.asarray(found, float)), window=0.05)[0]


def is_downbeat(fields):
    return fields[1] == "1"


def drums_only(path):
    return not path.stem.endswith("_mix")


# Name of the row, folder, what is scored, the truth of a recording, how, and which recordings.
ROWS = [
    ("beats/ beats F", "beats", "beats", lambda path: column(path, ".beats"), beat_score, None),
    ("beats_closed/ beats F", "beats_closed", "beats", lambda path: column(path, ".beats"), beat_score, None),
    ("drums/ beats F", "drums", "beats", lambda path: column(path, ".beats"), beat_score, None),
    ("drums/ downbeats F", "drums", "downbeats", lambda path: column(path, ".beats", keep=is_downbeat), beat_score, None),
    ("drums/ onsets F", "drums", "onsets", lambda path: column(path, ".onsets"), onset_score, drums_only),
    ("singing/ onsets F", "singing", "onsets", lambda path: column(path, ".onsets"), onset_score, None),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("found", type=pathlib.Path)
    parser.add_argument("--only", help="names of peers, with commas between")
    arguments = parser.parse_args()
    lines = map(json.loads, arguments.found.read_text().splitlines())
    ours = {pathlib.Path(line["recording"]).stem: line for line in lines}
    peers = {"harkback": lambda path: ours[path.stem], **PEERS}
    if arguments.only:
        peers = {name: peer for name, peer in peers.items() if name in arguments.only.split(",")}
    found = {}
    for folder in dict.fromkeys(row[1] for row in ROWS):
        for path in recordings(arguments.corpus, folder):
            found[path] = {name: peer(path) for name, peer in peers.items()}
    print("\nrhythm, scored by mir_eval; “unseen” of ours: weights, not constants (docs/rhythm_net.md)")
    print(f"{'':<24}{'n':>4}" + "".join(f"{name:>23}" for name in peers))
    for row, folder, what, truth, score, wanted in ROWS:
        paths = [path for path in recordings(arguments.corpus, folder) if wanted is None or wanted(path)]
        cells = []
        for name in peers:
            scores = [score(truth(path), found[path][name][what]) for path in paths if what in found[path][name]]
            cells.append(f"{np.mean(scores):>23.3f}" if scores else f"{'–':>23}")
        print(f"{row:<24}{len(paths):>4}" + "".join(cells))


def recordings(corpus, folder):
    return sorted(path for path in (corpus / folder).glob("*") if path.suffix in (".flac", ".wav", ".mp3", ".ogg"))


if __name__ == "__main__":
    main()
