/* SPDX-License-Identifier: Apache-2.0
 *
 * Tar through zlib's gzip reader, which also passes plain files through.
 */
#include "data/tar.h"

#include "base/error.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#define BLOCK 512
#define AT_SIZE 124 /* fields of a header block: offsets and widths in bytes */
#define SIZE_DIGITS 12
#define AT_SUM 148
#define SUM_DIGITS 8
#define AT_TYPE 156

bt_status bti_tar_open(bti_tar *t, const char *path, bt_error *err)
{
    *t = (bti_tar){.path = path, .gz = gzopen(path, "rbe")};
    if (!t->gz)
        return bti_fail_errno(err, path, "cannot open the archive");
    gzbuffer(t->gz, 128 * 1024);
    return BT_OK;
}

void bti_tar_close(bti_tar *t)
{
    if (t->gz)
        gzclose_r(t->gz);
    *t = (bti_tar){0};
}

static bt_status fail_zlib(const bti_tar *t, bt_error *err)
{
    int code;
    const char *text = gzerror(t->gz, &code);
    return bti_fail(err, BT_FORMAT, t->path, "the archive is damaged or truncated: %s", text);
}

static bt_status read_bytes(bti_tar *t, void *dst, size_t n, bt_error *err)
{
    for (size_t got = 0; got < n;) {
        unsigned ask = n - got > (1u << 30) ? 1u << 30 : (unsigned)(n - got);
        int r = gzread(t->gz, (uint8_t *)dst + got, ask);
        if (r < 0)
            return fail_zlib(t, err);
        if (r == 0)
            return bti_fail(err, BT_FORMAT, t->path, "the archive is truncated");
        got += (size_t)r;
    }
    return BT_OK;
}

static bt_status skip(bti_tar *t, int64_t n, bt_error *err)
{
    uint8_t buf[8 * BLOCK];
    bt_status rc = BT_OK;
    while (n > 0 && !rc) {
        size_t part = n < (int64_t)sizeof(buf) ? (size_t)n : sizeof(buf);
        rc = read_bytes(t, buf, part, err);
        n -= (int64_t)part;
    }
    return rc;
}

/* To the end of the stream, so that zlib compares its checksum. */
static bt_status drain(bti_tar *t, bt_error *err)
{
    uint8_t buf[8 * BLOCK];
    int r = 1, code;
    while (r > 0)
        r = gzread(t->gz, buf, sizeof(buf));
    gzerror(t->gz, &code);
    return r < 0 || code == Z_BUF_ERROR ? fail_zlib(t, err) : BT_OK;
}

/* Octal digits between blanks or NULs; -1 if it is anything else. */
static int64_t octal(const uint8_t *p, int width)
{
    int64_t v = 0;
    int i = 0;
    while (i < width && p[i] == ' ')
        i++;
    int first = i;
    for (; i < width && p[i] >= '0' && p[i] <= '7'; i++)
        v = v * 8 + (p[i] - '0'); /* at most 12 digits: 36 bits */
    return i == first || (i < width && p[i] != ' ' && p[i] != 0) ? -1 : v;
}

/* The sum of all bytes with its own field taken as blanks. */
static bool sum_is_right(const uint8_t block[BLOCK])
{
    int64_t sum = 0;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= AT_SUM && i < AT_SUM + SUM_DIGITS ? ' ' : block[i];
    return octal(block + AT_SUM, SUM_DIGITS) == sum;
}

bt_status bti_tar_next(bti_tar *t, char name[BTI_TAR_NAME], int64_t *size, bt_error *err)
{
    uint8_t block[BLOCK];
    for (;;) {
        bt_status rc = skip(t, t->left + t->padding, err);
        t->left = t->padding = 0;
        if (!rc)
            rc = read_bytes(t, block, BLOCK, err);
        if (rc)
            return rc;
        name[0] = 0;
        *size = 0;
        if (!block[0])
            return drain(t, err);
        *size = octal(block + AT_SIZE, SIZE_DIGITS);
        if (!sum_is_right(block) || *size < 0)
            return bti_fail(err, BT_FORMAT, t->path, "not a tar archive, or a damaged one");
        t->left = *size;
        t->padding = (BLOCK - *size % BLOCK) % BLOCK;
        if (block[AT_TYPE] == '0' || block[AT_TYPE] == 0) {
            memcpy(name, block, BTI_TAR_NAME - 1);
            name[BTI_TAR_NAME - 1] = 0;
            return BT_OK;
        }
    }
}

bt_status bti_tar_read(bti_tar *t, void *dst, size_t n, bt_error *err)
{
    if (n > (uint64_t)t->left)
        return bti_fail(err, BT_FORMAT, t->path, "a file in the archive is shorter than expected");
    bt_status rc = read_bytes(t, dst, n, err);
    t->left -= (int64_t)n;
    return rc;
}
