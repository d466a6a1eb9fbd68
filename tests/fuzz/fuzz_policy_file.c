/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a policy file (YAML): a policy whose canonical text is a policy with the same text,
 * or a sentence.
 */
#include "augment/augment.h"
#include "files.h"
#include "yaml_leak.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bti_policy *p, *again;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    bt_status rc = bti_policy_parse(&p, fuzz_put("policy.yaml", bytes, n), &err);

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
    assert(bti_alloc_live() == live);
    return 0;
}
