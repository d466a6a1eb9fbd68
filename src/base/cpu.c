/* SPDX-License-Identifier: Apache-2.0
 *
 * Instruction sets by cpuid (the compiler's builtins also check that the system saves the
 * registers), cores by the affinity mask.
 */
#include "base/cpu.h"

#include "base/str.h"
#include <sched.h>
#include <stdatomic.h>

static atomic_int isa_cap = BTI_ISA_AVX512_BF16;
static const char *const isa_names[] = {"portable", "avx2", "avx512", "avx512_bf16"};

static bti_isa probe(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return BTI_ISA_PORTABLE;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
        return BTI_ISA_AVX2;
    return __builtin_cpu_supports("avx512bf16") ? BTI_ISA_AVX512_BF16 : BTI_ISA_AVX512;
#else
    return BTI_ISA_PORTABLE;
#endif
}

bti_isa bti_cpu_isa(void)
{
    bti_isa found = probe(), cap = (bti_isa)atomic_load(&isa_cap);
    return found < cap ? found : cap;
}

int bti_cpu_has_vbmi(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vbmi") != 0;
#else
    return 0;
#endif
}

void bti_cpu_cap_isa(bti_isa cap)
{
    if ((int)cap < atomic_load(&isa_cap))
        atomic_store(&isa_cap, (int)cap);
}

const char *bti_isa_name(bti_isa isa)
{
    return isa_names[isa];
}

int bti_isa_parse(const char *name, bti_isa *out)
{
    for (int i = 0; i <= BTI_ISA_AVX512_BF16; i++) {
        if (bti_streq(name, isa_names[i])) {
            *out = (bti_isa)i;
            return 0;
        }
    }
    return -1;
}

int bti_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set))
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

/* "model name : X" of the first processor. */
static void read_model(char *out, size_t cap)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");

    snprintf(out, cap, "unknown");
    while (f && fgets(line, sizeof(line), f)) {
        const char *colon = strchr(line, ':');
        if (!bti_has_prefix(line, "model name") || !colon)
            continue;
        colon += strspn(colon, ": ");
        snprintf(out, cap, "%.*s", (int)strcspn(colon, "\n"), colon);
        break;
    }
    if (f)
        fclose(f);
}

const char *bti_cpu_model(void)
{
    static _Thread_local char model[128]; /* per thread: filled without a lock */
    if (!model[0])
        read_model(model, sizeof(model));
    return model;
}
