/* SPDX-License-Identifier: Apache-2.0
 *
 * EXIF orientation: the segments or chunks of a file, then a TIFF directory, every offset checked
 * against the block; and the eight ways to turn an image.
 */
#include "image/exif.h"

#include <stdbool.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_BYTES 12

/* A TIFF block: numbers in the byte order that it states. */
typedef struct tiff {
    const uint8_t *p;
    size_t n;
    bool big_endian;
} tiff;

/* `size` (2 or 4) bytes at `at`; false if they are not all there. */
static bool number(const tiff *t, size_t at, int size, uint32_t *out)
{
    if (at > t->n || (size_t)size > t->n - at)
        return false;
    *out = 0;
    for (int i = 0; i < size; i++)
        *out = *out << 8 | t->p[at + (size_t)(t->big_endian ? i : size - 1 - i)];
    return true;
}

static int orientation_of(tiff *t)
{
    uint32_t magic, at, count, tag, type, value;
    if (t->n < 8 || (memcmp(t->p, "II", 2) != 0 && memcmp(t->p, "MM", 2) != 0))
        return 1;
    t->big_endian = t->p[0] == 'M';
    if (!number(t, 2, 2, &magic) || magic != 42 || !number(t, 4, 4, &at) ||
        !number(t, at, 2, &count))
        return 1;
    for (uint32_t i = 0; i < count; i++) {
        size_t entry = (size_t)at + 2 + (size_t)i * ENTRY_BYTES;
        if (!number(t, entry, 2, &tag) || !number(t, entry + 2, 2, &type) ||
            !number(t, entry + 8, 2, &value))
            return 1;
        if (tag == TAG_ORIENTATION)
            return type == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

static const uint8_t exif[6] = {'E', 'x', 'i', 'f', 0, 0};

/* A block without a JPEG around it; some writers leave JPEG's prefix on it. */
static int orientation_of_chunk(const uint8_t *p, size_t n)
{
    size_t skip = n >= sizeof(exif) && !memcmp(p, exif, sizeof(exif)) ? sizeof(exif) : 0;
    return orientation_of(&(tiff){.p = p + skip, .n = n - skip});
}

/* PNG: length, name, body, checksum. WebP: name, length, body, padded to an even length. */
static int find_chunk(tiff file, size_t at, const char *name, bool png)
{
    uint32_t length;
    while (number(&file, at + (png ? 0 : 4), 4, &length) && file.n - at >= 8) {
        const uint8_t *p = file.p + at;
        size_t left = file.n - at - 8;
        if (!memcmp(p + (png ? 4 : 0), name, 4))
            return orientation_of_chunk(p + 8, length < left ? length : left);
        at += 8 + (size_t)length + (png ? 4 : length % 2);
    }
    return 1;
}

int bti_exif_orientation_png(const uint8_t *png, size_t n)
{
    return find_chunk((tiff){.p = png, .n = n, .big_endian = true}, 8, "eXIf", true);
}

int bti_exif_orientation_webp(const uint8_t *webp, size_t n)
{
    return find_chunk((tiff){.p = webp, .n = n}, 12, "EXIF", false);
}

int bti_exif_orientation(const uint8_t *jpeg, size_t n)
{
    size_t at = 2; /* behind the start marker */
    while (n >= 4 && at <= n - 4 && jpeg[at] == 0xff) {
        uint8_t marker = jpeg[at + 1];
        if (marker == 0xff) { /* padding */
            at++;
            continue;
        }
        size_t length = (size_t)jpeg[at + 2] << 8 | jpeg[at + 3];
        if (marker == 0xda || marker == 0xd9 || length < 2) /* pixels, the end, damage */
            return 1;
        size_t body = length - 2 < n - at - 4 ? length - 2 : n - at - 4;
        const uint8_t *p = jpeg + at + 4;
        if (marker == 0xe1 && body >= sizeof(exif) && !memcmp(p, exif, sizeof(exif)))
            return orientation_of(&(tiff){.p = p + sizeof(exif), .n = body - sizeof(exif)});
        at += 2 + length;
    }
    return 1;
}

bt_status bti_image_orient(bti_image *im, int orientation, bt_error *err)
{
    bti_image out;
    if (orientation <= 1 || orientation > 8)
        return BT_OK;
    bool swap = orientation >= 5;
    /* From which sides of the upright image the stored one is laid out. */
    bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    bool from_below = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    bt_status rc = bti_image_new(&out, swap ? im->h : im->w, swap ? im->w : im->h, im->c, err);
    if (rc)
        return rc;
    const uint8_t *s = im->px;
    size_t c = (size_t)im->c;
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w; x++, s += c) {
            int to_x = swap ? y : x, to_y = swap ? x : y;
            to_x = from_right ? out.w - 1 - to_x : to_x;
            to_y = from_below ? out.h - 1 - to_y : to_y;
            memcpy(out.px + ((size_t)to_y * (size_t)out.w + (size_t)to_x) * c, s, c);
        }
    }
    bti_image_release(im);
    *im = out; /* ownership moves */
    return BT_OK;
}
