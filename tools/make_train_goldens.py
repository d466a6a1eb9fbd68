#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/train/{sgd,cosine}.txt: what torch.optim.SGD and CosineAnnealingLR do.

Needs Debian's python3-torch (1.13). Run from the source folder: tools/make_train_goldens.py
sgd.txt, per case: "lr momentum nesterov weight_decay n steps", the n initial parameters, then per step the n gradients
and the n parameters after it. cosine.txt, per case: "peak total", then the learning rate of each step.
"""
import os
import torch

OUT = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "train")
CASES = [(0.1, 0.9, True, 5e-4), (0.1, 0.9, False, 5e-4), (0.05, 0.0, False, 0.0), (1.0, 0.5, True, 0.1)]
N, STEPS = 5, 4


def text(values):
    return " ".join("%.9g" % v for v in values)


def sgd(f):
    gen = torch.Generator().manual_seed(1)
    for lr, momentum, nesterov, decay in CASES:
        p = torch.nn.Parameter(torch.randn(N, generator=gen))
        opt = torch.optim.SGD([p], lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=decay)
        print(f"{lr} {momentum} {int(nesterov)} {decay} {N} {STEPS}", file=f)
        print(text(p.tolist()), file=f)
        for _ in range(STEPS):
            p.grad = torch.randn(N, generator=gen)
            print(text(p.grad.tolist()), file=f)
            opt.step()
            print(text(p.tolist()), file=f)


def cosine(f):
    for peak, total in ((0.1, 10), (0.4, 7), (1.0, 1)):
        opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, total)
        print(f"{peak} {total}", file=f)
        rates = []
        for _ in range(total):
            rates.append(opt.param_groups[0]["lr"])
            opt.step()
            schedule.step()
        print(" ".join("%.17g" % r for r in rates), file=f)


os.makedirs(OUT, exist_ok=True)
for name, write in (("sgd", sgd), ("cosine", cosine)):
    with open(os.path.join(OUT, name + ".txt"), "w") as out:
        write(out)
