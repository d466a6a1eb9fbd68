#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One training epoch of PyTorch on real images with a DataLoader: crop, flip, RandAugment(2, 15), batch 128, SGD.

epoch_peer.py PEER MODEL.yaml DATA [--per-class 1000] [--threads N] [--batches 0]: one JSON line for 0, 1 and 2
workers. PEER is peer_train.py, whose model builder is used. Images are decoded before the clock starts; the memory
layout is the one that was faster in a few steps. --batches N: only the first N batches.
"""
import argparse
import glob
import json
import os
import time

import numpy
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


def builder(path):
    """peer_train.py works when it is imported, so only its definitions are read."""
    names = {}
    source = open(path).read().split("\np = argparse")[0]
    exec(compile(source, path, "exec"), names)
    return names["build"]


class Images(Dataset):
    """As torchvision's CIFAR10: arrays in memory, a PIL image for the transforms."""

    def __init__(self, root, per_class):
        change = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), transforms.RandAugment(2, 15)]
        still = [transforms.ToTensor(), transforms.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))]
        self.transform = transforms.Compose(change + still)
        self.pixels, self.labels = [], []
        for label, name in enumerate(sorted(os.listdir(root))):
            for file in sorted(glob.glob(os.path.join(root, name, "*")))[:per_class]:
                self.pixels.append(numpy.asarray(Image.open(file).convert("RGB")))
                self.labels.append(label)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(Image.fromarray(self.pixels[i])), self.labels[i]


class Training:
    """A model in one memory layout, with its optimiser."""

    def __init__(self, build, path, layout):
        torch.manual_seed(0)
        model, _ = build(path)
        self.layout, self.model = layout, model.to(memory_format=layout).train()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)

    def step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(self.model(x.contiguous(memory_format=self.layout)), y).backward()
        self.optimizer.step()


def step_seconds(training):
    """The fastest of five."""
    x, y, took = torch.randn(128, 3, 32, 32), torch.randint(0, 10, (128,)), []
    for _ in range(5):
        begun = time.perf_counter()
        training.step(x, y)
        took.append(time.perf_counter() - begun)
    return min(took)


def epoch(training, loader, most):
    """Images and seconds; the loader starts its workers inside the clock, as at every epoch."""
    images, begun = 0, time.perf_counter()
    for x, y in loader:
        training.step(x, y)
        images += len(y)
        if images == most:
            break
    return images, time.perf_counter() - begun


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("peer")
    p.add_argument("model")
    p.add_argument("data")
    p.add_argument("--per-class", type=int, default=1000)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--batches", type=int, default=0)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    build = builder(a.peer)
    training = min((Training(build, a.model, f) for f in (torch.contiguous_format, torch.channels_last)), key=step_seconds)
    root = os.path.join(a.data, "train")
    data = Images(root if os.path.isdir(root) else a.data, a.per_class)
    for workers in (0, 1, 2):
        loader = DataLoader(data, batch_size=128, shuffle=True, drop_last=True, num_workers=workers)
        images, seconds = epoch(training, loader, 128 * a.batches)
        line = dict(workers=workers, images=images, seconds=round(seconds, 3), images_per_s=round(images / seconds, 1))
        print(json.dumps(line), flush=True)


main()
