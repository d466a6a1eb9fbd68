/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets that have a name instead of a path (names.def).
 */
#include "data/reader.h"

#include "base/str.h"

#define COUNT(...) (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const bti_known known[] = {
#define KNOWN(name_, path_, install_, ...)                                                         \
    {.name = name_,                                                                                \
     .path = path_,                                                                                \
     .install = install_,                                                                          \
     .classes = COUNT(__VA_ARGS__),                                                                \
     .class_name = (const char *const[]){__VA_ARGS__}},
#include "data/names.def"
#undef KNOWN
};

static const char *const names[] = {
#define KNOWN(name_, ...) name_,
#include "data/names.def"
#undef KNOWN
    NULL};

const bti_known *bti_known_find(const char *name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bti_streq(known[i].name, name))
            return &known[i];
    }
    return NULL;
}

const char *const *bti_known_names(void)
{
    return names;
}
