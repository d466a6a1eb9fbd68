/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: finds the verb in the table and hands it the arguments.
 */
#include "cli/cli.h"

#include "base/cpu.h"
#include "base/str.h"

#include <signal.h>
#include <stdlib.h>
#include <strings.h>

const cli_verb cli_verbs[] = {
#define VERB(name, group, help) {#name, group, help, cmd_##name},
#include "cli/verbs.def"
#undef VERB
    {0},
};

/* A cap of oneDNN holds for our own kernels too: the two share their layouts, and left to itself
 * oneDNN would do those of a wider instruction set with its reference code. Words that are not
 * listed cap oneDNN alone or nothing. */
static void take_cap_of_onednn(void)
{
    static const struct {
        const char *word;
        bti_isa isa;
    } caps[] = {{"SSE41", BTI_ISA_PORTABLE},     {"AVX", BTI_ISA_PORTABLE},
                {"AVX2", BTI_ISA_AVX2},          {"AVX2_VNNI", BTI_ISA_AVX2},
                {"AVX512_CORE", BTI_ISA_AVX512}, {"AVX512_CORE_VNNI", BTI_ISA_AVX512}};
    const char *word = getenv("ONEDNN_MAX_CPU_ISA");
    if (!word)
        word = getenv("DNNL_MAX_CPU_ISA"); /* its older name */
    for (size_t i = 0; word && i < sizeof(caps) / sizeof(caps[0]); i++)
        if (!strcasecmp(word, caps[i].word)) /* as oneDNN reads it */
            bti_cpu_cap_isa(caps[i].isa);
}

int main(int argc, char **argv)
{
    if (argc < 2 || bti_streq(argv[1], "--help") || bti_streq(argv[1], "-h")) {
        cli_print_overview();
        return 0;
    }
    if (bti_streq(argv[1], "--version") || bti_streq(argv[1], "version")) {
        printf("bantam %s\n", BANTAM_VERSION);
        return 0;
    }
    const cli_verb *verb = cli_find_verb(argv[1]);
    if (!verb)
        return 2;
    take_cap_of_onednn();
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit (ulimit -f) is an error with a sentence */
    int status = verb->run(argc - 1, argv + 1);
    cli_progress_end();
    if (fflush(stdout) != 0 && status == 0)
        status = 1;
    return status;
}
