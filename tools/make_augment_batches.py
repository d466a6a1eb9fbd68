#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/augment_batches.txt: whole training batches replayed in Python with torchvision's operations.

Random numbers are addressed (src/base/rng.h), so this script draws the same ones as src/augment/pipeline.c and must
arrive at the same floats. Needs Debian 12's python3-torchvision (apt install python3-torchvision).
"""
import os
import sys

from make_augment_goldens import Philox, Xorshift, apply, fnv  # first: it chooses torch's kernels

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide, _apply_op


SIDE, N_SAMPLES, MEAN, STD = 20, 40, (0.5, 0.25, 0.125), (0.25, 0.5, 0.3)
POLICIES = {  # items in the order of application
    "flip+crop:4": [("flip", 0.5), ("crop", 4, None)],
    "flip:p=0.2+randaugment:n=2,m=15+crop:pad=3,fill=0": [("rand", 2, 15), ("flip", 0.2), ("crop", 3, 0)],
    "Rotate:value=20,p=0.5+Equalize:p=0.3+randaugment:n=3,m=30": [
        ("op", "Rotate", 20, 0.5), ("op", "Equalize", 0, 0.3), ("rand", 3, 30)],
    "trivialaugment+flip+crop:2": [("trivial", 31), ("flip", 0.5), ("crop", 2, None)],
    "autoaugment:cifar10+flip": [("auto", AutoAugment(AutoAugmentPolicy.CIFAR10).policies), ("flip", 0.5)],
    "autoaugment:p0=Cutout/0.7/9|SamplePairing/0.5/4|Rotate/1/3,p1=Posterize/0.6/5": [
        ("auto", [(("Cutout", 0.7, 9), ("SamplePairing", 0.5, 4), ("Rotate", 1, 3)), (("Posterize", 0.6, 5),)])],
    "Cutout:value=0.4,p=0.8+SamplePairing:0.3+crop:3+cutout:p=0.6,ratio=0.45,fill=0": [
        ("op", "Cutout", 0.4, 0.8), ("op", "SamplePairing", 0.3, 1), ("crop", 3, None), ("cutout", 0.6, 0.45, 0)],
}


def draws_of(op, rng, images):
    """The random numbers that an operation takes from the policy's stream, and its other image."""
    if op == "Cutout":
        return dict(draw=(rng.unit(), rng.unit()))
    if op == "SamplePairing":
        return dict(partner=images[int(rng.unit() * len(images))])
    return {}


def signed(space, op, level, sign):
    bins, has_sign = space[op]
    return (float(bins[level]) if bins.ndim else 0.0) * (sign if has_sign else 1)


def run_policy(im, item, rng, images):
    if item[0] == "op":
        return apply(im, *item[1:3], **draws_of(item[1], rng, images)) if rng.unit() < item[3] else im
    if item[0] == "auto":
        space = AutoAugment()._augmentation_space(10, (SIDE, SIDE))
        for op, p, level in item[1][rng.below(len(item[1]))]:
            used, sign = rng.unit() < p, 1 if rng.below(2) else -1
            if used and op in ("Cutout", "SamplePairing"):
                value = float(torch.linspace(0, {"Cutout": 60 / 331, "SamplePairing": 0.4}[op], 10)[level])
                im = apply(im, op, value, **draws_of(op, rng, images))
            elif used:
                im = _apply_op(im, op, signed(space, op, level or 0, sign), InterpolationMode.NEAREST, None)
        return im
    if item[0] == "trivial":
        space = TrivialAugmentWide()._augmentation_space(item[1])
        op, level, sign = list(space)[rng.below(14)], rng.below(item[1]), 1 if rng.below(2) else -1
        return _apply_op(im, op, signed(space, op, level, sign), InterpolationMode.NEAREST, None)
    space = RandAugment()._augmentation_space(31, (SIDE, SIDE))
    for _ in range(item[1]):
        op, sign = list(space)[rng.below(14)], 1 if rng.below(2) else -1
        im = _apply_op(im, op, signed(space, op, item[2], sign), InterpolationMode.NEAREST, None)
    return im


def augment(images, policy, seed, epoch, sample):
    """One sample as src/augment/pipeline.c makes it: (3,h,w) float32."""
    im, pad, dx, dy, fill, hole = images[sample], 0, 0, 0, None, None
    for i, item in enumerate(policy):
        rng = Philox(seed, epoch, sample, {"flip": 1, "crop": 2, "cutout": 3}.get(item[0], 16 + i))
        if item[0] == "flip":
            im = F.hflip(im) if rng.unit() < item[1] else im
        elif item[0] == "crop":
            pad, fill = item[1:]
            dx, dy = rng.below(2 * pad + 1), rng.below(2 * pad + 1)
        elif item[0] == "cutout":
            if rng.unit() < item[1]:
                side = int(item[2] * SIDE)
                x, y = rng.below(SIDE) - side // 2, rng.below(SIDE) - side // 2
                hole = (slice(max(y, 0), y + side), slice(max(x, 0), x + side)), item[3]
        else:
            im = run_policy(im, item, rng, images)
    out = []
    for k in range(3):
        plane = np.asarray(im)[:, :, k] / 255.0
        mean = float(np.float32(MEAN[k]))
        plane = np.pad(plane, pad, constant_values=mean if fill is None else fill)[dy : dy + SIDE, dx : dx + SIDE]
        if hole:
            plane[hole[0]] = hole[1]
        out.append(((plane - mean) / float(np.float32(STD[k]))).astype("<f4"))
    return np.stack(out)


def write_batches(path):
    """Whole batches replayed in Python: the same numbers on any machine, for any number of threads."""
    r = Xorshift(1000)
    images = [bytes(r.next() % 200 for _ in range(SIDE * SIDE * 3)) for _ in range(N_SAMPLES)]
    images = [Image.frombytes("RGB", (SIDE, SIDE), px) for px in images]
    with open(path, "w") as f:
        f.write("# tools/make_augment_batches.py: policy seed epoch hash of the float batch of all samples in order\n")
        for name, policy in POLICIES.items():
            for seed, epoch in ((0, 0), (0, 1), (123456789012345, 7)):
                batch = [augment(images, policy, seed, epoch, i) for i in range(N_SAMPLES)]
                f.write(f"{name} {seed} {epoch} {fnv(np.stack(batch).tobytes()):016x}\n")


if __name__ == "__main__":
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "tests", "golden")
    write_batches(os.path.join(out, "augment_batches.txt"))
