#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/augment_ops.txt and augment_bins.txt: what torchvision 0.14 and Pillow 9.4 make of images.

Needs Debian 12's python3-torchvision (apt install python3-torchvision). Inputs are not stored: image() below and
make_image() in tests/unit/test_ops.c generate the same bytes. Outputs are stored as 64-bit FNV-1a hashes.
torch.linspace differs in the last bit between PyTorch's kernels per instruction set: ATEN_CPU_CAPABILITY is set to
avx2 below, which is what PyTorch uses by default, also on AVX-512 machines.
"""
import os
import random
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import PIL
import torch
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide, _apply_op

M64 = (1 << 64) - 1
N_IMAGES = 200
LONG = [(9000, 3), (3, 9000)]  # images 200, 201: coordinates leave Pillow's 16.16 fixed point


class Xorshift:
    """xorshift64*, high 32 bits."""

    def __init__(self, seed):
        self.s = (seed + 1) * 0x9E3779B97F4A7C15 & M64

    def next(self):
        self.s ^= self.s >> 12
        self.s ^= self.s << 25 & M64
        self.s ^= self.s >> 27
        return (self.s * 2685821657736338717 & M64) >> 32


def image(i):
    """The bytes (h, w, c) of image i: noise, gradients, few values, nearly flat, dark."""
    r = Xorshift(i)
    c = 3 if i % 2 else 1
    h, w = 1 + r.next() % 47, 1 + r.next() % 47
    if i % 25 == 7:
        h, w = 60 + h, 60 + w
    if i % 4 < 2:
        w = h
    if i >= N_IMAGES:
        (h, w), c = LONG[i - N_IMAGES], 1
    style = i // 2 % 5
    lo, span = [r.next() % 200 for _ in range(3)], [r.next() % 56 + 1 for _ in range(3)]
    px = bytearray(h * w * c)
    at = 0
    for y in range(h):
        for x in range(w):
            for k in range(c):
                v = r.next()
                if style == 0:
                    v = v & 255
                elif style == 1:
                    v = lo[k] + span[k] * (x + y) // (h + w) + v % 3
                elif style == 2:
                    v = (lo[k] + span[k] * (v % 4)) & 255
                elif style == 3:
                    v = v // 64 & 255 if v % 64 == 0 else lo[k]
                else:
                    v = v % 40 + 20 * k
                px[at] = min(v, 255)
                at += 1
    return h, w, c, bytes(px)


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & M64
    return h


ENHANCE = {
    "Brightness": F.adjust_brightness,
    "Color": F.adjust_saturation,
    "Contrast": F.adjust_contrast,
    "Sharpness": F.adjust_sharpness,
}


def cutout(im, share, x, y):
    """A grey square about pixel (int(x * w), int(y * h)): DeVries & Taylor's, whose square may hang over the border."""
    side, w, h = int(share * min(im.size)), *im.size
    left, top = int(x * w) - side // 2, int(y * h) - side // 2
    out = im.copy()
    if side:
        out.paste(128 if im.mode == "L" else (128, 128, 128), (left, top, left + side, top + side))
    return out


def apply(im, op, value, draw=(0.0, 0.0), partner=None):
    """The operation with `value` in bantam's units, its random numbers and its other image."""
    if op == "Cutout":
        return cutout(im, value, *draw)
    if op == "SamplePairing":
        return Image.blend(im, partner, value)
    if op in ENHANCE:
        return ENHANCE[op](im, value)
    return _apply_op(im, op, value, InterpolationMode.NEAREST, None)


def values(rng, i, h, w):
    """(op, [value]) for image i: edges of each operation in turn, and values drawn for this image."""
    space = RandAugment()._augmentation_space(31, (h, w))

    def turn(*v):
        return v[i % len(v)]

    def bin_of(op):
        return round(float(space[op][0][rng.randrange(31)]) * rng.choice((-1, 1)), 12)

    def real(lo, hi):
        return round(rng.uniform(lo, hi), 3)

    yield "AutoContrast", [0]
    yield "Equalize", [0]
    yield "Invert", [0]
    for op in ("ShearX", "ShearY"):
        yield op, [turn(0, 0.3, -0.3, 1, -1, 0.5, 4, -4), bin_of(op), real(-0.3, 0.3), real(-3, 3)]
    for op, size in (("TranslateX", w), ("TranslateY", h)):
        yield op, [turn(0, 1, -1, size, -size, size - 1, 1 - size, 1000, 0.99, -0.99), real(-size / 2, size / 2),
                   rng.randrange(-size, size + 1)]
    yield "Rotate", [turn(0, 90, 180, 270, 360, -90, -180, -270),
                     turn(45, -45, 30, -30, 1e-14, 180.00000000000003, 89.999999),
                     bin_of("Rotate"), real(-30, 30), real(-360, 360), rng.randrange(-360, 361)]
    for op in ENHANCE:
        yield op, [turn(0, 1, 0.1, 1.9, 0.5, -1, 3.7), round(1 + bin_of(op), 12), real(0, 2)]
    yield "Posterize", [turn(0, 8, 1, 7, 2), rng.randrange(1, 8)]
    yield "Solarize", [turn(0, 256, 255, 1, 128), real(0, 255)]


def long_values(i):
    """Only what can leave the fixed-point range."""
    yield ("ShearX" if i == N_IMAGES else "ShearY"), [4, -4, 3.9, 0.1]
    yield "Rotate", [77.7, 180, -10]


def drawn_values(rng, i):
    """(op, value, draws) of operations that draw."""
    yield "Cutout", (0, 60 / 331, 1, 0.5)[i % 4], (0.0, 0.0)
    yield "Cutout", round(rng.uniform(0, 1), 3), (round(rng.random(), 4), round(rng.random(), 4))
    yield "Cutout", 0.45, (0.9999, 0.5)
    yield "SamplePairing", (0, 0.4, 1, 0.5)[i % 4], (0.0, 0.0)
    yield "SamplePairing", round(rng.uniform(0, 0.4), 4), (0.0, 0.0)


def text(v):
    return repr(v) if isinstance(v, float) else str(v)


def write_ops(path):
    rng, drawn = random.Random(20221116), random.Random(5)
    with open(path, "w") as f:
        f.write(f"# tools/make_augment_goldens.py: torchvision {torchvision.__version__}, Pillow {PIL.__version__}\n")
        f.write("# image: number h w c hash; then: operation value=hash ...\n")
        f.write("# value@x,y: with these random numbers; the other image of SamplePairing is the image's bytes backwards\n")
        for i in range(N_IMAGES + len(LONG)):
            h, w, c, px = image(i)
            im = Image.frombytes("RGB" if c == 3 else "L", (w, h), px)
            f.write(f"image {i} {h} {w} {c} {fnv(px):016x}\n")
            for op, vs in values(rng, i, h, w) if i < N_IMAGES else long_values(i):
                out = [f"{text(v)}={fnv(apply(im, op, v).tobytes()):016x}" for v in vs]
                f.write(f"{op} {' '.join(out)}\n")
            other = Image.frombytes(im.mode, im.size, px[::-1])
            for op, v, draw in drawn_values(drawn, i) if i < N_IMAGES else ():
                out = apply(im, op, v, draw, other)
                f.write(f"{op} {text(v)}@{draw[0]},{draw[1]}={fnv(out.tobytes()):016x}\n")


def write_bins(path):
    with open(path, "w") as f:
        f.write(f"# tools/make_augment_goldens.py: torchvision {torchvision.__version__}, torch {torch.__version__}\n")
        f.write("# magnitudes: policy operation levels h w signed value of bin 0, 1, ...\n")
        for levels, h, w in ((31, 32, 32), (31, 28, 28), (31, 17, 45), (31, 224, 224), (11, 32, 32), (2, 32, 32)):
            for op, (bins, signed) in RandAugment()._augmentation_space(levels, (h, w)).items():
                if (levels, h) != (31, 32) and levels == 31 and not op.startswith("Translate"):
                    continue  # does not depend on the size
                write_row(f, "rand", op, levels, h, w, bins, signed)
        for levels in (31, 10, 2):
            for op, (bins, signed) in TrivialAugmentWide()._augmentation_space(levels).items():
                write_row(f, "trivial", op, levels, 32, 32, bins, signed)
        for levels, h, w in ((10, 32, 32), (10, 24, 50)):
            for op, (bins, signed) in AutoAugment()._augmentation_space(levels, (h, w)).items():
                write_row(f, "auto", op, levels, h, w, bins, signed)


def write_row(f, policy, op, levels, h, w, bins, signed):
    v = bins.tolist() if bins.ndim else []
    f.write(f"{policy} {op} {levels} {h} {w} {int(signed)} {' '.join(text(x) for x in v)}".rstrip() + "\n")


def write_policies(path):
    """The published AutoAugment policies, in bantam's compact form (an operation without strength has level 0)."""
    with open(path, "w") as f:
        f.write(f"# tools/make_augment_goldens.py: torchvision {torchvision.__version__}, AutoAugment._get_policies\n")
        for policy in AutoAugmentPolicy:
            f.write(f"{policy.name.lower()} autoaugment:levels=10")
            for i, sub in enumerate(AutoAugment(policy).policies):
                f.write(f",p{i}=" + "|".join(f"{op}/{p:g}/{level or 0}" for op, p, level in sub))
            f.write("\n")


if __name__ == "__main__":
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "tests", "golden")
    write_ops(os.path.join(out, "augment_ops.txt"))
    write_bins(os.path.join(out, "augment_bins.txt"))
    write_policies(os.path.join(out, "augment_policies.txt"))
