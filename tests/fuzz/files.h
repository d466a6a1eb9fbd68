/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets of files share: bytes become files in a folder of this process, which goes
 * with it.
 */
#ifndef FUZZ_FILES_H
#define FUZZ_FILES_H

#include "base/alloc.h"
#include "base/files.h"

#include <assert.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static char fuzz_dir[] = "/tmp/bantam-fuzz-XXXXXX";

static inline void fuzz_clean(void)
{
    bt_status gone = bti_remove_tree(fuzz_dir, NULL);
    (void)gone;
}

/* The path of `name` in the folder ("" = the folder), in a static buffer. */
static inline const char *fuzz_path(const char *name)
{
    static char path[128];
    static int made;
    if (!made) {
        assert(mkdtemp(fuzz_dir));
        made = !atexit(fuzz_clean);
    }
    snprintf(path, sizeof(path), "%s/%s", fuzz_dir, name);
    return path;
}

static inline const char *fuzz_put(const char *name, const uint8_t *p, size_t n)
{
    const char *path = fuzz_path(name);
    FILE *f = fopen(path, "wb");
    assert(f && fwrite(p, 1, n, f) == n);
    fclose(f);
    return path;
}

#endif
