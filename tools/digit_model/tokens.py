"""Token ids: those whisper.cpp fixes for English-only models, and the compact ones used in training.

whisper.cpp takes special ids from its own constants when `n_vocab` is 51864, so the file's vocabulary holds only
the words the model knows (ids 0..9) and " " (id 10), which `suppress_blank` looks up by name. All other rows of
the embedding are zero: their logit is exactly 0, and training counts them in the softmax denominator as such.
"""

N_VOCAB = 51864
EOT = 50256
SOT = 50257
NO_SPEECH = 50361
TIMESTAMP_BEGIN = 50363

WORDS = [" zero", " one", " two", " three", " four", " five", " six", " seven", " eight", " nine"]
VOCAB = WORDS + [" "]

FRAME_S = 0.02  # one encoder frame, and one timestamp token
N_AUDIO_CTX = 1500
# Times are written on a 40 ms grid: half as many classes, each of them surer; the rounding costs at most 20 ms.
GRID = 2

# Compact ids, in the order of the trained embedding's rows.
L_EOT, L_SOT, L_NO_SPEECH, L_TIME = 10, 11, 12, 13
N_TIMES = N_AUDIO_CTX // GRID + 1
N_LOCAL = L_TIME + N_TIMES
N_ZERO_ROWS = N_VOCAB - N_LOCAL


def time_id(seconds: float) -> int:
    """Compact id of the timestamp nearest to `seconds` (0..30 s)."""
    step = round(seconds / (FRAME_S * GRID))
    return L_TIME + min(max(step, 0), N_TIMES - 1)


def global_ids() -> list[int]:
    """whisper.cpp's id for each compact id, in order."""
    times = [TIMESTAMP_BEGIN + GRID * step for step in range(N_TIMES)]
    return list(range(len(WORDS))) + [EOT, SOT, NO_SPEECH] + times
