/* SPDX-License-Identifier: Apache-2.0
 *
 * Fault loops: a piece of work is done again and again with its 1st, 2nd, 3rd ... allocation
 * failing, or its 1st, 2nd, ... step of writing files, until it succeeds. Each failure must say
 * why, give everything back and leave no temporary file.
 */
#ifndef BT_TEST_FAULTS_H
#define BT_TEST_FAULTS_H

#include "support.h"

#include "base/alloc.h"
#include "base/files.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef bt_status (*fault_work)(void *user, bt_error *err);

#define FAULTS_MAX 200000

static inline int find_temporary(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    const char *name = path + at->base;
    (void)st, (void)kind;
    if (strstr(name, ".tmp") || !strncmp(name, "new-", 4)) {
        print_message("left behind: %s\n", path);
        return 1;
    }
    return 0;
}

/* No file that a writer began and nobody finished is below dir (NULL or absent: nothing to see). */
static inline void assert_no_temporaries(const char *dir)
{
    if (dir && nftw(dir, find_temporary, 16, FTW_PHYS) == 1)
        fail_msg("a temporary file is left in %s", dir);
}

/* The n-th allocation and all later ones fail, for every n. Returns how many failures there were.
 * `dir`: where no temporary file may stay, or NULL. */
static inline int64_t each_allocation_fails(fault_work work, void *user, const char *dir)
{
    for (int64_t n = 1;; n++) {
        bt_error err = {0};
        int64_t live = bti_alloc_live();
        if (n > FAULTS_MAX)
            fail_msg("still failing at allocation %lld", (long long)n);
        bti_alloc_fail_at(n);
        bt_status rc = work(user, &err);
        bti_alloc_fail_at(0);
        if (bti_alloc_live() != live)
            fail_msg("allocation %lld fails: %lld blocks are not given back (%s)", (long long)n,
                     (long long)(bti_alloc_live() - live), err.text);
        assert_no_temporaries(dir);
        if (!rc)
            return n - 1;
        bool said = rc == BT_NOMEM && err.text[0];
        if (!said && !strstr(err.text, "is not valid JSON")) /* jansson tells some as syntax */
            fail_msg("allocation %lld fails: %s, '%s'", (long long)n, bt_status_text(rc), err.text);
    }
}

/* The disk is full from the n-th step of writing on, for every n. Returns how many failures there
 * were. */
static inline int64_t each_write_fails(fault_work work, void *user, const char *dir)
{
    for (int64_t n = 1;; n++) {
        bt_error err = {0};
        int64_t live = bti_alloc_live();
        if (n > FAULTS_MAX)
            fail_msg("still failing at step %lld", (long long)n);
        bti_files_fail_at(n, ENOSPC);
        bt_status rc = work(user, &err);
        bti_files_fail_at(0, 0);
        if (bti_alloc_live() != live)
            fail_msg("step %lld fails: %lld blocks are not given back (%s)", (long long)n,
                     (long long)(bti_alloc_live() - live), err.text);
        assert_no_temporaries(dir);
        if (!rc)
            return n - 1;
        if (rc != BT_IO || !err.where[0] || !strstr(err.text, strerror(ENOSPC)))
            fail_msg("step %lld fails: %s, '%s: %s'", (long long)n, bt_status_text(rc), err.where,
                     err.text);
    }
}

#endif
