/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a policy file (YAML): a sentence, or a policy whose canonical text, and the file
 * that it makes, are the same policy.
 */
#include "policy_again.h"
#include "yaml_leak.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bti_policy *p;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    bt_status rc = bti_policy_parse(&p, fuzz_put("policy.yaml", bytes, n), &err);

    assert(!rc == !err.text[0]);
    if (!rc) {
        policy_again(p);
        bti_policy_free(p);
    }
    assert(bti_alloc_live() == live);
    return 0;
}
