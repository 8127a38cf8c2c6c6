"""Collect utterances whose digits and times are known: espeak-ng voices, and recordings (FSDD) where present."""

import argparse
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from espeak import Espeak
from mel import SAMPLE_RATE
from tokens import WORDS

ACCENTS = ["en", "en-US", "en-GB-scotland", "en-029", "en-GB-x-gbclan", "en-GB-x-rp", "en-GB-x-gbcwmd"]
TEST_VARIANTS = ["f4", "m7", "michel", "steph2", "edward2", "klatt5", "linda", "victor"]
TRAIN_VARIANTS = """Alex Alicia Andrea Andy Annie AnxiousAndy Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario
    Michael Mike Nguyen RicishayMax RicishayMax2 RicishayMax3 Storm Tweaky UniRobot adam anika announcer antonio aunty
    belinda benjamin boris caleb croak david ed edward f1 f2 f3 f5 grandma grandpa gustave iven iven2 iven3 iven4 john
    klatt klatt2 klatt3 klatt4 klatt6 m1 m2 m3 m4 m5 m6 m8 marcelo max miguel norbert pablo paul pedro quincy rob
    robert robosoft robosoft3 sandro shelby steph steph3 travis whisper zac""".split()
# Speech that holds no digit: the model must stay silent on it.
OTHER_WORDS = """about after again always animal answer around away because before begin better between big blue book
    boy bring brother build business call carry change children city clear close cold come company could country day
    deep different door down draw early earth easy end enough evening every example face family far father feel field
    fire fish follow food found friend garden girl give go good great green ground group grow hand happy hard have
    head hear help her high home horse house idea important island keep kind know land large last later laugh learn
    leave letter life light line listen little live long look made make many mean measure men might mile money moon
    morning mother mountain move music must name near never new next night north nothing notice number often old only
    open order other our over own page paper part people picture place plan plant play point power problem public pull
    question quick rain reach read ready red remember rest right river road rock room run same say school sea second
    see sentence ship short should show side simple sing sleep slow small snow some song soon sound south special
    stand star start state stay still stop story street strong study such summer sun sure table take talk teach tell
    thank that the their then there they thing think thought through time today together town travel tree true turn
    under until up usual very voice vowel wait walk want warm watch water wave way week weight well were west what
    wheel where which while white whole why wind window winter with without woman wonder wood word work world would
    write year yellow yes young""".split()


@dataclass
class Pool:
    """Utterances end to end in one int16 array; `words` rows are (utterance, digit, first, last + 1 sample)."""

    audio: list[np.ndarray] = field(default_factory=list)
    words: list[tuple[int, int, int, int]] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)  # an index into KINDS
    voices: list[int] = field(default_factory=list)  # equal numbers: the same speaker

    def add(self, audio: np.ndarray, words: list[tuple[int, int, int]], kind: str, voice: int) -> None:
        peak = max(float(np.abs(audio).max()), 1e-6)
        self.words += [(len(self.audio), *word) for word in words]
        self.audio.append((audio / peak * 30_000).astype(np.int16))
        self.kinds.append(KINDS.index(kind))
        self.voices.append(voice)

    def save(self, path: Path) -> None:
        ends = np.cumsum([len(a) for a in self.audio])
        np.savez(path, audio=np.concatenate(self.audio), ends=ends, words=np.array(self.words, np.int64).reshape(-1, 4),
                 kinds=np.array(self.kinds), voices=np.array(self.voices))


KINDS = ["espeak", "fsdd", "other"]


def loud_span(audio: np.ndarray, floor_db: float = -35.0) -> tuple[int, int]:
    """First and last + 1 sample whose 10 ms level is within `floor_db` of the loudest."""
    hop = SAMPLE_RATE // 200
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio, hop), 2 * hop)[::hop]
    level = np.sqrt((frames**2).mean(axis=1))
    loud = np.flatnonzero(level >= level.max() * 10 ** (floor_db / 20))
    return max(int(loud[0]) * hop - hop // 2, 0), min(int(loud[-1]) * hop + hop // 2, len(audio))


def random_voice(rng: np.random.Generator, variants: list[str]) -> dict:
    voice = f"gmw/{rng.choice(ACCENTS)}+{rng.choice(variants)}"
    return {"voice": voice, "rate": int(rng.integers(105, 230)), "pitch": int(rng.integers(15, 90)),
            "spread": int(rng.integers(10, 90))}


def spoken_digits(engine: Espeak, digits: list[int], manner: dict, joint: str) -> tuple[np.ndarray, list] | None:
    """One utterance of `digits`, trimmed; words as (digit, first, end) samples. None: the engine miscounted."""
    audio, starts = engine.say(joint.join(WORDS[d].strip() for d in digits), **manner)
    if len(starts) != len(digits):
        return None
    words = []
    for digit, start, end in zip(digits, starts, starts[1:] + [len(audio)]):
        first, last = loud_span(audio[start:end])
        words.append((digit, start + first, start + last))
    begin, stop = words[0][1], words[-1][2]
    return audio[begin:stop], [(d, a - begin, b - begin) for d, a, b in words]


def add_espeak(pool: Pool, engine: Espeak, rng: np.random.Generator, variants: list[str], voices: int) -> None:
    for _ in range(voices):
        manner = random_voice(rng, variants)
        voice = max(pool.voices, default=-1) + 1
        alone = [[digit] for digit in range(10)]
        strings = [rng.integers(0, 10, rng.integers(2, 7)).tolist() for _ in range(4)]
        for digits in alone + strings:
            spoken = spoken_digits(engine, digits, manner, str(rng.choice([" ", ", "])))
            if spoken:
                pool.add(*spoken, "espeak", voice)


def add_other_speech(pool: Pool, engine: Espeak, rng: np.random.Generator, count: int) -> None:
    for _ in range(count):
        text = " ".join(rng.choice(OTHER_WORDS, rng.integers(1, 7)))
        audio, _ = engine.say(text, **random_voice(rng, TRAIN_VARIANTS))
        first, last = loud_span(audio)
        pool.add(audio[first:last], [], "other", -1)


def add_fsdd(pool: Pool, archive: Path, indices: range, wanted: Callable[[str], bool]) -> None:
    """Recordings `digit_speaker_index.wav` with an index in `indices` by speakers that are `wanted`."""
    speakers: list[str] = []
    with zipfile.ZipFile(archive) as files:
        for name in sorted(files.namelist()):
            match = re.search(r"(\d)_([a-z]+)_(\d+)\.wav$", name)
            if not match or int(match[3]) not in indices or not wanted(match[2]):
                continue
            rate, pcm = wavfile.read(io.BytesIO(files.read(name)))
            audio = resample_poly(pcm / 32768.0, SAMPLE_RATE, rate).astype(np.float32)
            first, last = loud_span(audio)
            if match[2] not in speakers:
                speakers.append(match[2])
            pool.add(audio, [(int(match[1]), first, last)], "fsdd", 1_000_000 + speakers.index(match[2]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for train.npz and test.npz")
    parser.add_argument("--fsdd", type=Path, help="FSDD train.zip; without it the espeak voices stand alone")
    parser.add_argument("--leave-out", default="", help="FSDD speaker kept out of training, and alone in the test")
    parser.add_argument("--voices", type=int, default=900)
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng, engine = np.random.default_rng(args.seed), Espeak()

    train, test = Pool(), Pool()
    add_espeak(test, engine, rng, TEST_VARIANTS, 40)
    add_espeak(train, engine, rng, TRAIN_VARIANTS, args.voices)
    add_other_speech(train, engine, rng, args.voices * 2)
    if args.fsdd:
        add_fsdd(train, args.fsdd, range(10, 50), lambda speaker: speaker != args.leave_out)
        add_fsdd(test, args.fsdd, range(5, 10), lambda speaker: args.leave_out in ("", speaker))
    train.save(args.out / "train.npz")
    test.save(args.out / "test.npz")
    print(f"train: {len(train.audio)} utterances, {len(train.words)} digits; test: {len(test.audio)}, {len(test.words)}")


if __name__ == "__main__":
    main()
