/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam help [VERB [SUBVERB]]`: the overview, a verb's options, and the same tables as manual
 * pages and shell completions (manual.c, completion.c).
 */
#include "cli/cli.h"

#include "base/str.h"

/* Groups in the order of verbs.def; the last one, for experts, in one line: at most 24 lines. */
void cli_print_overview(void)
{
    puts("bantam: labelled images and a deadline in, a front of small trained models out.");
    const char *group = "";
    bool expert = false;
    for (const cli_verb *v = cli_verbs; v->name; v++) {
        bool next = !bti_streq(group, v->group);
        group = v->group;
        expert = bti_streq(group, "expert");
        if (next)
            printf(expert ? "%s:" : "%s\n", group);
        if (expert)
            printf("%s %s", next ? "" : ",", v->name);
        else
            printf("  %-10s %s\n", v->name, v->help);
    }
    if (expert)
        puts("");
    puts("examples\n"
         "  bantam search fashion-mnist --budget 5m --max-params 50k --out run\n"
         "  bantam front run --svg front.svg\n"
         "  bantam eval run/models/best --data fashion-mnist --split test");
}

const cli_verb *cli_find_verb(const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (const cli_verb *v = cli_verbs; v->name; v++) {
        if (bti_streq(v->name, name))
            return v;
        if (n < sizeof(names) / sizeof(names[0]) - 1)
            names[n++] = v->name;
    }
    names[n] = NULL;
    const char *near = bti_nearest(name, names);
    if (near)
        fprintf(stderr, "bantam: unknown verb '%s': did you mean %s?\n", name, near);
    else
        fprintf(stderr, "bantam: unknown verb '%s' (bantam --help lists them)\n", name);
    return NULL;
}

const char *cli_summary(char *buf, size_t size, const cli_spec *spec)
{
    size_t n = 0;
    for (const char *p = spec->about; *p && n + 1 < size; p++) {
        if ((*p == '.' || *p == ':') && (!p[1] || p[1] == ' ' || p[1] == '\n'))
            break;
        buf[n++] = *p;
        if (*p == '\n')
            buf[n - 1] = ' ';
    }
    buf[n] = '\0';
    return buf;
}

static void print_subverb(void *user, const cli_spec *spec)
{
    char text[200];
    const char *name = strchr(spec->verb, ' ');
    (void)user;
    printf("  %-10s %s\n", name ? name + 1 : spec->verb, cli_summary(text, sizeof(text), spec));
}

void cli_print_subverbs(const char *verb, const char *const *names)
{
    printf("usage: bantam %s {", verb);
    for (int i = 0; names[i]; i++)
        printf("%s%s", i ? ", " : "", names[i]);
    printf("} ...\n\n");
    const cli_visitor show = {.spec = print_subverb};
    cli_walk(cli_find_verb(verb), &show);
    printf("\nbantam %s %s --help shows the options of one.\n", verb, names[0]);
}

cli_values cli_values_of(const char *arg)
{
    if (strchr(arg, '|'))
        return CLI_VALUES_WORDS;
    if (bti_streq(arg, "DIR"))
        return CLI_VALUES_DIRS;
    return strstr(arg, "FILE") || strchr(arg, '.') || bti_streq(arg, "DATA") ? CLI_VALUES_FILES
                                                                             : CLI_VALUES_OTHER;
}

static int print_text(const cli_verb *verb, const cli_args *args)
{
    char help[] = "--help";
    char *argv[] = {args->n ? args->v[0] : help, args->n > 1 ? args->v[1] : help, help, NULL};
    if (verb)
        return verb->run(args->n > 1 ? 3 : 2, argv);
    cli_print_overview();
    return 0;
}

int cmd_help(int argc, char **argv)
{
    const char *format = "text";
    const cli_option options[] = {
        {.name = "format",
         .kind = CLI_TEXT,
         .to = &format,
         .arg = "text|scdoc|bash|zsh|fish",
         .help = "scdoc: source of a manual page; bash, zsh, fish: a completion script"},
        {0},
    };
    const cli_spec spec = {
        "help",
        "[VERB [SUBVERB]] [--format F]",
        "What the verbs do and their options. Manual pages and completions are made by the same\n"
        "command: bantam help search --format scdoc | scdoc, bantam help --format bash.",
        options,
        0,
        2};
    cli_args args;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    const cli_verb *verb = args.n ? cli_find_verb(args.v[0]) : NULL;
    if (args.n && !verb)
        return 2;
    if (bti_streq(format, "text"))
        return print_text(verb, &args);
    if (bti_streq(format, "scdoc")) {
        cli_manual(verb);
        return 0;
    }
    if (args.n)
        return cli_usage("help", "a completion script is for all verbs: leave '%s' out", args.v[0]);
    if (bti_streq(format, "bash"))
        cli_completion_bash();
    else if (bti_streq(format, "zsh"))
        cli_completion_zsh();
    else if (bti_streq(format, "fish"))
        cli_completion_fish();
    else
        return cli_usage("help", "--format: '%s' is none of text, scdoc, bash, zsh, fish", format);
    return 0;
}
