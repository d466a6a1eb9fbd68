/* SPDX-License-Identifier: Apache-2.0
 *
 * WebP, lossy and lossless, through libwebp's simple interface: the pixels that Pillow gives.
 * Animations are refused: which of their frames is the image, only their owner knows.
 */
#include "image/codec.h"

#include "base/alloc.h"
#include "base/error.h"
#include "image/exif.h"

#include <webp/decode.h>

static bool webp_match(const bti_bytes *in)
{
    return in->n >= 12 && !memcmp(in->p, "RIFF", 4) && !memcmp(in->p + 8, "WEBP", 4);
}

static bt_status header(const bti_bytes *in, WebPBitstreamFeatures *f, bt_error *err)
{
    VP8StatusCode code = WebPGetFeatures(in->p, in->n, f);
    if (code == VP8_STATUS_OUT_OF_MEMORY)
        return bti_fail_nomem(err);
    if (code != VP8_STATUS_OK)
        return bti_fail(err, BT_FORMAT, in->where, "the WebP is damaged: %s",
                        code == VP8_STATUS_NOT_ENOUGH_DATA ? "it ends before its image"
                                                           : "its header is wrong");
    if (f->has_animation)
        return bti_fail(err, BT_FORMAT, in->where,
                        "the WebP is an animation; expected a single image");
    return BT_OK;
}

/* The EXIF block follows the pixels (RIFF container specification, section "Extended File Format"):
 * without it, width and height may be those of an image on its side. */
static bool lacks_exif(const bti_bytes *in)
{
    const uint8_t *p = in->p;
    size_t whole = (size_t)p[4] | (size_t)p[5] << 8 | (size_t)p[6] << 16 | (size_t)p[7] << 24;
    return in->n > 20 && !memcmp(p + 12, "VP8X", 4) && (p[20] & 8) && in->n < whole + 8;
}

static bt_status webp_probe(const bti_bytes *in, int *w, int *h, int *c, bt_error *err)
{
    WebPBitstreamFeatures f;
    bt_status rc = header(in, &f, err);
    if (rc)
        return rc;
    if (lacks_exif(in))
        return bti_fail(err, BT_FORMAT, in->where, "the WebP is truncated");
    bool lies = bti_exif_orientation_webp(in->p, in->n) >= 5;
    *w = lies ? f.height : f.width;
    *h = lies ? f.width : f.height;
    *c = 3; /* WebP has no grey */
    return BT_OK;
}

static bt_status webp_decode(bti_image *out, const bti_bytes *in, bt_error *err)
{
    WebPBitstreamFeatures f;
    uint8_t *mixed = NULL, *done = NULL;
    *out = (bti_image){0};
    bt_status rc = header(in, &f, err);
    if (!rc)
        rc = bti_image_new(out, f.width, f.height, 3, err);
    if (rc)
        return rc;
    size_t n = (size_t)f.width * (size_t)f.height;
    if (f.has_alpha) {
        mixed = bti_array(n, 4);
        if (!mixed) {
            bti_image_release(out);
            return bti_fail_nomem(err);
        }
        done = WebPDecodeRGBAInto(in->p, in->n, mixed, 4 * n, 4 * f.width);
        if (done)
            bti_image_over_black(out->px, mixed, n, 3);
    } else {
        done = WebPDecodeRGBInto(in->p, in->n, out->px, 3 * n, 3 * f.width);
    }
    bti_free(mixed);
    rc = done ? bti_image_orient(out, bti_exif_orientation_webp(in->p, in->n), err)
              : bti_fail(err, BT_FORMAT, in->where,
                         "the WebP is damaged: its pixels cannot be decoded or are cut off");
    if (rc)
        bti_image_release(out);
    return rc;
}

const bti_codec bti_codec_webp = {"WebP", webp_match, webp_probe, webp_decode};
