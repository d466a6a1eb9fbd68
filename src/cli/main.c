/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: finds the verb in the table and hands it the arguments.
 */
#include "cli/cli.h"

#include "base/str.h"

#include <signal.h>

const cli_verb cli_verbs[] = {
#define VERB(name, group, help) {#name, group, help, cmd_##name},
#include "cli/verbs.def"
#undef VERB
    {0},
};

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
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit (ulimit -f) is an error with a sentence */
    int status = verb->run(argc - 1, argv + 1);
    cli_progress_end();
    if (fflush(stdout) != 0 && status == 0)
        status = 1;
    return status;
}
