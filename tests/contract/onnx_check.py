# SPDX-License-Identifier: Apache-2.0
"""onnx_check.py DIR...: every DIR/model.onnx is valid ONNX of the promised kind, and onnxruntime gives DIR/logits.npy for
DIR/images.npy (uint8, n,h,w,c), all at once and alone; DIR/int8.onnx, if it is there, is QDQ and near."""
import json, os, struct, sys

import numpy as np
import onnx
import onnxruntime

onnxruntime.set_default_logger_severity(3)
TOLERANCE = 1e-4  # of the largest logit


def run(path, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"input": x})[0]


def check_file(path, directory, dtype):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 8 and [(o.domain, o.version) for o in model.opset_import] == [("", 17)], path
    with open(os.path.join(directory, "model", "weights.safetensors"), "rb") as f:
        trained = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))["__metadata__"]
    with open(os.path.join(directory, "model", "result.json")) as f:
        result = json.load(f)
    known = [(result[k + "_accuracy"], k) for k in ("test", "val") if result.get(k + "_accuracy") is not None]
    meta = {p.key: p.value for p in model.metadata_props}
    assert json.loads(meta["class_names"]) == json.loads(trained["class_names"]), meta
    assert meta["dtype"] == dtype and meta["input_range"] == "0..255", meta
    assert [(float(meta["accuracy"]), meta["accuracy_split"])] == known[:1] if known else "accuracy" not in meta, meta
    ops = {n.op_type for n in model.graph.node}
    assert not ops & {"BatchNormalization", "ConvInteger", "MatMulInteger"}, ops
    assert ("QuantizeLinear" in ops) == (dtype == "int8"), ops
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert dims[0].dim_param == "N" and [d.dim_value for d in dims[1:]] == json.loads(trained["input_size"])
    return model


def check_int8_weights(model, path):
    """Symmetric, with a scale an output channel."""
    constant = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    weights = [n for n in model.graph.node if n.op_type == "DequantizeLinear" and n.name.endswith("/weight")]
    assert weights, path
    for n in weights:
        w, scale = constant[n.input[0]], constant[n.input[1]]
        assert w.dtype == np.int8 and abs(w.astype(int)).max() <= 127 and len(n.input) == 2, n.name
        assert scale.shape == (w.shape[0],) and n.attribute[0].i == 0, n.name


def check_int8(directory, x):
    """Near DIR/int8.raw, the integer kernels' logits: both round every map, but not halves the same way, and
    that goes through all layers."""
    path = os.path.join(directory, "int8.onnx")
    model = check_file(path, directory, "int8")
    check_int8_weights(model, path)
    constant = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    last = [n for n in model.graph.node if n.op_type == "QuantizeLinear"][-1]
    scale, zero = (constant[name] for name in last.input[1:])
    want = np.fromfile(os.path.join(directory, "int8.raw"), "int8").reshape(len(x), -1).astype(int)
    steps = abs(np.rint(run(path, x) / scale).astype(int) + zero - want)
    print(f"{path}: {steps.max()} steps from the integer kernels, {steps.mean():.2g} on average")
    assert steps.max() <= 32 and steps.mean() < 8, path


for directory in sys.argv[1:]:
    path = os.path.join(directory, "model.onnx")
    images = np.load(os.path.join(directory, "images.npy"))
    want = np.load(os.path.join(directory, "logits.npy"))
    x = images.transpose(0, 3, 1, 2).astype(np.float32)
    check_file(path, directory, "f32")
    together, alone = run(path, x), np.concatenate([run(path, x[i:i + 1]) for i in (0, len(x) - 1)])
    for got, expected in ((together, want), (alone, want[[0, -1]])):
        error = abs(got - expected).max() / abs(want).max()
        assert error < TOLERANCE, f"{path}: logits differ by {error:.2g} of the largest"
    if os.path.exists(os.path.join(directory, "int8.onnx")):
        check_int8(directory, x)
