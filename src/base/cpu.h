/* SPDX-License-Identifier: Apache-2.0
 *
 * What the processor can do, asked in one place, and how many cores this process may use.
 */
#ifndef BTI_CPU_H
#define BTI_CPU_H

typedef enum bti_isa {
    BTI_ISA_PORTABLE,
    BTI_ISA_AVX2,   /* AVX2 + FMA */
    BTI_ISA_AVX512, /* F, BW, VL, DQ */
    BTI_ISA_AVX512_BF16,
} bti_isa;

bti_isa bti_cpu_isa(void);             /* the best that the CPU and the cap allow */
int bti_cpu_has_vbmi(void);            /* AVX-512 VBMI, which not every AVX-512 CPU has */
void bti_cpu_cap_isa(bti_isa cap);     /* call once at start (option --isa); lowers only */
const char *bti_isa_name(bti_isa isa); /* "portable" "avx2" "avx512" "avx512_bf16" */
int bti_isa_parse(const char *name, bti_isa *out); /* 0 ok, -1 unknown */
int bti_cpu_count(void);                           /* cores in the affinity mask, at least 1 */
const char *bti_cpu_model(void);                   /* "AMD EPYC ..." or "unknown"; static */

#endif
