/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a model file: parsing and building end quickly, with a graph or with a sentence, and
 * the same bytes give the same network twice.
 */
#include <assert.h>

#include "model/graph.h"
#include "yaml_leak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The status of one pass; the hash is empty if there is no graph. */
static bt_status once(const uint8_t *data, size_t size, char hash[BTI_HASH_HEX], bt_error *err)
{
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g = NULL;
    hash[0] = '\0';
    bt_status rc = bti_rows_parse(&rows, &arena, (const char *)data, size, "fuzz", NULL, err);
    if (!rc)
        rc = bti_graph_build_any(&g, &rows, 0, 0, 0, err);
    if (!rc) {
        assert(g->params >= 0 && g->macs >= 0 && g->peak_activation_bytes > 0);
        memcpy(hash, g->hash, BTI_HASH_HEX);
    }
    bti_graph_free(g);
    bti_arena_release(&arena);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char first[BTI_HASH_HEX], second[BTI_HASH_HEX];
    bt_error err = {0};
    bt_status rc = once(data, size, first, &err);
    assert(rc == BT_OK || (err.code == rc && err.text[0] != '\0'));
    assert(once(data, size, second, &err) == rc && strcmp(first, second) == 0);
    return 0;
}
