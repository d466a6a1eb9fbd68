/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets of policies share: a policy is the same when its text, or the file that it
 * makes, is read again.
 */
#ifndef FUZZ_POLICY_AGAIN_H
#define FUZZ_POLICY_AGAIN_H

#include "augment/augment.h"
#include "files.h"

/* `spec` is a policy with this text. */
static inline void policy_means(const char *spec, const char *text)
{
    bti_policy *again;
    bt_status rc = bti_policy_parse(&again, spec, NULL);
    assert(!rc);
    char *same = bti_policy_text(again);
    assert(same && !strcmp(text, same));
    bti_free(same);
    bti_policy_free(again);
}

static inline void policy_again(const bti_policy *p)
{
    bti_str file = {0};
    char *text = bti_policy_text(p);

    assert(text);
    policy_means(text, text);
    bt_status rc = bti_policy_yaml(p, &file, NULL); /* a file holds less than a text */
    assert(!rc || rc == BT_INVAL);
    if (!rc)
        policy_means(fuzz_put("again.yaml", (const uint8_t *)file.s, file.len), text);
    bti_str_release(&file);
    bti_free(text);
}

#endif
