/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a search space: parsing ends with a space or with a sentence, and whatever is
 * accepted can be drawn from, mutated, crossed, stored, resolved and counted.
 */
#include <assert.h>

#include "base/alloc.h"
#include "space/space.h"
#include "yaml_leak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A point that was drawn has rows and settings, or the sentence that says why not. */
static void resolve(const bti_space *s, const bti_point *p)
{
    bti_arena arena = {0};
    bti_rows rows;
    bti_settings settings;
    bt_error err = {0};
    bt_status rc = bti_space_rows(s, p, &rows, &arena, &err);
    assert(rc == BT_OK || err.text[0] != '\0');
    assert(bti_space_settings(s, p, &settings, &arena, &err) == BT_OK);
    bti_arena_release(&arena);
}

/* Stored and read again, a point is the same. */
static void store(const bti_space *s, const bti_point *p, bti_point *back)
{
    const char *names[BTI_POINT_MAX];
    double values[BTI_POINT_MAX];
    for (int i = 0; i < p->n; i++) {
        names[i] = p->param[i].name;
        values[i] = p->param[i].value;
    }
    assert(bti_space_restore(s, names, values, p->n, back));
    assert(back->n == p->n);
    for (int i = 0; i < p->n; i++)
        assert(back->param[i].name == p->param[i].name &&
               back->param[i].value == p->param[i].value);
}

static void use(const bti_space *s)
{
    static bti_point a, b, c;
    bti_rng rng = bti_rng_at(1, BTI_RNG_TEST, 0, 0, 0);
    bti_space_default(s, &a);
    resolve(s, &a);
    bti_space_draw(s, &rng, &b);
    store(s, &b, &c);
    resolve(s, &b);
    bti_space_cross(s, &a, &b, &rng, &c);
    bti_space_mutate(s, &c, 3, &rng, &b);
    store(s, &b, &c);
    bti_space_repair(s, &a, &rng, &c);
    resolve(s, &c);
    bti_free(bti_space_size(s, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    bti_space *s = NULL;
    bt_error err = {0};
    bt_status rc = bti_space_parse(&s, (const char *)data, size, "fuzz", &vars, &err);
    assert(rc == BT_OK ? s != NULL : s == NULL && err.code == rc && err.text[0] != '\0');
    if (s)
        use(s);
    bti_space_free(s);
    return 0;
}
