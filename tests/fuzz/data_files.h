/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets of data readers share: the data set in the folder gives a report or a
 * sentence, the same at both times, with nothing leaked.
 */
#ifndef FUZZ_DATA_FILES_H
#define FUZZ_DATA_FILES_H

#include "bantam/data.h"
#include "files.h"

/* `name` inside the folder ("" = the folder) as DATA. */
static inline void fuzz_open_data(const char *name)
{
    char *json[2];
    bt_data_options opt = bt_data_defaults();
    bt_error err = {0};
    bt_status rc[2];
    int64_t live = bti_alloc_live();

    opt.threads = 1;
    for (int i = 0; i < 2; i++)
        rc[i] = bt_data_info(&json[i], fuzz_path(name), &opt, &err);
    assert(rc[0] == rc[1] && !rc[0] == !err.text[0]);
    assert(rc[0] || !strcmp(json[0], json[1]));
    bt_free(json[0]);
    bt_free(json[1]);
    assert(bti_alloc_live() == live);
}

/* Two files from one input: the first two bytes say where the first file ends. */
static inline int fuzz_two_files(const char *first, const char *second, const uint8_t *bytes,
                                 size_t n)
{
    if (n < 2)
        return 0;
    size_t cut = 2 + (size_t)(bytes[0] | bytes[1] << 8) % (n - 1);
    fuzz_put(first, bytes + 2, cut - 2);
    fuzz_put(second, bytes + cut, n - cut);
    fuzz_open_data("");
    return 0;
}

#endif
