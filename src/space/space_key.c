/* SPDX-License-Identifier: Apache-2.0
 *
 * The identity of a trial (model-format.md 4.6): the resolved network and the active
 * hyper-parameters.
 */
#include "base/error.h"
#include "base/hash.h"
#include "space/space_int.h"

bt_status bti_space_key(const bti_space *s, const bti_point *p, const bti_cost *cost, char key[40],
                        bt_error *err)
{
    bti_arena arena = {0};
    bti_settings settings;
    bti_str text = {0};
    bt_status rc = bti_space_settings(s, p, &settings, &arena, err);
    if (rc)
        goto done;
    bti_str_addf(&text, "network=%s\n", cost->hash);
    for (int i = 0; i < settings.n; i++)
        bti_str_addf(&text, "%s=%s\n", settings.set[i].key, settings.set[i].value);
    if (text.failed) {
        rc = bti_fail_nomem(err);
        goto done;
    }
    char hex[BTI_HASH_HEX];
    bti_hash_buffer(text.s, text.len, hex);
    memset(key, 0, 40);
    memcpy(key, hex, sizeof(hex));
done:
    bti_str_release(&text);
    bti_arena_release(&arena);
    return rc;
}
