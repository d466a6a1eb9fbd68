#!/usr/bin/python3
"""examples/load_in_pytorch.py DIR [X.npy]: a model of bantam in PyTorch; prints logits (of zeros without X.npy)."""
import json, os, struct, sys

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
from torch_models import build

with open(os.path.join(sys.argv[1], "weights.safetensors"), "rb") as f:
    header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    data = f.read()
meta = header.pop("__metadata__")  # also class_names, mean and std of pixel / 255, resize_rule
state = {k: torch.frombuffer(bytearray(data[slice(*t["data_offsets"])]), dtype=torch.float32).reshape(t["shape"]) for k, t in header.items()}
model = build(meta["model_yaml"]).eval()
model.load_state_dict(state, strict=False)  # all but num_batches_tracked, which bantam does not store
x = np.load(sys.argv[2]) if len(sys.argv) > 2 else np.zeros([1, *json.loads(meta["input_size"])], "float32")
print(json.dumps(model(torch.from_numpy(x)).tolist()))
