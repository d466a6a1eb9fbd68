# SPDX-License-Identifier: Apache-2.0
# make_squares.py DIR: DIR/colour (CIFAR-10's binary files) and DIR/grey (IDX): ten classes of noisy images, a bright square
# in a place of each class's own; DIR/colour.npy and DIR/grey.npy: seven uint8 images (n,h,w,c), the last three noise, black
# and white; .raw: the same bytes.
import os, struct, sys

import numpy as np

rng = np.random.default_rng(0)


def images(n, side, channels):
    x = rng.integers(0, 120, (n, side, side, channels))
    for i in range(n):
        row, col = 6 + 10 * (i % 10 // 5), 3 + 5 * (i % 5)
        x[i, row:row + 6, col:col + 4] += rng.integers(60, 130, channels)
    return x.astype("uint8"), (np.arange(n) % 10).astype("uint8")


for kind, side, channels in (("colour", 32, 3), ("grey", 28, 1)):
    os.makedirs(os.path.join(sys.argv[1], kind))
    for split, n in (("train", 200), ("test", 50)):
        x, y = images(n, side, channels)
        if kind == "colour":
            name = "data_batch_1.bin" if split == "train" else "test_batch.bin"
            data = np.concatenate([y[:, None], x.transpose(0, 3, 1, 2).reshape(n, -1)], 1).tobytes()
            with open(os.path.join(sys.argv[1], kind, name), "wb") as f:
                f.write(data)
            continue
        stem = os.path.join(sys.argv[1], kind, "train" if split == "train" else "t10k")
        with open(stem + "-images-idx3-ubyte", "wb") as f:
            f.write(struct.pack(">4I", 2051, n, side, side) + x.tobytes())
        with open(stem + "-labels-idx1-ubyte", "wb") as f:
            f.write(struct.pack(">2I", 2049, n) + y.tobytes())
    x = images(7, side, channels)[0]
    x[4], x[5], x[6] = rng.integers(0, 256, x[4].shape), 0, 255
    np.save(os.path.join(sys.argv[1], kind + ".npy"), x)
    x.tofile(os.path.join(sys.argv[1], kind + ".raw"))
