#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What Pillow (9.4, libjpeg-turbo) makes of small images: tests/golden/image/.

files.txt   NAME W H C HASH          pixels that reading NAME must give
resize.txt  SEED W H C W2 H2 HASH    resize((W2, H2), BILINEAR) of the noise of SEED
square.txt  SEED W H C SIDE HASH     black bars to a square, then resize
HASH is FNV-1a, 64 bits, of the pixels in rows; noise is the high bytes of a linear congruential generator:
both are a few lines of C in tests/unit/test_image_goldens.c. Run from the root of the tree.
"""
import os
import random
import struct
import zlib

from PIL import Image, ImageOps

OUT = "tests/golden/image"


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = ((h ^ b) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def noise_bytes(seed, n):
    out = bytearray(n)
    for i in range(n):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = seed >> 24
    return bytes(out)


def noise(seed, w, h, c):
    return Image.frombytes("L" if c == 1 else "RGB", (w, h), noise_bytes(seed, w * h * c))


def picture(seed, w, h):
    """Something a JPEG is made for: smooth colours with a few edges."""
    im = noise(seed, 5, 4, 3).resize((w, h), Image.BICUBIC)
    im.paste(noise(seed + 1, w // 3 + 1, h // 3 + 1, 3), (w // 4, h // 3))
    return im


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def write_png(path, w, h, depth, colour, pixel, interlace=False):
    """A PNG that Pillow cannot write; pixel(x, y) -> bytes."""
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlace else [(0, 0, 1, 1)]:
        if x0 >= w:
            continue
        for y in range(y0, h, dy):
            raw += b"\0" + b"".join(pixel(x, y) for x in range(x0, w, dx))
    head = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlace))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw))
                + chunk(b"IEND", b""))


def over_black(im):
    rgba = im.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", im.size, (0, 0, 0, 255)), rgba).convert("RGB")


def turned_block(way):
    return b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHIHH", 0x0112, 3, 1, way, 0) + bytes(4)


def jpegs(expect):
    for name, size, opts in [
        ("s444.jpg", (33, 29), {"subsampling": 0, "quality": 90}),
        ("s422.jpg", (37, 21), {"subsampling": 1, "quality": 80}),
        ("s420.jpg", (45, 31), {"subsampling": 2, "quality": 75}),
        ("s420_tiny.jpg", (3, 1), {"subsampling": 2}),
        ("progressive.jpg", (41, 39), {"progressive": True, "quality": 60}),
        ("restart.jpg", (50, 18), {"optimize": True, "quality": 30}),
    ]:
        picture(len(name), *size).save(f"{OUT}/{name}", **opts)
        expect(name, Image.open(f"{OUT}/{name}"))
    picture(3, 27, 35).convert("L").save(f"{OUT}/grey.jpg")
    expect("grey.jpg", Image.open(f"{OUT}/grey.jpg"))
    picture(4, 30, 20).convert("CMYK").save(f"{OUT}/cmyk.jpg", quality=85)
    expect("cmyk.jpg", Image.open(f"{OUT}/cmyk.jpg").convert("RGB"))
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(5, 20, 30).save(f"{OUT}/exif.jpg", exif=turned)
    expect("exif.jpg", ImageOps.exif_transpose(Image.open(f"{OUT}/exif.jpg")))
    for way in range(1, 9):
        name = f"exif{way}.jpg"  # big-endian, and not the first tag; one of them grey
        block = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + struct.pack(">HHIHH", 0x0100, 3, 1, 7, 0)
        block += struct.pack(">HHIHH", 0x0112, 3, 1, way, 0) + bytes(4)
        im = picture(20 + way, 23, 14)
        (im.convert("L") if way == 5 else im).save(f"{OUT}/{name}", exif=block, quality=40)
        upright = ImageOps.exif_transpose(Image.open(f"{OUT}/{name}"))
        assert upright.size == ((14, 23) if way > 4 else (23, 14))
        expect(name, upright)


def webps(expect):
    im = picture(40, 31, 22)
    clear = im.convert("RGBA")
    clear.putalpha(picture(41, 31, 22).convert("L"))
    for name, source, opts in [
        ("lossy.webp", im, {"quality": 60}), ("lossless.webp", im, {"lossless": True}),
        ("clear.webp", clear, {"quality": 70}),
        ("clear_lossless.webp", clear, {"lossless": True, "exact": True}),
    ]:
        source.save(f"{OUT}/{name}", **opts)
        back = Image.open(f"{OUT}/{name}")
        expect(name, over_black(back) if back.mode == "RGBA" else back)
    for way, prefix in [(6, b"Exif\0\0"), (3, b"")]:
        block = prefix + turned_block(way)
        im.save(f"{OUT}/exif{way}.webp", quality=50, exif=block)
        expect(f"exif{way}.webp", ImageOps.exif_transpose(Image.open(f"{OUT}/exif{way}.webp")))
    im.save(f"{OUT}/animation.webp", save_all=True, append_images=[picture(42, 31, 22)], quality=1)


def pngs(expect):
    colour = noise(7, 17, 13, 3)
    alpha = noise(8, 17, 13, 1)
    grey = noise(9, 17, 13, 1)
    clear = Image.new("RGBA", colour.size)
    clear.paste(colour)
    clear.putalpha(alpha)
    grey_clear = Image.merge("LA", (grey, alpha))
    palette = colour.quantize(11)
    for name, im, opts in [
        ("rgb.png", colour, {}), ("grey.png", grey, {}), ("rgba.png", clear, {}),
        ("bits.png", grey.convert("1"), {}), ("palette.png", palette, {}),
        ("palette_clear.png", palette, {"transparency": 3}),
    ]:
        im.save(f"{OUT}/{name}", **opts)
    grey_clear.save(f"{OUT}/grey_alpha.png")
    expect("rgb.png", colour)
    expect("grey.png", grey)
    expect("rgba.png", over_black(clear))
    expect("grey_alpha.png", over_black(grey_clear).convert("L"))
    expect("bits.png", Image.open(f"{OUT}/bits.png").convert("L"))
    expect("palette.png", palette.convert("RGB"))
    expect("palette_clear.png", over_black(Image.open(f"{OUT}/palette_clear.png")))

    for name, way, im in [("exif8.png", 8, colour), ("exif5.png", 5, clear)]:
        im.save(f"{OUT}/{name}", exif=turned_block(way))
        upright = ImageOps.exif_transpose(Image.open(f"{OUT}/{name}"))
        expect(name, over_black(upright) if upright.mode == "RGBA" else upright)
    with open(f"{OUT}/exif8.png", "rb") as f:
        late = f.read()
    late = late.replace(chunk(b"eXIf", turned_block(8)), b"")  # and again behind the pixels
    assert len(late) < os.path.getsize(f"{OUT}/exif8.png")
    with open(f"{OUT}/late_exif.png", "wb") as f:
        f.write(late[:-12] + chunk(b"eXIf", turned_block(2)) + late[-12:])
    expect("late_exif.png", ImageOps.exif_transpose(Image.open(f"{OUT}/late_exif.png")))

    write_png(f"{OUT}/deep.png", 17, 13, 16, 2,
              lambda x, y: b"".join(bytes((v, 255 - v)) for v in colour.getpixel((x, y))))
    expect("deep.png", colour)
    write_png(f"{OUT}/deep_grey.png", 17, 13, 16, 0, lambda x, y: bytes((grey.getpixel((x, y)), 200)))
    expect("deep_grey.png", grey)
    write_png(f"{OUT}/interlaced.png", 17, 13, 8, 2, lambda x, y: bytes(colour.getpixel((x, y))), True)
    expect("interlaced.png", Image.open(f"{OUT}/interlaced.png"))


def resizes():
    draw = random.Random(1)
    cases = [(1, 1, 5, 4), (3, 2, 1, 1), (32, 32, 28, 28), (28, 28, 32, 32), (31, 45, 31, 9),
             (31, 45, 7, 45), (640, 7, 9, 9), (5, 300, 64, 3), (33, 33, 33, 33)]
    cases += [tuple(draw.randint(1, 90) for _ in range(4)) for _ in range(40)]
    with open(f"{OUT}/resize.txt", "w") as f:
        for i, (w, h, w2, h2) in enumerate(cases):
            for c in (1, 3):
                out = noise(i, w, h, c).resize((w2, h2), Image.BILINEAR)
                f.write(f"{i} {w} {h} {c} {w2} {h2} {fnv(out.tobytes())}\n")
    with open(f"{OUT}/square.txt", "w") as f:
        for i, (w, h, side) in enumerate([(20, 31, 28), (31, 20, 32), (9, 8, 8), (8, 9, 64), (57, 12, 32)]):
            for c in (1, 3):
                im = noise(i, w, h, c)
                big = max(w, h)
                square = Image.new(im.mode, (big, big))
                square.paste(im, ((big - w) // 2, (big - h) // 2))
                out = square.resize((side, side), Image.BILINEAR)
                f.write(f"{i} {w} {h} {c} {side} {fnv(out.tobytes())}\n")


def main():
    os.makedirs(OUT, exist_ok=True)
    lines = []

    def expect(name, im):
        assert im.mode in ("L", "RGB"), (name, im.mode)
        lines.append(f"{name} {im.width} {im.height} {len(im.getbands())} {fnv(im.tobytes())}\n")

    jpegs(expect)
    pngs(expect)
    webps(expect)
    with open(f"{OUT}/files.txt", "w") as f:
        f.writelines(lines)
    resizes()


main()
