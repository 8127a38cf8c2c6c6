"""Log-mel spectrogram as whisper.cpp computes it: 16 kHz, 80 Slaney bands, 25 ms Hann window, 10 ms hop."""

import numpy as np
import torch

SAMPLE_RATE = 16_000
N_FFT = 400
HOP = 160
N_MELS = 80


def mel_filters() -> np.ndarray:
    """Slaney-style triangular filters of unit area, shape (80, 201). Source: Slaney, Auditory Toolbox, 1998."""
    log_step = np.log(6.4) / 27.0

    def hz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < 15.0, mel * 200.0 / 3.0, 1000.0 * np.exp(log_step * (mel - 15.0)))

    top = 15.0 + np.log(SAMPLE_RATE / 2 / 1000.0) / log_step
    edges = hz(np.linspace(0.0, top, N_MELS + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return (np.maximum(0.0, np.minimum(rise, fall)) * area).astype(np.float32)


FILTERS = torch.from_numpy(mel_filters())
WINDOW = torch.hann_window(N_FFT)


def log_mel(samples: np.ndarray, frames: int) -> torch.Tensor:
    """Normalised log-mel of mono 16 kHz `samples`, shape (80, frames); silence follows the samples' end."""
    x = torch.zeros(max(frames * HOP, len(samples)) + N_FFT)
    x[N_FFT // 2 : N_FFT // 2 + len(samples)] = torch.from_numpy(samples)
    x[: N_FFT // 2] = torch.from_numpy(samples[1 : N_FFT // 2 + 1][::-1].copy())
    power = torch.stft(x, N_FFT, HOP, window=WINDOW, center=False, return_complex=True).abs() ** 2
    logs = (FILTERS @ power).clamp(min=1e-10).log10()
    return ((torch.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0)[:, :frames]
