/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: finds the verb in the table and hands it the arguments.
 */
#include "cli/cli.h"

#include "base/str.h"

static const struct {
    const char *name, *group, *help;
    int (*run)(int argc, char **argv);
} verbs[] = {
#define VERB(name, group, help) {#name, group, help, cmd_##name},
#include "cli/verbs.def"
#undef VERB
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* One screen, at most 24 lines. */
static void print_overview(FILE *f)
{
    fputs("bantam: labelled images and a deadline in, a front of small trained models out.\n", f);
    const char *group = "";
    for (size_t i = 0; i < N_VERBS; i++) {
        if (!*verbs[i].group) /* our own processes only */
            continue;
        if (!bti_streq(group, verbs[i].group))
            fprintf(f, "%s\n", verbs[i].group);
        group = verbs[i].group;
        fprintf(f, "  %-9s %s\n", verbs[i].name, verbs[i].help);
    }
    fputs("examples\n"
          "  bantam search fashion-mnist --budget 5m --max-params 50k --out run\n"
          "  bantam front run --svg front.svg\n"
          "  bantam eval run/models/best --data fashion-mnist --split test\n",
          f);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return 0;
    }
    const char *word = argv[1];
    if (bti_streq(word, "--version") || bti_streq(word, "version")) {
        printf("bantam %s\n", BANTAM_VERSION);
        return 0;
    }
    if (bti_streq(word, "--help") || bti_streq(word, "-h") || bti_streq(word, "help")) {
        print_overview(stdout);
        return 0;
    }
    const char *names[N_VERBS + 1];
    for (size_t i = 0; i < N_VERBS; i++) {
        names[i] = verbs[i].name;
        if (bti_streq(word, verbs[i].name)) {
            int status = verbs[i].run(argc - 1, argv + 1);
            cli_progress_end();
            if (fflush(stdout) != 0 && status == 0)
                status = 1;
            return status;
        }
    }
    names[N_VERBS] = NULL;
    const char *near = bti_nearest(word, names);
    if (near)
        fprintf(stderr, "bantam: unknown verb '%s': did you mean %s?\n", word, near);
    else
        fprintf(stderr, "bantam: unknown verb '%s' (bantam --help lists them)\n", word);
    return 2;
}
