"""A library for `make identify`: recordings and made speech, as mono samples of 16 bit at 16 kHz.

    python3 tools/identify/library.py OUT MUSIC… [--speech HOURS]

MUSIC are directories, such as unpacked Debian packages of game music (several pieces of one composer each: distractors
of the same artist); each file of 20 s and more that ffmpeg reads is a recording. Speech is read by espeak-ng in 12 voices
from the Markdown of this repository. Files that are there already are kept. Nothing of it is part of the repository.
"""

import argparse
import pathlib
import random
import re
import subprocess

RATE = 16_000
LEAST_SECONDS = 20
SUFFIXES = {".ogg", ".flac", ".mp3", ".opus", ".wav"}
VOICES = ["en-gb", "en-us", "en-gb-scotland", "en+f2", "en+f4", "en+m3", "en+m7", "de", "fr", "es", "it", "nl"]


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("music", type=pathlib.Path, nargs="*")
    parser.add_argument("--speech", type=float, default=0.0, metavar="HOURS")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for directory in arguments.music:
        music(arguments.out, directory)
    speech(arguments.out, arguments.speech)


if __name__ == "__main__":
    main()
