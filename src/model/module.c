/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of modules, made from modules.def.
 */
#include "model/module.h"
#include "base/str.h"

static const struct {
    const char *name;
    const bti_module *module;
} table[] = {
#define MODULE(id, name, ops) {name, &ops},
#include "model/modules/modules.def"
#undef MODULE
};

static const char *const names[] = {
#define MODULE(id, name, ops) name,
#include "model/modules/modules.def"
#undef MODULE
    NULL,
};

const bti_module *bti_module_find(const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (bti_streq(name, table[i].name))
            return table[i].module;
    return NULL;
}

const char *const *bti_module_names(void)
{
    return names;
}
