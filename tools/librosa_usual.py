"""What is usually done with librosa instead of an analysis: `python3 tools/librosa_usual.py RECORDING`."""

import sys

import librosa

samples, rate = librosa.load(sys.argv[1])
sounding = librosa.effects.split(samples)
tempo, beats = librosa.beat.beat_track(y=samples, sr=rate)
print(len(sounding), "stretches of sound,", len(beats), "beats")
