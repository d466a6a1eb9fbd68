# SPDX-License-Identifier: Apache-2.0
# make_stripes.py DIR: DIR/{train,test}/{across,down}/*.png, noisy 8x8 colour stripes, and DIR/test.raw: the test
# images as rows of pixels in the order of the data set, for a program that reads no PNG.
import os, random, struct, sys, zlib

random.seed(0)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, rows):
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + r for r in rows))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


raw = open(os.path.join(sys.argv[1], "test.raw"), "wb")
for split, n in (("train", 120), ("test", 60)):
    for k, name in enumerate(("across", "down")):
        os.makedirs(os.path.join(sys.argv[1], split, name))
        for i in range(n):
            rows = [bytes((100 if (r, c)[k] // 2 % 2 else 70) + random.randrange(110) for c in range(8) for _ in range(3))
                    for r in range(8)]
            png(os.path.join(sys.argv[1], split, name, f"{i:03}.png"), rows)
            if split == "test":
                raw.write(b"".join(rows))
