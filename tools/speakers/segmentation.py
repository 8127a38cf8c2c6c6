"""pyannote segmentation-3.0 as an ONNX graph: 10 s of 16 kHz samples to log probabilities of 7 sets of ≤ 2 of 3 speakers."""
import numpy as np

from graph import Graph

SAMPLE_RATE = 16_000
FILTER_TAPS = 251
LEAKY_SLOPE = 0.01
LSTM_LAYERS, HIDDEN = 4, 128


def sinc_filters(low_hz, band_hz, min_low=50.0, min_band=50.0):
    """The band-pass filters (cosine, then sine phase) that `asteroid-filterbanks`' ParamSincFB makes of its parameters."""
    f32 = np.float32
    half = FILTER_TAPS // 2
    window = f32(np.hamming(FILTER_TAPS)[:half])
    n = f32(2 * np.pi * np.arange(-half, 0.0)) / f32(SAMPLE_RATE)
    low = f32(min_low) + np.abs(low_hz.reshape(-1, 1).astype(f32))
    high = np.clip(low + f32(min_band) + np.abs(band_hz.reshape(-1, 1).astype(f32)), f32(min_low), f32(SAMPLE_RATE / 2))
    band = high - low
    at = lambda frequency: (frequency * n).astype(np.float64)
    left_cos = (np.sin(at(high)) - np.sin(at(low))) / (n / 2) * window
    centre = 2 * band
    cosine = np.concatenate([left_cos, centre, left_cos[:, ::-1]], axis=1)
    left_sin = (np.cos(at(low)) - np.cos(at(high))) / (n / 2) * window
    sine = np.concatenate([left_sin, np.zeros_like(centre), -left_sin[:, ::-1]], axis=1)
    return (np.concatenate([cosine / (2 * band), sine / (2 * band)])[:, None, :]).astype(f32)


def _gates(weights, layer, kind):
    """One LSTM parameter of both directions, from PyTorch's gate order (i, f, g, o) to ONNX's (i, o, f, c)."""
    def one(suffix):
        i, f, g, o = np.split(weights[f"lstm.{kind}_l{layer}{suffix}"], 4)
        return np.concatenate([i, o, f, g])
    return np.stack([one(""), one("_reverse")])


def build(weights):
    graph = Graph(weights)

    def instance_norm(x, name):
        return graph.op("InstanceNormalization", x, graph.constant(weights[f"{name}.weight"]),
                        graph.constant(weights[f"{name}.bias"]), epsilon=1e-5)

    x = instance_norm("samples", "sincnet.wav_norm1d")
    for layer in range(3):
        if layer == 0:
            bank = "sincnet.conv1d.0.filterbank"
            filters = sinc_filters(weights[f"{bank}.low_hz_"], weights[f"{bank}.band_hz_"])
            x = graph.op("Abs", graph.op("Conv", x, graph.constant(filters), strides=[10], kernel_shape=[FILTER_TAPS]))
        else:
            x = graph.conv(x, f"sincnet.conv1d.{layer}", kernel_shape=[5])
        x = graph.op("MaxPool", x, kernel_shape=[3], strides=[3])
        x = graph.op("LeakyRelu", instance_norm(x, f"sincnet.norm1d.{layer}"), alpha=LEAKY_SLOPE)
    x = graph.op("Transpose", x, perm=[2, 0, 1])
    for layer in range(LSTM_LAYERS):
        bias = np.concatenate([_gates(weights, layer, "bias_ih"), _gates(weights, layer, "bias_hh")], axis=1)
        x = graph.op("LSTM", x, graph.constant(_gates(weights, layer, "weight_ih")),
                     graph.constant(_gates(weights, layer, "weight_hh")), graph.constant(bias),
                     hidden_size=HIDDEN, direction="bidirectional")
        # [frames, directions, batch, hidden] to [frames, batch, directions × hidden]
        x = graph.op("Transpose", x, perm=[0, 2, 1, 3])
        x = graph.op("Reshape", x, graph.constant([0, 0, 2 * HIDDEN], np.int64))
    for name in ("linear.0", "linear.1", "classifier"):
        x = graph.op("MatMul", x, graph.constant(weights[f"{name}.weight"].T))
        x = graph.op("Add", x, graph.constant(weights[f"{name}.bias"]))
        if name != "classifier":
            x = graph.op("LeakyRelu", x, alpha=LEAKY_SLOPE)
    x = graph.op("Transpose", graph.op("LogSoftmax", x, axis=-1), perm=[1, 0, 2])
    return graph.model("segmentation", [("samples", ["batch", 1, "samples"])], x, ["batch", "frames", 7])
