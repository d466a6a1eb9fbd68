/* SPDX-License-Identifier: Apache-2.0
 *
 * The image value itself: allocation within limits, release, grey <-> RGB.
 */
#include "image/image.h"

#include "base/alloc.h"
#include "base/error.h"

void bti_image_release(bti_image *im)
{
    if (!im)
        return;
    bti_free(im->px);
    *im = (bti_image){0};
}

bt_status bti_image_new(bti_image *im, int w, int h, int c, bt_error *err)
{
    *im = (bti_image){0};
    if (w < 1 || h < 1 || (c != 1 && c != 3))
        return bti_fail(err, BT_INVAL, NULL, "an image of %dx%d with %d channels cannot exist", w,
                        h, c);
    if ((int64_t)w * h > BTI_IMAGE_MAX_PIXELS)
        return bti_fail(err, BT_FORMAT, NULL, "%dx%d pixels are more than the allowed %d million",
                        w, h, BTI_IMAGE_MAX_PIXELS / (1024 * 1024));
    im->px = bti_array((size_t)w * (size_t)h, (size_t)c);
    if (!im->px)
        return bti_fail_nomem(err);
    im->w = w;
    im->h = h;
    im->c = c;
    return BT_OK;
}

bt_status bti_image_copy(bti_image *out, const bti_image *in, bt_error *err)
{
    bt_status rc = bti_image_new(out, in->w, in->h, in->c, err);
    if (!rc)
        memcpy(out->px, in->px, bti_image_bytes(in));
    return rc;
}

bt_status bti_image_convert(bti_image *out, const bti_image *in, int channels, bt_error *err)
{
    if (channels == 0 || channels == in->c)
        return bti_image_copy(out, in, err);
    bt_status rc = bti_image_new(out, in->w, in->h, channels, err);
    if (rc)
        return rc;
    const uint8_t *s = in->px;
    uint8_t *d = out->px;
    for (size_t i = (size_t)in->w * (size_t)in->h; i > 0; i--) {
        if (channels == 1) {
            *d++ = (uint8_t)((19595u * s[0] + 38470u * s[1] + 7471u * s[2] + 32768u) >> 16);
            s += 3;
        } else {
            d[0] = d[1] = d[2] = *s++;
            d += 3;
        }
    }
    return BT_OK;
}

void bti_image_over_black(uint8_t *dst, const uint8_t *src, size_t n, int c)
{
    for (size_t i = 0; i < n; i++, src += c + 1) {
        for (int ch = 0; ch < c; ch++)
            *dst++ = (uint8_t)((src[ch] * src[c] + 127) / 255);
    }
}
