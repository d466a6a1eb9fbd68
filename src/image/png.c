/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG through libpng, reading from memory. libpng reports errors by longjmp: it is confined to
 * three functions that own no memory, so that nothing is lost on the jump and no local is
 * clobbered.
 */
#include "image/codec.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "image/exif.h"

#include <png.h>
#include <setjmp.h>

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/* All that a decode owns, outside the reach of the jump. */
typedef struct png_job {
    png_structp png;
    png_infop info;
    const bti_bytes *in;
    size_t at; /* read position */
    FILE *f;   /* writing only */
    char message[96];
} png_job;

static void on_error(png_structp png, png_const_charp text)
{
    png_job *job = png_get_error_ptr(png);
    snprintf(job->message, sizeof(job->message), "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png; /* about profiles and text chunks: no pixel depends on them */
    (void)text;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t n)
{
    (void)png;
    return bti_malloc(n);
}

static void on_free(png_structp png, png_voidp p)
{
    (void)png;
    bti_free(p);
}

static void on_read(png_structp png, png_bytep dst, size_t n)
{
    png_job *job = png_get_io_ptr(png);
    if (n > job->in->n - job->at)
        png_error(png, "the file ends too early");
    memcpy(dst, job->in->p + job->at, n);
    job->at += n;
}

static void on_write(png_structp png, png_bytep src, size_t n)
{
    png_job *job = png_get_io_ptr(png);
    if (fwrite(src, 1, n, job->f) != n)
        png_error(png, "cannot write");
}

static void on_flush(png_structp png)
{
    (void)png;
}

static bool png_match(const bti_bytes *in)
{
    return in->n >= sizeof(signature) && !memcmp(in->p, signature, sizeof(signature));
}

static bt_status fail_with(const png_job *job, const char *where, bt_error *err)
{
    return bti_fail(err, BT_FORMAT, where, "the PNG is damaged: %s", job->message);
}

static bt_status reader_open(png_job *job, const bti_bytes *in, bt_error *err)
{
    *job = (png_job){.in = in};
    job->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, job, on_error, on_warning, NULL,
                                        on_malloc, on_free);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    if (!job->info) {
        png_destroy_read_struct(&job->png, NULL, NULL);
        return bti_fail_nomem(err);
    }
    png_set_read_fn(job->png, job, on_read);
    return BT_OK;
}

/* Reads the header and asks for 8-bit grey or RGB, with alpha where the file has any. */
static bool read_header(png_job *job)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_set_user_limits(job->png, 1u << 30, 1u << 30); /* bti_image_new judges the area */
    png_set_chunk_malloc_max(job->png, 16 * 1024 * 1024);
    png_read_info(job->png, job->info);
    png_set_expand(job->png); /* palette to RGB, 1 2 4 to 8 bits, tRNS to alpha */
    png_set_strip_16(job->png);
    png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    return true;
}

static bool read_rows(png_job *job, png_bytepp rows)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_read_image(job->png, rows);
    png_read_end(job->png, NULL); /* checks the last checksums: a cut file is found here */
    return true;
}

static bt_status png_probe(const bti_bytes *in, int *w, int *h, int *c, bt_error *err)
{
    png_job job;
    bt_status rc = reader_open(&job, in, err);
    if (rc)
        return rc;
    if (read_header(&job)) {
        bool lies = bti_exif_orientation_png(in->p, in->n) >= 5;
        int across = (int)png_get_image_width(job.png, job.info);
        int down = (int)png_get_image_height(job.png, job.info);
        *w = lies ? down : across;
        *h = lies ? across : down;
        *c = png_get_channels(job.png, job.info) <= 2 ? 1 : 3;
    } else {
        rc = fail_with(&job, in->where, err);
    }
    png_destroy_read_struct(&job.png, &job.info, NULL);
    return rc;
}

/* (h,w,c) or, with alpha, (h,w,c+1) as libpng gives it. */
static bt_status read_pixels(png_job *job, uint8_t *px, int h, size_t row_bytes, bt_error *err)
{
    png_bytepp rows = bti_array((size_t)h, sizeof(*rows));
    if (!rows)
        return bti_fail_nomem(err);
    for (int y = 0; y < h; y++)
        rows[y] = px + (size_t)y * row_bytes;
    bt_status rc = read_rows(job, rows) ? BT_OK : fail_with(job, job->in->where, err);
    bti_free(rows);
    return rc;
}

static bt_status png_decode(bti_image *out, const bti_bytes *in, bt_error *err)
{
    png_job job;
    uint8_t *mixed = NULL;
    *out = (bti_image){0};
    bt_status rc = reader_open(&job, in, err);
    if (rc)
        return rc;
    if (!read_header(&job)) {
        rc = fail_with(&job, in->where, err);
        goto done;
    }
    int stored = png_get_channels(job.png, job.info);
    int c = stored <= 2 ? 1 : 3;
    size_t row_bytes = png_get_rowbytes(job.png, job.info);
    rc = bti_image_new(out, (int)png_get_image_width(job.png, job.info),
                       (int)png_get_image_height(job.png, job.info), c, err);
    if (rc)
        goto done;
    if (stored == c) {
        rc = read_pixels(&job, out->px, out->h, row_bytes, err);
        goto done;
    }
    mixed = bti_array((size_t)out->h, row_bytes);
    rc = mixed ? read_pixels(&job, mixed, out->h, row_bytes, err) : bti_fail_nomem(err);
    if (!rc)
        bti_image_over_black(out->px, mixed, (size_t)out->w * (size_t)out->h, c);
done:
    if (!rc)
        rc = bti_image_orient(out, bti_exif_orientation_png(in->p, in->n), err);
    if (rc)
        bti_image_release(out);
    bti_free(mixed);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    return rc;
}

const bti_codec bti_codec_png = {"PNG", png_match, png_probe, png_decode};

static bool write_rows(png_job *job, const bti_image *im)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_set_IHDR(job->png, job->info, (png_uint_32)im->w, (png_uint_32)im->h, 8,
                 im->c == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(job->png, job->info);
    for (int y = 0; y < im->h; y++)
        png_write_row(job->png, im->px + (size_t)y * im->w * im->c);
    png_write_end(job->png, NULL);
    return true;
}

static bt_status write_png(const bti_image *im, FILE *f, const char *where, bt_error *err)
{
    png_job job = {.f = f};
    bt_status rc = BT_OK;

    job.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning, NULL,
                                        on_malloc, on_free);
    job.info = job.png ? png_create_info_struct(job.png) : NULL;
    if (job.info)
        png_set_write_fn(job.png, &job, on_write, on_flush);
    if (!job.info)
        rc = bti_fail_nomem(err);
    else if (!write_rows(&job, im))
        rc = bti_fail(err, BT_IO, where, "cannot write the PNG: %s", job.message);
    png_destroy_write_struct(&job.png, &job.info);
    return rc;
}

bt_status bti_image_write_png(const bti_image *im, const char *path, bt_error *err)
{
    bti_writer w;
    bt_status rc = bti_writer_open(&w, path, err);
    if (rc)
        return rc;
    rc = write_png(im, w.f, path, err);
    if (!rc)
        rc = bti_writer_commit(&w, err);
    bti_writer_abort(&w);
    return rc;
}

bt_status bti_image_encode_png(const bti_image *im, uint8_t **out, size_t *n, bt_error *err)
{
    char *text = NULL; /* of the C library's allocator */

    *out = NULL;
    FILE *f = open_memstream(&text, n);
    if (!f)
        return bti_fail_nomem(err);
    bt_status rc = write_png(im, f, "PNG", err);
    if (fclose(f) && !rc)
        rc = bti_fail_nomem(err);
    if (!rc && !(*out = bti_malloc(*n)))
        rc = bti_fail_nomem(err);
    if (!rc)
        memcpy(*out, text, *n);
    free(text); /* NOLINT: open_memstream's */
    return rc;
}
