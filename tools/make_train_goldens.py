#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/train/*.txt: what torch.optim's update rules and learning-rate schedules do.

Needs Debian's python3-torch (1.13). Run from the source folder: tools/make_train_goldens.py
sgd.txt, per case: "lr momentum nesterov weight_decay n steps", the n initial parameters, then per step the n gradients
and the n parameters after it. cosine.txt, per case: "peak total", then the learning rate of each step.
adam.txt, per case: "name lr beta1 beta2 weight_decay n steps", then as sgd.txt. clip.txt, per case: "clip n steps", then
as sgd.txt for SGD (lr 0.1, no momentum, no decay) after clip_grad_norm_; the gradients are those before clipping.
schedules.txt, per case: "recipe-text peak epochs epoch_steps", then learning rate and momentum of each step.
class_weights.txt, per case: "smoothing loss", the weights, the labels, the logits, the gradient.
soft_targets.txt, per case: "smoothing loss", the weights, the targets, the logits, the gradient.
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


def adam(f):
    gen = torch.Generator().manual_seed(2)
    rules = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    for name in rules:
        for lr, beta1, beta2, decay in ((1e-3, 0.9, 0.999, 0.0), (0.01, 0.9, 0.999, 5e-4), (0.1, 0.5, 0.9, 0.1)):
            p = torch.nn.Parameter(torch.randn(N, generator=gen))
            opt = rules[name]([p], lr=lr, betas=(beta1, beta2), weight_decay=decay)
            print(f"{name} {lr} {beta1} {beta2} {decay} {N} 10", file=f)
            print(text(p.tolist()), file=f)
            for _ in range(10):
                p.grad = torch.randn(N, generator=gen)
                print(text(p.grad.tolist()), file=f)
                opt.step()
                print(text(p.tolist()), file=f)


def clip(f):
    gen = torch.Generator().manual_seed(3)
    for most in (0.5, 2.0, 100.0):
        p = torch.nn.Parameter(torch.randn(N, generator=gen))
        opt = torch.optim.SGD([p], lr=0.1)
        print(f"{most} {N} {STEPS}", file=f)
        print(text(p.tolist()), file=f)
        for _ in range(STEPS):
            p.grad = torch.randn(N, generator=gen)
            print(text(p.grad.tolist()), file=f)
            torch.nn.utils.clip_grad_norm_([p], most)
            opt.step()
            print(text(p.tolist()), file=f)


def schedules(f):
    lr = torch.optim.lr_scheduler
    per_step = True
    cases = [
        ("constant", 0.1, 2, 5, not per_step, lambda o, n: lr.ConstantLR(o, 1.0)),
        ("onecycle", 0.1, 4, 5, per_step, lambda o, n: lr.OneCycleLR(o, 0.1, total_steps=n)),
        ("onecycle:pct_start=0.05", 0.4, 6, 10, per_step, lambda o, n: lr.OneCycleLR(o, 0.4, total_steps=n, pct_start=0.05)),
        ("onecycle:pct_start=0.25,div_factor=10,final_div_factor=100,base_momentum=0.8,max_momentum=0.9", 0.2, 3, 4, per_step,
         lambda o, n: lr.OneCycleLR(o, 0.2, total_steps=n, pct_start=0.25, div_factor=10, final_div_factor=100,
                                    base_momentum=0.8, max_momentum=0.9)),
        ("onecycle:max_momentum=0", 0.1, 1, 11, per_step, lambda o, n: lr.OneCycleLR(o, 0.1, total_steps=n, cycle_momentum=False)),
        ("step:every=3", 0.1, 10, 2, not per_step, lambda o, n: lr.StepLR(o, 3)),
        ("step:milestones=2/5/6,gamma=0.2", 0.1, 8, 3, not per_step, lambda o, n: lr.MultiStepLR(o, [2, 5, 6], 0.2)),
    ]
    for name, peak, epochs, steps, each_step, make in cases:
        opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak, momentum=0.7)
        schedule = make(opt, epochs * steps)
        print(f"{name} {peak} {epochs} {steps}", file=f)
        rows = []
        for t in range(epochs * steps):
            rows += [opt.param_groups[0]["lr"], opt.param_groups[0]["momentum"]]
            opt.step()
            if t + 1 < epochs * steps and (each_step or (t + 1) % steps == 0):
                schedule.step()
        print(" ".join("%.17g" % r for r in rows), file=f)


def class_weights(f):
    gen = torch.Generator().manual_seed(4)
    for smoothing, weight in ((0.0, [1.0, 0.5, 3.0]), (0.1, [1.0, 0.5, 3.0]), (0.2, [0.25, 4.0, 1.0])):
        logits = torch.randn(4, 3, generator=gen).requires_grad_()
        labels = torch.tensor([2, 0, 1, 2])
        loss = torch.nn.functional.cross_entropy(logits.double(), labels, torch.tensor(weight).double(),
                                                 label_smoothing=smoothing)
        loss.backward()
        print("%.9g %.17g" % (smoothing, loss.item()), file=f)
        for row in (weight, labels.tolist(), logits.flatten().tolist(), logits.grad.flatten().tolist()):
            print(text(row), file=f)


def soft_targets(f):
    """Divided by the weights of the targets, as torch does for labels (for shares it divides by their number)."""
    gen = torch.Generator().manual_seed(5)
    targets = torch.tensor([[0.7, 0.3, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [0.0, 0.4, 0.6]])
    for smoothing, weight in ((0.0, [1.0, 1.0, 1.0]), (0.1, [1.0, 1.0, 1.0]), (0.0, [1.0, 0.5, 3.0]), (0.2, [0.25, 4.0, 1.0])):
        logits = torch.randn(4, 3, generator=gen).requires_grad_()
        w, t = torch.tensor(weight).double(), targets.double()
        loss = torch.nn.functional.cross_entropy(logits.double(), t, w, label_smoothing=smoothing, reduction="sum")
        loss = loss / (t * w).sum()
        loss.backward()
        print("%.9g %.17g" % (smoothing, loss.item()), file=f)
        for row in (weight, targets.flatten().tolist(), logits.flatten().tolist(), logits.grad.flatten().tolist()):
            print(text(row), file=f)


os.makedirs(OUT, exist_ok=True)
for name, write in (("sgd", sgd), ("cosine", cosine), ("adam", adam), ("clip", clip), ("schedules", schedules),
                    ("class_weights", class_weights), ("soft_targets", soft_targets)):
    with open(os.path.join(OUT, name + ".txt"), "w") as out:
        write(out)
