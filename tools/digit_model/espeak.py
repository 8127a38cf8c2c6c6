"""Speech from libespeak-ng, with the sample at which every word starts."""

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_short, c_uint, c_void_p

import numpy as np
from scipy.signal import resample_poly

from mel import SAMPLE_RATE

ENGINE_RATE = 22_050
_SYNCHRONOUS, _UTF8, _BY_CHARACTER = 2, 1, 1
_EVENT_END, _EVENT_WORD = 0, 1
_RATE, _PITCH, _RANGE = 1, 3, 4


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", c_int),
        ("unique_identifier", c_uint),
        ("text_position", c_int),
        ("length", c_int),
        ("audio_position", c_int),
        ("sample", c_int),
        ("user_data", c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(c_int, POINTER(c_short), c_int, POINTER(_Event))


class Espeak:
    """One engine per process: the library keeps its state in globals."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL("libespeak-ng.so.1")
        if self._lib.espeak_Initialize(_SYNCHRONOUS, 0, None, 0) != ENGINE_RATE:
            raise RuntimeError("libespeak-ng did not start at 22050 Hz")
        self._chunks: list[np.ndarray] = []
        self._starts: list[int] = []
        self._callback = _Callback(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _receive(self, wav, count, events) -> int:
        if wav and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            if events[index].type == _EVENT_WORD:
                self._starts.append(events[index].audio_position)
            index += 1
        return 0

    def say(self, text: str, voice: str, rate: int, pitch: int, spread: int) -> tuple[np.ndarray, list[int]]:
        """Mono float32 at 16 kHz in -1..1, and the start of each word in samples.

        The engine now and then reports a word twice: a caller that counts words drops such an utterance.
        `rate` is in words per minute, `pitch` and `spread` (of the pitch) in 0..99.
        """
        self._chunks, self._starts = [], []
        if self._lib.espeak_SetVoiceByName(c_char_p(voice.encode())) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, spread)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(c_char_p(data), len(data), 0, _BY_CHARACTER, 0, _UTF8, None, None)
        raw = np.concatenate(self._chunks).astype(np.float32) / 32768.0
        audio = resample_poly(raw, 320, 441).astype(np.float32)
        return audio, [ms * SAMPLE_RATE // 1000 for ms in self._starts]
