#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/augment_ops.txt and augment_bins.txt: what torchvision 0.14 and Pillow 9.4 make of images.

Needs Debian 12's python3-torchvision (apt install python3-torchvision). Inputs are not stored: image() below and
make_image() in tests/unit/test_ops.c generate the same bytes. Outputs are stored as 64-bit FNV-1a hashes.
torch.linspace differs in the last bit between PyTorch's kernels per instruction set: ATEN_CPU_CAPABILITY is set to
avx2 below, which is what PyTorch uses by default, also on AVX-512 machines.
"""
import math
import os
import random
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageFilter
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


class Philox:
    """bti_rng_at(seed, BTI_RNG_AUGMENT, epoch, sample, slot): Philox4x32-10, src/base/rng.h."""

    def __init__(self, seed, epoch, sample, slot):
        golden = 0x9E3779B97F4A7C15
        key = self.final(self.final(seed + golden & M64) ^ self.final(4 * golden + 1 & M64))
        self.key, self.ctr, self.buf = [key & 0xFFFFFFFF, key >> 32], [epoch, sample, slot, 0], []

    @staticmethod
    def final(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
        z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
        return z ^ z >> 31

    def u32(self):
        if not self.buf:
            (a, b, c, d), (k, m) = self.ctr, self.key
            for _ in range(10):
                x, y = 0xD2511F53 * a, 0xCD9E8D57 * c
                a, b, c, d = y >> 32 ^ b ^ k, y & 0xFFFFFFFF, x >> 32 ^ d ^ m, x & 0xFFFFFFFF
                k, m = k + 0x9E3779B9 & 0xFFFFFFFF, m + 0xBB67AE85 & 0xFFFFFFFF
            self.buf = [a, b, c, d]
            self.ctr[3] += 1
        return self.buf.pop(0)

    def unit(self):
        lo = self.u32()
        return ((self.u32() << 32 | lo) >> 11) * 2.0**-53

    def below(self, n):
        while True:
            p = self.u32() * n
            if p & 0xFFFFFFFF >= (1 << 32) % n:
                return p >> 32


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


def erase(im, value, draw):
    """Zhong et al.'s rectangle, filled with random bytes."""
    if value == 0:
        return im
    px, (w, h) = np.array(im), im.size
    least = min(value, 0.02)
    area, ratio = (least + draw[1] * (value - least)) * h * w, 0.3 + draw[2] * (1 / 0.3 - 0.3)
    eh, ew = (min(max(int(v), 1), n) for v, n in ((math.sqrt(area * ratio), h), (math.sqrt(area / ratio), w)))
    x, y = int(draw[3] * (w - ew + 1)), int(draw[4] * (h - eh + 1))
    rng = Philox(int(draw[0] * 2**53), 0, 0, 0)
    shape = px[y : y + eh, x : x + ew].shape
    px[y : y + eh, x : x + ew] = np.array([rng.u32() & 255 for _ in range(math.prod(shape))]).reshape(shape)
    return Image.fromarray(px)


def noise(im, value, draw):
    """Each byte plus `value` times the sum of a Philox block's 16 bytes, brought to mean 0 and variance 1."""
    if value == 0:
        return im
    px, rng = np.array(im), Philox(int(draw[0] * 2**53), 0, 0, 0)
    z = [sum(sum(rng.u32().to_bytes(4, "little")) for _ in range(4)) - 2040 for _ in range(px.size)]
    z = np.array(z).reshape(px.shape) / math.sqrt(16 * 65535 / 12)
    return Image.fromarray(np.clip(np.rint(px + value * z), 0, 255).astype(np.uint8))


def resized_crop(im, value, draw):
    w, h = im.size
    area = (value + draw[0] * (1 - value)) * w * h
    ratio = math.exp(math.log(3 / 4) + draw[1] * (math.log(4 / 3) - math.log(3 / 4)))
    cw, ch = (min(max(round(v), 1), n) for v, n in ((math.sqrt(area * ratio), w), (math.sqrt(area / ratio), h)))
    x, y = int(draw[2] * (w - cw + 1)), int(draw[3] * (h - ch + 1))
    return im.crop((x, y, x + cw, y + ch)).resize(im.size, Image.BILINEAR)


def crop(im, value, draw):
    w, h = im.size
    cw, ch = w - int(value * w), h - int(value * h)
    x, y = int(draw[0] * (w - cw + 1)), int(draw[1] * (h - ch + 1))
    return im.crop((x, y, x + cw, y + ch)).resize(im.size, Image.BILINEAR)


def letterbox(im, value, draw):
    w, h = im.size
    nw, nh = min(max(round(value * w), 1), w), min(max(round(value * h), 1), h)
    out = Image.new(im.mode, im.size, 114 if im.mode == "L" else (114, 114, 114))
    out.paste(im.resize((nw, nh), Image.BILINEAR), ((w - nw) // 2, (h - nh) // 2))
    return out


def stretch(im, x, y):
    (w, h), kx, ky = im.size, 1 / x, 1 / y
    matrix = (kx, 0, w / 2 - kx * (w / 2), 0, ky, h / 2 - ky * (h / 2))
    return im.transform(im.size, Image.AFFINE, matrix, Image.NEAREST)


def perspective(im, value, draw):
    """torchvision's RandomPerspective; its coefficients come from a float32 least squares, these from a closed form."""
    w, h = im.size
    far = int(value * (w // 2)), int(value * (h // 2))
    if far == (0, 0) or w < 2 or h < 2:
        return im
    d = [int(u * (far[i % 2] + 1)) for i, u in enumerate(draw)]
    ends = [(d[0], d[1]), (w - 1 - d[2], d[3]), (w - 1 - d[4], h - 1 - d[5]), (d[6], h - 1 - d[7])]
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = ends
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    det = dx1 * dy2 - dx2 * dy1
    g, k = (sx * dy2 - dx2 * sy) / det, (dx1 * sy - sx * dy1) / det
    a = (x1 - x0 + g * x1, x3 - x0 + k * x3, x0, y1 - y0 + g * y1, y3 - y0 + k * y3, y0, g, k, 1.0)
    m = [a[4] * a[8] - a[5] * a[7], a[2] * a[7] - a[1] * a[8], a[1] * a[5] - a[2] * a[4],
         a[5] * a[6] - a[3] * a[8], a[0] * a[8] - a[2] * a[6], a[2] * a[3] - a[0] * a[5],
         a[3] * a[7] - a[4] * a[6], a[1] * a[6] - a[0] * a[7], a[0] * a[4] - a[1] * a[3]]
    m = [v * (w - 1 if i < 3 else h - 1 if i < 6 else 1) for i, v in enumerate(m)]
    m = [v / m[8] for v in m]
    start = [[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]
    for u, v in zip(ends, start):  # the moved corners show the corners
        z = m[6] * u[0] + m[7] * u[1] + m[8]
        assert abs((m[0] * u[0] + m[1] * u[1] + m[2]) / z - v[0]) < 1e-6
        assert abs((m[3] * u[0] + m[4] * u[1] + m[5]) / z - v[1]) < 1e-6
    return im.transform(im.size, Image.PERSPECTIVE, m[:8], Image.NEAREST)


def scale_hsv(im, channel, factor):
    if factor == 1:
        return im
    if im.mode == "L":
        return im.point(lambda v: min(255, round(v * factor))) if channel == 2 else im
    bands = list(im.convert("HSV").split())
    bands[channel] = bands[channel].point(lambda v: min(255, round(v * factor)))
    return Image.merge("HSV", bands).convert("RGB")


DRAWING = {"Cutout": lambda im, v, d: cutout(im, v, *d[:2]), "RandomErasing": erase, "Noise": noise, "RandomCrop": crop,
           "RandomResizedCrop": resized_crop, "Perspective": perspective}
PLAIN = {
    "HorizontalFlip": lambda im, v: F.hflip(im),
    "VerticalFlip": lambda im, v: F.vflip(im),
    "Scale": lambda im, v: stretch(im, v, v),
    "AspectRatio": lambda im, v: stretch(im, math.sqrt(v), 1 / math.sqrt(v)),
    "Letterbox": lambda im, v: letterbox(im, v, None),
    "Hue": lambda im, v: F.adjust_hue(im, v) if v else im,
    "Saturation": lambda im, v: scale_hsv(im, 1, v),
    "Exposure": lambda im, v: scale_hsv(im, 2, v),
    "Grayscale": lambda im, v: F.rgb_to_grayscale(im, len(im.getbands())),
    "GaussianBlur": lambda im, v: im.filter(ImageFilter.GaussianBlur(v)),
    "BoxBlur": lambda im, v: im.filter(ImageFilter.BoxBlur(v)),
}


def apply(im, op, value, draw=(0.0, 0.0), partner=None):
    """The operation with `value` in bantam's units, its random numbers and its other image (src/augment/ops.def)."""
    if op in DRAWING:
        return DRAWING[op](im, value, draw)
    if op in PLAIN:
        return PLAIN[op](im, value)
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


def more_values(rng, i):
    """(op, value, draws) of the operations that RandAugment does not have."""

    def turn(*v):
        return v[i % len(v)]

    def draws(n):
        return tuple(turn(0.0, 0.9999, round(rng.random(), 4), round(rng.random(), 4)) for _ in range(n))

    yield "Cutout", turn(0, 60 / 331, 1, 0.5), (0.0, 0.0)
    yield "Cutout", round(rng.uniform(0, 1), 3), (round(rng.random(), 4), round(rng.random(), 4))
    yield "Cutout", 0.45, (0.9999, 0.5)
    yield "SamplePairing", turn(0, 0.4, 1, 0.5), ()
    yield "SamplePairing", round(rng.uniform(0, 0.4), 4), ()
    for op in ("HorizontalFlip", "VerticalFlip", "Grayscale"):
        yield op, 0, ()
    for op, ends in (("Scale", (0.05, 20, 1, 0.5, 2)), ("AspectRatio", (0.05, 20, 1, 0.75, 4 / 3)),
                     ("Letterbox", (0.01, 1, 0.5, 0.999)), ("Hue", (-0.5, 0.5, 0, 0.1, -0.1)),
                     ("Saturation", (0, 1, 100, 1.5)), ("Exposure", (0, 1, 100, 1.5)),
                     ("GaussianBlur", (0, 100, 0.5, 2, 1e-3)), ("BoxBlur", (0, 100, 1, 1.5, 1e-3))):
        lo, hi = {"Hue": (-0.5, 0.5), "Letterbox": (0.2, 1)}.get(op, (0.3, 3))
        yield op, turn(*ends), ()
        yield op, round(rng.uniform(lo, hi), 4), ()
    for op, ends, n in (("RandomCrop", (0, 0.95, 0.3), 2), ("RandomResizedCrop", (0.01, 1, 0.08), 4),
                        ("Perspective", (0, 0.6, 0.5), 8), ("RandomErasing", (0, 1, 0.4, 0.01), 5)):
        yield op, turn(*ends), draws(n)
        yield op, round(rng.uniform(0.05, 0.6), 3), tuple(round(rng.random(), 4) for _ in range(n))
    if i % 20 < 2:  # slow in Python
        yield "Noise", turn(25, 0, 100), (round(rng.random(), 4),)


def text(v):
    return repr(v) if isinstance(v, float) else str(v)


def write_ops(path):
    rng, drawn = random.Random(20221116), random.Random(5)
    with open(path, "w") as f:
        f.write(f"# tools/make_augment_goldens.py: torchvision {torchvision.__version__}, Pillow {PIL.__version__}\n")
        f.write("# image: number h w c hash; then: operation value=hash ...\n")
        f.write("# value@a,b...: with these random numbers; the other image of SamplePairing is the image's bytes backwards\n")
        for i in range(N_IMAGES + len(LONG)):
            h, w, c, px = image(i)
            im = Image.frombytes("RGB" if c == 3 else "L", (w, h), px)
            f.write(f"image {i} {h} {w} {c} {fnv(px):016x}\n")
            for op, vs in values(rng, i, h, w) if i < N_IMAGES else long_values(i):
                out = [f"{text(v)}={fnv(apply(im, op, v).tobytes()):016x}" for v in vs]
                f.write(f"{op} {' '.join(out)}\n")
            other = Image.frombytes(im.mode, im.size, px[::-1])
            for op, v, draw in more_values(drawn, i) if i < N_IMAGES // 2 else ():
                out = apply(im, op, v, draw, other)
                numbers = "".join("@,"[k > 0] + text(u) for k, u in enumerate(draw))
                f.write(f"{op} {text(v)}{numbers}={fnv(out.tobytes()):016x}\n")


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
