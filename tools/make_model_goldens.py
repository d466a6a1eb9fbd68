#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/state_dict/NAME.txt: what PyTorch says of every example model and of the small
models beside the golden files, which cover every module, activation and rule.

    input C H W
    params N
    macs N
    row C H W               one a row of the file: its output
    tensor NAME DIM...      in state_dict() order

And tests/golden/published.txt: what torchvision, and MLPerf Tiny's network rebuilt, say of the example models that are
networks of papers. A line is NAME PARAMETERS MACS, MACS - where the example is for another input.
"""
import glob
import os

import torch_models
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(ROOT, "tests", "golden", "state_dict")


def lines(path):
    shape = torch_models.input_shape(path)
    model = torch_models.build(path)
    params, macs = torch_models.count(model, shape)
    yield "input %d %d %d" % shape
    yield f"params {params}"
    yield f"macs {macs}"
    for row in torch_models.row_shapes(model, shape):
        yield "row %d %d %d" % tuple(row)
    for name, dims in torch_models.tensors(model):
        yield " ".join(["tensor", name, *map(str, dims)])


class Cifar(nn.Module):
    """A CIFAR ResNet of torchvision's blocks: `n` blocks a stage of 16, 32 and 64 channels."""

    def __init__(self, n):
        super().__init__()
        layers, c = [torch_models.conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU()], 16
        for out in (16, 32, 64):
            for i in range(n):
                stride = 2 if out != c else 1
                project = None
                if out != c:
                    project = nn.Sequential(torch_models.conv2d(c, out, 1, stride), nn.BatchNorm2d(out))
                layers.append(BasicBlock(c, out, stride, project))
                c = out
        self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

    def forward(self, x):
        return self.net(x)


class MLPerfTiny(nn.Module):
    """ResNet8 as in mlcommons/tiny: biases in the convolutions, projections of one convolution without BN."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(torch_models.conv2d(3, 16, 3, bias=True), nn.BatchNorm2d(16), nn.ReLU())
        self.body, self.skip, c = nn.ModuleList(), nn.ModuleList(), 16
        for out in (16, 32, 64):
            stride = 1 if out == c else 2
            self.body.append(nn.Sequential(
                torch_models.conv2d(c, out, 3, stride, bias=True), nn.BatchNorm2d(out), nn.ReLU(),
                torch_models.conv2d(out, out, 3, bias=True), nn.BatchNorm2d(out)))
            self.skip.append(nn.Identity() if out == c else torch_models.conv2d(c, out, 1, stride, bias=True))
            c = out
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

    def forward(self, x):
        x = self.stem(x)
        for body, skip in zip(self.body, self.skip):
            x = nn.functional.relu(body(x) + skip(x))
        return self.head(x)

    def keras_parameters(self):
        """Keras counts the running statistics as well."""
        return sum(v.numel() for k, v in self.state_dict().items() if not k.endswith("num_batches_tracked"))


def published():
    models, cifar = torchvision.models, (3, 32, 32)
    yield "resnet20 %d %d" % torch_models.count(Cifar(3), cifar)
    yield "efficientnet-b0 %d %d" % torch_models.count(models.efficientnet_b0(), (3, 224, 224))
    for name, model in (("efficientnet-b0-32", models.efficientnet_b0(num_classes=10)),
                        ("mobilenetv2", models.mobilenet_v2(num_classes=10)),
                        ("mobilenetv3-large", models.mobilenet_v3_large(num_classes=10))):
        yield "%s %d -" % (name, sum(p.numel() for p in model.parameters()))
    tiny = MLPerfTiny()
    yield "mlperf-tiny-resnet8 %d %d" % (tiny.keras_parameters(), torch_models.count(tiny, cifar)[1])


def main():
    files = glob.glob(os.path.join(ROOT, "examples", "models", "*.yaml")) + glob.glob(os.path.join(GOLDEN, "*.yaml"))
    for path in sorted(files):
        name = os.path.splitext(os.path.basename(path))[0]
        with open(os.path.join(GOLDEN, name + ".txt"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines(path)) + "\n")
        print(name)
    with open(os.path.join(ROOT, "tests", "golden", "published.txt"), "w", encoding="utf-8") as f:
        f.write("\n".join(published()) + "\n")


if __name__ == "__main__":
    main()
