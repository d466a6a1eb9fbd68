/* SPDX-License-Identifier: Apache-2.0
 *
 * The modules that a search space may name, and where their named arguments stand in a model row.
 * Places and defaults: model-format.md 4.2 and 1.6; model/ checks what the values mean.
 */
#include "space/space_int.h"

#define NEEDED(name)                                                                               \
    {                                                                                              \
        name, NULL, true                                                                           \
    }
#define OPTION(name, text)                                                                         \
    {                                                                                              \
        name, text, false                                                                          \
    }
#define WRITTEN(name, text)                                                                        \
    {                                                                                              \
        name, text, true                                                                           \
    } /* the block gives it, the row must have it */

static const bti_word modules[] = {
    {"Conv",
     {NEEDED("out"), NEEDED("kernel"), OPTION("stride", "1"), OPTION("pad", "null"),
      OPTION("groups", "1"), OPTION("act", "ReLU")}},
    {"DWConv",
     {NEEDED("out"), NEEDED("kernel"), OPTION("stride", "1"), OPTION("pad", "null"),
      OPTION("act", "ReLU")}},
    {"FixedConv",
     {NEEDED("out"), NEEDED("kernel"), OPTION("stride", "1"), OPTION("pad", "null"),
      OPTION("groups", "1"), OPTION("act", "ReLU")}},
    {"Bottleneck",
     {NEEDED("out"), OPTION("shortcut", "true"), OPTION("groups", "1"), OPTION("expand", "0.5"),
      OPTION("act", "ReLU")}},
    {"InvertedResidualv2", {NEEDED("out"), NEEDED("expand"), WRITTEN("stride", "1")}},
    {"InvertedResidualv3",
     {NEEDED("kernel"), NEEDED("expand"), NEEDED("out"), NEEDED("se"), NEEDED("hs"),
      WRITTEN("stride", "1")}},
    {"MBConv", {NEEDED("expand"), NEEDED("out"), WRITTEN("stride", "1"), NEEDED("kernel")}},
    {"BasicBlock", {NEEDED("out"), OPTION("stride", "1"), OPTION("act", "ReLU")}},
    {"MaxPool", {NEEDED("kernel"), OPTION("stride", "null"), OPTION("pad", "0")}},
    {"AvgPool", {NEEDED("kernel"), OPTION("stride", "null"), OPTION("pad", "0")}},
    {"GlobalAvgPool", {OPTION("output_size", "1")}},
    {"Flatten", {{NULL, NULL, false}}},
    {"Linear", {NEEDED("out"), OPTION("act", "null")}},
    {"Pass", {{NULL, NULL, false}}},
};
#define N_MODULES ((int)(sizeof(modules) / sizeof(modules[0])))

const bti_word *bti_word_find(const char *name)
{
    for (int i = 0; i < N_MODULES; i++)
        if (bti_streq(modules[i].name, name))
            return &modules[i];
    return NULL;
}

const char *bti_word_nearest(const char *name)
{
    const char *names[N_MODULES + 1];
    for (int i = 0; i < N_MODULES; i++)
        names[i] = modules[i].name;
    names[N_MODULES] = NULL;
    return bti_nearest(name, names);
}

void bti_word_names(bti_str *out)
{
    for (int i = 0; i < N_MODULES; i++)
        bti_str_addf(out, "%s%s", i ? ", " : "", modules[i].name);
}

int bti_word_n_args(const bti_word *m)
{
    int n = 0;
    while (n < BTI_MODULE_ARGS && m->arg[n].name)
        n++;
    return n;
}

int bti_word_position(const bti_word *m, const char *arg)
{
    for (int i = 0; i < bti_word_n_args(m); i++)
        if (bti_streq(m->arg[i].name, arg))
            return i;
    return -1;
}
