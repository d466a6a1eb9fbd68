/* SPDX-License-Identifier: Apache-2.0
 *
 * What is legal about classes and yet usually a mistake: names that differ by case only, and
 * classes with a single image.
 */
#include "data/dataset.h"

#include "base/alloc.h"
#include "base/error.h"

#include <strings.h>

static int by_name(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static bt_status warn_case(const char *const *name, int classes, const bt_progress *progress,
                           bt_error *err)
{
    const char **sorted = bti_array((size_t)classes, sizeof(*sorted));
    if (!sorted)
        return bti_fail_nomem(err);
    memcpy(sorted, name, (size_t)classes * sizeof(*sorted));
    qsort(sorted, (size_t)classes, sizeof(*sorted), by_name);
    int pairs = 0, first = 0;
    for (int i = classes - 1; i > 0; i--) {
        if (!by_name(&sorted[i - 1], &sorted[i])) {
            first = i;
            pairs++;
        }
    }
    if (pairs == 1)
        bti_warn(progress,
                 "the classes \"%s\" and \"%s\" differ by case only; if they mean the same, make "
                 "them one",
                 sorted[first - 1], sorted[first]);
    else if (pairs)
        bti_warn(progress,
                 "%d pairs of classes differ by case only, first \"%s\" and \"%s\"; if they mean "
                 "the same, make them one",
                 pairs, sorted[first - 1], sorted[first]);
    bti_free(sorted);
    return BT_OK;
}

static bt_status warn_single(const char *const *name, int classes, const int32_t *label, int64_t n,
                             const bt_progress *progress, bt_error *err)
{
    int64_t *count = bti_calloc((size_t)classes, sizeof(*count));
    if (!count)
        return bti_fail_nomem(err);
    int singles = 0, first = 0;
    for (int64_t i = 0; i < n; i++)
        count[label[i]]++;
    for (int c = classes - 1; c >= 0; c--) {
        if (count[c] == 1) {
            first = c;
            singles++;
        }
    }
    if (singles == 1)
        bti_warn(progress,
                 "the class \"%s\" has only one training image: none is left to validate it with",
                 name[first]);
    else if (singles)
        bti_warn(progress,
                 "%d classes have only one training image, first \"%s\": none is left to validate "
                 "them with",
                 singles, name[first]);
    bti_free(count);
    return BT_OK;
}

bt_status bti_classes_warn(const char *const *name, int classes, const int32_t *label, int64_t n,
                           const bt_progress *progress, bt_error *err)
{
    bt_status rc = warn_case(name, classes, progress, err);
    return rc ? rc : warn_single(name, classes, label, n, progress, err);
}
