/* SPDX-License-Identifier: Apache-2.0
 *
 * Image files to pixels: the format is found by its first bytes, never by the file's name.
 */
#include "image/codec.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"

#define PROBE_BYTES (64 * 1024) /* holds the header of nearly every image */

static const bti_codec *const codecs[] = {
#define CODEC(name) &bti_codec_##name,
#include "image/codecs.def"
#undef CODEC
};

/* NULL with a sentence (BT_FORMAT) if no format matches. */
static const bti_codec *find_codec(const bti_bytes *in, bt_error *err)
{
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (codecs[i]->match(in))
            return codecs[i];
    }
    bti_fail(err, BT_FORMAT, in->where, "%s",
             in->n ? "not an image in a known format (JPEG, PNG, WebP)" : "the file is empty");
    return NULL;
}

static bt_status check_size(int w, int h, const char *where, bt_error *err)
{
    if (w < 1 || h < 1)
        return bti_fail(err, BT_FORMAT, where, "the image has no pixels (%dx%d)", w, h);
    if ((int64_t)w * h > BTI_IMAGE_MAX_PIXELS)
        return bti_fail(err, BT_FORMAT, where, "%dx%d pixels are more than the allowed %d million",
                        w, h, BTI_IMAGE_MAX_PIXELS / (1024 * 1024));
    return BT_OK;
}

static bt_status probe_bytes(const bti_bytes *in, int *w, int *h, int *c, bt_error *err)
{
    const bti_codec *codec = find_codec(in, err);
    bt_status rc = codec ? codec->probe(in, w, h, c, err) : BT_FORMAT;
    return rc ? rc : check_size(*w, *h, in->where, err);
}

bt_status bti_image_probe(const char *path, int *w, int *h, int *c, bt_error *err)
{
    char *all;
    size_t n;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return bti_fail_errno(err, path, "cannot open the image");
    uint8_t *head = bti_malloc(PROBE_BYTES);
    if (!head) {
        fclose(f);
        return bti_fail_nomem(err);
    }
    n = fread(head, 1, PROBE_BYTES, f);
    bool failed = ferror(f) != 0;
    fclose(f);
    bt_status rc = failed
                       ? bti_fail(err, BT_IO, path, "cannot read the image")
                       : probe_bytes(&(bti_bytes){.p = head, .n = n, .where = path}, w, h, c, err);
    bti_free(head);
    if (rc != BT_FORMAT || n < PROBE_BYTES)
        return rc;

    /* A JPEG may carry a preview or a profile of any length before its size. */
    rc = bti_file_read(path, BTI_IMAGE_MAX_BYTES, &all, &n, err);
    if (rc)
        return rc;
    rc = probe_bytes(&(bti_bytes){.p = (uint8_t *)all, .n = n, .where = path}, w, h, c, err);
    bti_free(all);
    return rc;
}

bt_status bti_image_decode(bti_image *out, const void *bytes, size_t n, const char *where,
                           int channels, bt_error *err)
{
    bti_bytes in = {.p = bytes, .n = n, .where = where};
    bti_image raw;
    int w, h, c;

    *out = (bti_image){0};
    bt_status rc = probe_bytes(&in, &w, &h, &c, err);
    if (rc)
        return rc;
    rc = find_codec(&in, err)->decode(&raw, &in, err); /* there is one: it was probed */
    if (rc)
        return rc;
    if (channels == 0 || channels == raw.c) {
        *out = raw; /* ownership moves to the caller */
        return BT_OK;
    }
    rc = bti_image_convert(out, &raw, channels, err);
    bti_image_release(&raw);
    return rc;
}

bt_status bti_image_read(bti_image *out, const char *path, int channels, bt_error *err)
{
    char *bytes;
    size_t n;

    *out = (bti_image){0};
    bt_status rc = bti_file_read(path, BTI_IMAGE_MAX_BYTES, &bytes, &n, err);
    if (rc)
        return rc;
    rc = bti_image_decode(out, bytes, n, path, channels, err);
    bti_free(bytes);
    return rc;
}
