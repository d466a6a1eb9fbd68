/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG through libjpeg-turbo's TurboJPEG interface (which returns errors instead of jumping).
 * Accurate integer DCT and fancy upsampling: the pixels that libjpeg's defaults and Pillow give.
 * Size and pixels are those of the image turned upright (exif.h).
 */
#include "image/codec.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "image/exif.h"

#include <turbojpeg.h>

static bool jpeg_match(const bti_bytes *in)
{
    return in->n >= 3 && in->p[0] == 0xff && in->p[1] == 0xd8 && in->p[2] == 0xff;
}

/* Warnings about bytes that no pixel comes from; every other warning means that pixels were made
 * up. */
static bool harmless(const char *warning)
{
    static const char *const notes[] = {"extraneous bytes", "Adobe", "JFIF"};
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        if (strstr(warning, notes[i]))
            return true;
    }
    return false;
}

static bt_status fail_with(tjhandle tj, const bti_bytes *in, bt_error *err)
{
    const char *text = tjGetErrorStr2(tj);
    const char *colon = strstr(text, "(): "); /* TurboJPEG puts its own function's name in front */
    return bti_fail(err, BT_FORMAT, in->where, "the JPEG is damaged: %s", colon ? colon + 4 : text);
}

static bt_status header(tjhandle tj, const bti_bytes *in, int *w, int *h, int *space, bt_error *err)
{
    int subsampling;
    if (in->n > BTI_IMAGE_MAX_BYTES)
        return bti_fail(err, BT_FORMAT, in->where, "the file is too large for an image");
    *w = *h = 0;
    /* The error code is no help: a fatal error after a warning counts as a warning. */
    if (tjDecompressHeader3(tj, in->p, (unsigned long)in->n, w, h, &subsampling, space) &&
        (*w < 1 || *h < 1 || !harmless(tjGetErrorStr2(tj))))
        return fail_with(tj, in, err);
    if (*w < 1 || *h < 1) /* TurboJPEG accepts files of tables only */
        return bti_fail(err, BT_FORMAT, in->where, "the JPEG is damaged: it ends before its image");
    return BT_OK;
}

static bt_status jpeg_probe(const bti_bytes *in, int *w, int *h, int *c, bt_error *err)
{
    int space;
    tjhandle tj = tjInitDecompress();
    if (!tj)
        return bti_fail_nomem(err);
    bt_status rc = header(tj, in, w, h, &space, err);
    if (!rc)
        *c = space == TJCS_GRAY ? 1 : 3;
    if (!rc && bti_exif_orientation(in->p, in->n) >= 5) { /* lies on its side */
        int t = *w;
        *w = *h;
        *h = t;
    }
    tjDestroy(tj);
    return rc;
}

/* Pillow's way: Adobe stores CMYK inverted; then R = (255 - K) - C (255 - K) / 255, rounded. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, size_t n)
{
    for (size_t i = 0; i < n; i++, rgb += 3, cmyk += 4) {
        int white = cmyk[3];
        for (int ch = 0; ch < 3; ch++) {
            int t = (255 - cmyk[ch]) * white + 128;
            rgb[ch] = (uint8_t)(white - (((t >> 8) + t) >> 8));
        }
    }
}

static bt_status pixels(tjhandle tj, uint8_t *dst, const bti_bytes *in, int w, int h, int format,
                        bt_error *err)
{
    if (!tjDecompress2(tj, in->p, (unsigned long)in->n, dst, w, 0, h, format, TJFLAG_ACCURATEDCT))
        return BT_OK;
    if (tjGetErrorCode(tj) == TJERR_WARNING && harmless(tjGetErrorStr2(tj)))
        return BT_OK;
    return fail_with(tj, in, err);
}

static bt_status pixels_cmyk(tjhandle tj, bti_image *out, const bti_bytes *in, bt_error *err)
{
    size_t n = (size_t)out->w * (size_t)out->h;
    uint8_t *cmyk = bti_array(n, 4);
    if (!cmyk)
        return bti_fail_nomem(err);
    bt_status rc = pixels(tj, cmyk, in, out->w, out->h, TJPF_CMYK, err);
    if (!rc)
        cmyk_to_rgb(out->px, cmyk, n);
    bti_free(cmyk);
    return rc;
}

static bt_status jpeg_decode(bti_image *out, const bti_bytes *in, bt_error *err)
{
    int w, h, space;
    *out = (bti_image){0};
    tjhandle tj = tjInitDecompress();
    if (!tj)
        return bti_fail_nomem(err);
    bt_status rc = header(tj, in, &w, &h, &space, err);
    if (!rc)
        rc = bti_image_new(out, w, h, space == TJCS_GRAY ? 1 : 3, err);
    if (rc)
        goto done;
    if (space == TJCS_CMYK || space == TJCS_YCCK)
        rc = pixels_cmyk(tj, out, in, err);
    else
        rc = pixels(tj, out->px, in, w, h, space == TJCS_GRAY ? TJPF_GRAY : TJPF_RGB, err);
    if (!rc)
        rc = bti_image_orient(out, bti_exif_orientation(in->p, in->n), err);
done:
    if (rc)
        bti_image_release(out);
    tjDestroy(tj);
    return rc;
}

const bti_codec bti_codec_jpeg = {"JPEG", jpeg_match, jpeg_probe, jpeg_decode};
