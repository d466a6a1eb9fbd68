#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Small inputs from which the fuzzers begin: tests/fuzz/corpus/TARGET/seed-*. Run from the root of the tree.

Inputs of two files begin with two bytes that say where the first one ends (tests/fuzz/data_files.h).
Everything else in the corpus was found by a fuzzer and is kept as it is.
"""
import gzip
import io
import json
import os
import struct
import tarfile
import zlib

OUT = "tests/fuzz/corpus"


def seed(target, name, data):
    os.makedirs(f"{OUT}/{target}", exist_ok=True)
    with open(f"{OUT}/{target}/seed-{name}", "wb") as f:
        f.write(data.encode() if isinstance(data, str) else data)


def two(first, second):
    return struct.pack("<H", len(first)) + first + second


def npy(descr, shape, data, version=1):
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).replace("}", ", }").encode()
    text += b" " * (118 - len(text) - 1) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + size + text + data


def tiff(way, order):
    return (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, way, 0, 0)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def records(labels, label_bytes=1):
    return b"".join(bytes(label_bytes - 1) + bytes((v,)) + bytes(range(256)) * 12 for v in labels)


def archive(members, mode):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.USTAR_FORMAT) as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def main():
    seed("csv", "plain", two(b"path,label\na.jpg,cat\nb.jpg,dog\n", b"path,label\nc.jpg,dog\n"))
    seed("csv", "quotes", two(b'\xef\xbb\xbfid, label ,path\r\n1,"a ""b""","x,y.png"\r\n2,c,z.png\n', b"label,path\nc,q\n"))
    images = struct.pack(">IIII", 0x803, 2, 2, 3) + bytes(range(12))
    seed("idx", "plain", two(struct.pack(">II", 0x801, 2) + b"\0\1", images))
    seed("idx", "gzip", two(gzip.compress(struct.pack(">II", 0x801, 2) + b"\1\0", mtime=0), gzip.compress(images, mtime=0)))
    seed("cifar", "named", two(b"cat\ndog\n", records([0, 1])))
    seed("cifar", "unnamed", two(b"", records([0, 1, 2])))
    members = [("c/batches.meta.txt", b"cat\ndog\n"), ("c/data_batch_1.bin", records([0, 1])), ("c/test_batch.bin", records([1]))]
    seed("tar", "cifar10", archive(members, "w:gz"))
    seed("tar", "plain", archive(members[:2], "w"))
    seed("tar", "cifar100", archive([("train.bin", records([0, 1], 2)), ("fine_label_names.txt", b"a\nb\n")], "w:gz"))
    manifest = json.dumps({"size": 2, "channels": 3, "classes": ["a", "b"]}).encode()
    seed("numpy", "plain", two(manifest, npy("|u1", (2, 2, 2, 3), bytes(24))))
    for name, data in [("u8", npy("|u1", (2, 3), bytes(6))), ("f32", npy("<f4", (1, 1, 1, 2), bytes(8), 2)),
                       ("i32", npy("<i4", (2,), bytes(8), 3))]:
        seed("npy", name, data)
    head = json.dumps({"__metadata__": {"a": "b"}, "x": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
                       "y": {"dtype": "U8", "shape": [], "data_offsets": [8, 9]}}).encode()
    seed("safetensors", "two", struct.pack("<Q", len(head)) + head + bytes(9))
    seed("safetensors", "none", struct.pack("<Q", 2) + b"{}")
    for i, text in enumerate(["flip+crop:4", "flip+crop:pad=4,fill=0+randaugment:n=2,m=15+cutout:8", "none", "randaugment",
                              "fixed:Rotate=15", "flip+crop:+", "crop:pad=,fill", "flip:p=0.5", "NAME:key=1e300"]):
        seed("policy", str(i), text)
    seed("recipe", "keys", "epochs: 3\nbatch: 64\nlr: 0.05\nschedule: step:every=30,gamma=0.1\noptimizer: adamw\n"
         "nesterov: off\nlabel_smoothing: .1\naugment: flip+crop:4\nsubset: 20%\nval: 0\nseed: 7\nthreads: 2\n")
    seed("recipe", "other", "'lr' : \"1e-3\" # a\n---\n{ema: 0.9, clip: 5}\n")
    for order in "<>":
        side = "little" if order == "<" else "big"
        block = b"Exif\0\0" + tiff(6, order)
        seed("exif", f"jpeg-{side}", b"\0\xff\xd8\xff\xe0\0\x04ab\xff\xff\xe1" + struct.pack(">H", len(block) + 2) + block)
        seed("exif", f"png-{side}", b"\1\x89PNG\r\n\x1a\n" + chunk(b"tEXt", b"abc") + chunk(b"eXIf", tiff(3, order)))
        seed("exif", f"webp-{side}", b"\2RIFF\x40\0\0\0WEBPVP8X\x01\0\0\0x\0EXIF" + struct.pack("<I", len(block)) + block)
    tiny = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0\7"))
    seed("image", "png", b"\x89PNG\r\n\x1a\n" + tiny + chunk(b"eXIf", tiff(6, ">")) + chunk(b"IEND", b""))
    seed("image", "huge", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1 << 30, 1 << 30, 16, 6, 0, 0, 1)))
    seed("model", "rows", "input_size: [32, 32]\ninput_channel: 3\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nbackbone:\n"
         "  - [1, Conv, [8, 3, 1]]\n  - [2, InvertedResidualv2, [8, 2, 2]]\n  - [1, GlobalAvgPool, []]\n"
         "  - [1, Flatten, []]\n  - [1, Linear, [10]]\n")
    seed("space", "small", "input_size: 32\nbackbone:\n  - block: {module: [Conv, DWConv], out: {low: 8, high: 32, step: 8}}\n")


main()
