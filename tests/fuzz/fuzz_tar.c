/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an archive with CIFAR's files: a report or a sentence, the same both times, nothing
 * leaked.
 */
#include "bantam/data.h"
#include "base/alloc.h"

#include <assert.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void put(const char *dir, const char *name, const uint8_t *p, size_t n)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert(f && fwrite(p, 1, n, f) == n);
    fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static char dir[] = "/tmp/bantam-fuzz-tar-XXXXXX";
    bt_data_options opt = bt_data_defaults();
    opt.threads = 1;
    if (dir[sizeof(dir) - 2] == 'X' && !mkdtemp(dir))
        return 0;
    put(dir, "c.tgz", bytes, n);
    char data[64];
    snprintf(data, sizeof(data), "%s/c.tgz", dir);

    char *json[2];
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    bt_status rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = bt_data_info(&json[i], data, &opt, &err);
    assert(rc[0] == rc[1] && !rc[0] == !err.text[0]);
    assert(rc[0] || !strcmp(json[0], json[1]));
    bt_free(json[0]);
    bt_free(json[1]);
    assert(bti_alloc_live() == live);
    return 0;
}
