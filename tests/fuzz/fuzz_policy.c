/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as an augmentation policy: a sentence, or a policy whose canonical text is a policy with
 * the same text.
 */
#include "augment/augment.h"
#include "base/alloc.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bti_policy *p, *again;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    char *spec = bti_calloc(n + 1, 1);
    assert(spec);
    memcpy(spec, bytes, n);
    bt_status rc = bti_policy_parse(&p, spec, &err);
    assert(!rc == !err.text[0]);
    if (!rc) {
        char *text = bti_policy_text(p);
        assert(text && !bti_policy_parse(&again, text, &err));
        char *same = bti_policy_text(again);
        assert(same && !strcmp(text, same));
        bti_free(text);
        bti_free(same);
        bti_policy_free(again);
        bti_policy_free(p);
    }
    bti_free(spec);
    assert(bti_alloc_live() == live);
    return 0;
}
