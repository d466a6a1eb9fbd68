/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing .npy files through a map and mapping them again. Reading is strict here (npy_read.c takes
 * others' files): a header is checked by writing it again and comparing.
 */
#include "data/npy.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t bti_npy_bytes(const bti_npy_shape *shape)
{
    int64_t n = shape->type == BTI_NPY_U8 ? 1 : 4;
    for (int i = 0; i < shape->n_dims; i++)
        n *= shape->dim[i];
    return n;
}

static const char *const type_name[] = {
    [BTI_NPY_U8] = "|u1", [BTI_NPY_I32] = "<i4", [BTI_NPY_F32] = "<f4"};

static void make_header(char out[BTI_NPY_HEADER], const bti_npy_shape *shape)
{
    char text[BTI_NPY_HEADER];
    int n = snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': False, 'shape': (",
                     type_name[shape->type]);
    for (int i = 0; i < shape->n_dims; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%" PRId64, i ? ", " : "",
                      shape->dim[i]);
    n += snprintf(text + n, sizeof(text) - (size_t)n, "%s), }", shape->n_dims == 1 ? "," : "");

    memset(out, ' ', BTI_NPY_HEADER);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = BTI_NPY_HEADER - 10; /* length of what follows, little-endian 16 bits */
    out[9] = 0;
    memcpy(out + 10, text, (size_t)n);
    out[BTI_NPY_HEADER - 1] = '\n';
}

bt_status bti_npy_create(bti_npy_writer *w, const char *path, const bti_npy_shape *shape,
                         bt_error *err)
{
    int64_t size = BTI_NPY_HEADER + bti_npy_bytes(shape);
    *w = (bti_npy_writer){.fd = -1, .shape = *shape, .path = path};
    if (!bti_files_step_fails())
        w->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (w->fd < 0)
        return bti_fail_errno(err, path, "cannot create the file");
    int code = bti_files_step_fails() ? errno : posix_fallocate(w->fd, 0, size);
    if (code) {
        bti_npy_abort(w);
        errno = code;
        return bti_fail_errno(err, path, "cannot reserve %" PRId64 " MB for decoded images",
                              size / 1000000 + 1);
    }
    void *map = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
    if (map == MAP_FAILED) {
        bt_status rc = bti_fail_errno(err, path, "cannot map the file");
        bti_npy_abort(w);
        return rc;
    }
    w->map = map;
    w->data = w->map + BTI_NPY_HEADER;
    return BT_OK;
}

void bti_npy_abort(bti_npy_writer *w)
{
    if (w->map)
        munmap(w->map, (size_t)(BTI_NPY_HEADER + bti_npy_bytes(&w->shape)));
    if (w->fd >= 0)
        close(w->fd);
    w->map = NULL;
    w->data = NULL;
    w->fd = -1;
}

bt_status bti_npy_finish(bti_npy_writer *w, int64_t n, bt_error *err)
{
    bt_status rc = BT_OK;
    bti_npy_shape shape = w->shape;
    shape.dim[0] = n;
    make_header((char *)w->map, &shape);
    if (bti_files_step_fails() || ftruncate(w->fd, BTI_NPY_HEADER + bti_npy_bytes(&shape)) ||
        fsync(w->fd))
        rc = bti_fail_errno(err, w->path, "cannot write decoded images");
    bti_npy_abort(w);
    return rc;
}

bt_status bti_npy_map(bti_map *m, const char *path, const bti_npy_shape *shape, const void **data,
                      bt_error *err)
{
    char expected[BTI_NPY_HEADER];
    bt_status rc = bti_map_open(m, path, err);
    if (rc)
        return rc;
    make_header(expected, shape);
    if (m->n != (size_t)(BTI_NPY_HEADER + bti_npy_bytes(shape)) ||
        memcmp(m->p, expected, sizeof(expected)) != 0) {
        bti_map_close(m);
        return bti_fail(err, BT_FORMAT, path, "not the .npy file that the manifest describes");
    }
    *data = m->p + BTI_NPY_HEADER;
    return BT_OK;
}

bt_status bti_npy_write(const char *path, const bti_npy_shape *shape, const void *data,
                        bt_error *err)
{
    char header[BTI_NPY_HEADER];
    size_t size = (size_t)bti_npy_bytes(shape);
    bti_writer w;
    bt_status rc = bti_writer_open(&w, path, err);
    if (rc)
        return rc;
    make_header(header, shape);
    if (fwrite(header, 1, sizeof(header), w.f) != sizeof(header) ||
        fwrite(data, 1, size, w.f) != size) {
        rc = bti_fail_errno(err, path, "cannot write the array");
        bti_writer_abort(&w);
        return rc;
    }
    return bti_writer_commit(&w, err);
}
