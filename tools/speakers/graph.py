"""A small builder of ONNX graphs whose bytes are the same on every run."""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
BATCH_NORM_EPSILON = 1e-5


class Graph:
    def __init__(self, weights):
        self.weights = weights
        self.nodes, self.constants, self.known = [], [], {}

    def constant(self, value, dtype=np.float32):
        array = np.ascontiguousarray(value, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = f"c{len(self.known)}"
            self.constants.append(numpy_helper.from_array(array, self.known[key]))
        return self.known[key]

    def op(self, kind, *inputs, outputs=1, **attributes):
        names = [f"t{len(self.nodes)}" if i == 0 else f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0]

    def batch_norm_terms(self, name):
        """Factor and offset of a batch normalisation with its stored statistics."""
        weights = self.weights
        variance = weights[f"{name}.running_var"].astype(np.float64)
        scale = weights.get(f"{name}.weight", np.ones_like(variance)).astype(np.float64) / np.sqrt(variance + BATCH_NORM_EPSILON)
        offset = weights.get(f"{name}.bias", np.zeros_like(variance)) - weights[f"{name}.running_mean"].astype(np.float64) * scale
        return scale, offset

    def batch_norm(self, x, name):
        scale, offset = self.batch_norm_terms(name)
        return self.op("Add", self.op("Mul", x, self.constant(scale[:, None])), self.constant(offset[:, None]))

    def conv(self, x, name, norm=None, **attributes):
        """A convolution, with the batch normalisation behind it folded into its weights."""
        kernel = self.weights[f"{name}.weight"].astype(np.float64)
        bias = self.weights.get(f"{name}.bias")
        if norm is not None:
            scale, offset = self.batch_norm_terms(norm)
            kernel = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
            bias = offset if bias is None else bias * scale + offset
        terms = [self.constant(kernel)] + ([] if bias is None else [self.constant(bias)])
        return self.op("Conv", x, *terms, **attributes)

    def model(self, name, inputs, output, output_shape):
        value = lambda label, shape: helper.make_tensor_value_info(label, TensorProto.FLOAT, shape)
        graph = helper.make_graph(
            self.nodes, name, [value(*item) for item in inputs], [value(output, output_shape)], self.constants)
        model = helper.make_model(
            graph, producer_name="harkback", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
        checker.check_model(model)
        return model.SerializeToString(deterministic=True)
