"""A library for `make identify`: recordings and made speech, as mono samples of 16 bit at 16 kHz.

    python3 tools/identify/library.py OUT MUSIC… [--speech HOURS] [--midi DIRECTORY --fonts ROOT --songs HOURS]

MUSIC are directories, such as unpacked Debian packages of game music (several pieces of one composer each: distractors
of the same artist); each file of 20 s and more that ffmpeg reads is a recording. Speech is read by espeak-ng in 12 voices
from the Markdown of this repository. MIDI files, such as the songs of POP909 (music-x-lab/POP909-Dataset, MIT), are played by
FluidSynth with other instruments, of the Debian packages that `tools/rhythm/material.py` names, unpacked in ROOT (needs
mido). Files that are there already are kept. Nothing of it is part of the repository.
"""

import argparse
import os
import pathlib
import random
import re
import subprocess
import tempfile
import zlib

RATE = 16_000
LEAST_SECONDS = 20
SUFFIXES = {".ogg", ".flac", ".mp3", ".opus", ".wav"}
VOICES = ["en-gb", "en-us", "en-gb-scotland", "en+f2", "en+f4", "en+m3", "en+m7", "de", "fr", "es", "it", "nl"]


#: Programs of General MIDI that hold and lead a melody, and that accompany it.
LEADS = [0, 11, 21, 24, 40, 52, 56, 65, 66, 68, 73, 80]
CHORDS = [0, 4, 6, 16, 24, 25, 27, 46, 48, 50, 89, 105]
#: Channel of percussion.
DRUMS = 9


def decode(source, target, seconds=None):
    """Decodes `source` to `target`, with the whole pass in memory so that no half file is left."""
    command = ["ffmpeg", "-v", "quiet", "-nostdin", "-i", source, "-vn", "-ac", "1", "-ar", str(RATE)]
    samples = subprocess.run([*command, "-f", "s16le", "-"], capture_output=True, check=False).stdout
    if len(samples) >= 2 * RATE * LEAST_SECONDS:
        target.write_bytes(samples)


def music(out, directory):
    files = sorted(path for path in directory.rglob("*") if path.suffix.lower() in SUFFIXES)
    for path in files:
        name = "_".join(path.relative_to(directory.parent).parts)
        target = out / (re.sub(r"[^A-Za-z0-9_.-]+", "-", name) + ".s16")
        if path.stat().st_size > 60_000 and not target.exists():
            decode(path, target)


def speech(out, hours):
    texts = [path.read_text() for path in sorted(pathlib.Path(__file__).parents[2].rglob("docs/**/*.md"))]
    sentences = re.findall(r"[A-Z][a-z][^|`#*<>\n]{40,}", " ".join(" ".join(texts).split("\n")))
    draw = random.Random(1)
    for number in range(int(hours * 60)):
        target = out / f"speech_{number:04}.s16"
        voice = VOICES[number % len(VOICES)]
        text = " ".join(draw.sample(sentences, min(len(sentences), 12)))[:900]
        if target.exists():
            continue
        speed, pitch = str(draw.randint(140, 190)), str(draw.randint(30, 70))
        command = ["espeak-ng", "-v", voice, "-s", speed, "-p", pitch, "--stdout", "--", text]
        spoken = subprocess.run(command, capture_output=True, check=True).stdout
        convert = ["ffmpeg", "-v", "quiet", "-i", "-", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
        target.write_bytes(subprocess.run(convert, input=spoken, capture_output=True, check=True).stdout)


def songs(out, directory, root, hours):
    """Renders MIDI files until the library has `hours` of them, each with its own instruments, key and sound font."""
    import mido

    fonts = [font for suffix in ("sf2", "sf3") for font in sorted(root.rglob(f"*.{suffix}"))]
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, root.glob("usr/lib/*-linux-gnu"))))
    files = [path for path in sorted(directory.rglob("*.mid")) if "versions" not in path.parts]
    random.Random(2).shuffle(files)
    seconds = 0.0
    for path in files:
        if seconds >= 3600 * hours:
            break
        target = out / f"song_{path.stem}.s16"
        if not target.exists():
            draw = random.Random(zlib.crc32(path.stem.encode()))
            midi, up, font = mido.MidiFile(path), draw.randint(-3, 3), draw.choice(fonts)
            programs = {}
            for track in midi.tracks:
                for message in track:
                    if message.type == "program_change":
                        message.program = programs.setdefault((id(track), message.channel), draw.choice(CHORDS if programs else LEADS))
                    elif message.type in ("note_on", "note_off") and message.channel != DRUMS:
                        message.note = min(max(message.note + up, 0), 127)
            with tempfile.TemporaryDirectory() as folder:
                changed, sound = pathlib.Path(folder, "song.mid"), pathlib.Path(folder, "song.wav")
                midi.save(changed)
                command = [root / "usr/bin/fluidsynth", "-niq", "-g", "0.5", "-R", str(draw.randint(0, 1)), "-C", "0", "-r", "22050"]
                subprocess.run([*command, "-F", sound, font, changed], env=environment, check=True, capture_output=True)
                decode(sound, target)
        seconds += target.stat().st_size / 2 / RATE if target.exists() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("music", type=pathlib.Path, nargs="*")
    parser.add_argument("--speech", type=float, default=0.0, metavar="HOURS")
    parser.add_argument("--midi", type=pathlib.Path)
    parser.add_argument("--fonts", type=pathlib.Path, metavar="ROOT")
    parser.add_argument("--songs", type=float, default=0.0, metavar="HOURS")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for directory in arguments.music:
        music(arguments.out, directory)
    speech(arguments.out, arguments.speech)
    if arguments.midi:
        songs(arguments.out, arguments.midi, arguments.fonts, arguments.songs)


if __name__ == "__main__":
    main()
