/* SPDX-License-Identifier: Apache-2.0
 *
 * Activation names: PyTorch's classes from acts.def, then the course's own spellings of the same
 * functions.
 */
#include "model/acts.h"
#include "base/str.h"

static const struct {
    const char *name;
    bti_act act;
} spellings[] = {
#define ACT(id, name) {name, BTI_ACT_##id},
#include "model/acts.def"
#undef ACT
    {"HardSwish", BTI_ACT_HARDSWISH},
    {"HardSigmoid", BTI_ACT_HARDSIGMOID},
    {"HardTanh", BTI_ACT_HARDTANH},
    {"Swish", BTI_ACT_SILU},
};

static const char *const names[] = {
#define ACT(id, name) name,
#include "model/acts.def"
#undef ACT
    "HardSwish", "HardSigmoid", "HardTanh", "Swish", NULL,
};

const char *bti_act_name(bti_act act)
{
    return spellings[act].name;
}

bool bti_act_parse(const char *name, bti_act *out)
{
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
        if (bti_streq(name, spellings[i].name)) {
            *out = spellings[i].act;
            return true;
        }
    return false;
}

const char *const *bti_act_names(void)
{
    return names;
}
