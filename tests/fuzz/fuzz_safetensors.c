/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a .safetensors file: what is accepted lies within the file and covers it.
 */
#include "files.h"
#include "train/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bti_safetensors s;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    const char *path = fuzz_put("x.safetensors", bytes, n);
    bt_status rc = bti_safetensors_open(&s, path, &err);
    assert(!rc == !err.text[0]);
    for (size_t i = 0; !rc && i < s.n; i++) {
        const bti_stored *t = &s.tensor[i];
        assert(bti_safetensors_find(&s, t->name) == t);
        if (!t->is_f32)
            continue;
        float *copy = bti_array((size_t)t->size, sizeof(float));
        assert(copy && !bti_safetensors_take(&s, path, t->name, t->size, copy, &err));
        bti_free(copy);
    }
    bti_safetensors_close(&s);
    assert(bti_alloc_live() == live);
    return 0;
}
