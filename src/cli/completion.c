/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion scripts for bash, zsh and fish from the option tables: `bantam help --format SHELL`.
 */
#include "cli/cli.h"

#include "base/str.h"

/* Between single quotes of the shell; `special` are characters that its completion system reads. */
static void quoted(const char *text, const char *special, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'') {
            fputs(quote, stdout);
            continue;
        }
        if (*special && strchr(special, *text))
            putchar('\\');
        putchar(*text);
    }
}

static void words_of(const char *arg)
{
    for (; *arg; arg++)
        putchar(*arg == '|' ? ' ' : *arg);
}

static void walk_all(const cli_visitor *v)
{
    for (const cli_verb *verb = cli_verbs; verb->name; verb++)
        cli_walk(verb, v);
}

static void print_verb_names(void)
{
    for (const cli_verb *v = cli_verbs; v->name; v++)
        printf("%s%s", v == cli_verbs ? "" : " ", v->name);
}

/* ---- bash ---- */

static void bash_subverbs(void *user, const char *verb, const char *const *names)
{
    (void)user;
    printf("    '%s') subverbs='", verb);
    for (int i = 0; names[i]; i++)
        printf("%s%s", i ? " " : "", names[i]);
    printf("' ;;\n");
}

/* What follows an option: directories, files, words or nothing known. */
static void bash_option(const cli_option *o)
{
    if (!o->arg)
        return;
    printf("        --%s", o->name);
    if (o->letter)
        printf("|-%c", o->letter);
    switch (cli_values_of(o->arg)) {
    case CLI_VALUES_DIRS:
        printf(") kind=dirs ;;\n");
        break;
    case CLI_VALUES_FILES:
        printf(") kind=files ;;\n");
        break;
    case CLI_VALUES_WORDS:
        printf(") kind=words words='");
        words_of(o->arg);
        printf("' ;;\n");
        break;
    case CLI_VALUES_OTHER:
        printf(") kind=other ;;\n");
        break;
    }
}

static void bash_spec(void *user, const cli_spec *spec)
{
    (void)user;
    printf("    '%s')\n        words='", spec->verb);
    for (const cli_option *o = spec->options; o && o->name; o++) {
        printf("--%s ", o->name);
        if (o->letter)
            printf("-%c ", o->letter);
    }
    printf("--help'\n        case $prev in\n");
    for (const cli_option *o = spec->options; o && o->name; o++)
        bash_option(o);
    printf("        *) [[ $cur == -* ]] && kind=words ;;\n        esac ;;\n");
}

void cli_completion_bash(void)
{
    const cli_visitor subverbs = {.subverbs = bash_subverbs}, specs = {.spec = bash_spec};
    printf("# bash completion for bantam, made by: bantam help --format bash\n"
           "_bantam()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} "
           "verb=${COMP_WORDS[1]}\n"
           "    local kind=files words= subverbs=\n"
           "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]} # --option=value\n"
           "    [[ $cur == = ]] && cur=\n"
           "    case $verb in\n");
    walk_all(&subverbs);
    printf("    'help') [[ $COMP_CWORD -eq 2 && $cur != -* ]] && subverbs='");
    print_verb_names();
    printf("' ;;\n    esac\n"
           "    if [[ $COMP_CWORD -eq 1 ]]; then\n        kind=words words='");
    print_verb_names();
    printf(" --help --version'\n"
           "    elif [[ $COMP_CWORD -eq 2 && -n $subverbs ]]; then\n"
           "        kind=words words=$subverbs\n"
           "    else\n"
           "        [[ -n $subverbs && $verb != help ]] && verb=\"$verb ${COMP_WORDS[2]}\"\n"
           "        case $verb in\n");
    walk_all(&specs);
    printf("        esac\n    fi\n"
           "    COMPREPLY=()\n"
           "    case $kind in\n"
           "    words) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
           "    dirs) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
           "    files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
           "    esac\n}\n"
           "complete -F _bantam bantam\n");
}

/* ---- zsh ---- */

static void zsh_option(const cli_option *o)
{
    if (o->letter)
        printf("            '(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter, o->name);
    else
        printf("            '--%s[", o->name);
    quoted(o->help, "[]\\", "'\\''");
    printf("]");
    if (o->arg) {
        printf(":");
        quoted(o->arg, ":\\", "'\\''");
        switch (cli_values_of(o->arg)) {
        case CLI_VALUES_DIRS:
            printf(":_files -/");
            break;
        case CLI_VALUES_FILES:
            printf(":_files");
            break;
        case CLI_VALUES_WORDS:
            printf(":(");
            words_of(o->arg);
            printf(")");
            break;
        case CLI_VALUES_OTHER:
            printf(": ");
            break;
        }
    }
    printf("' \\\n");
}

static void zsh_spec(void *user, const cli_spec *spec)
{
    (void)user;
    printf("    '%s')\n        _arguments -s \\\n", spec->verb);
    for (const cli_option *o = spec->options; o && o->name; o++)
        zsh_option(o);
    printf("            '(- *)'{-h,--help}'[print the options and exit]' \\\n"
           "            '*:file:%s' ;;\n",
           bti_streq(spec->verb, "help") ? "_bantam_verbs" : "_files");
}

static void zsh_subverb(void *user, const cli_spec *spec)
{
    const char *sub = strchr(spec->verb, ' ');
    char text[200];
    (void)user;
    if (!sub)
        return;
    printf("'%s:", sub + 1);
    quoted(cli_summary(text, sizeof(text), spec), "\\", "'\\''");
    printf("' ");
}

static void zsh_group(void *user, const char *verb, const char *const *names)
{
    const cli_visitor one = {.spec = zsh_subverb};
    (void)user;
    (void)names;
    printf("    '%s') subverbs=(", verb);
    cli_walk(cli_find_verb(verb), &one);
    printf(") ;;\n");
}

void cli_completion_zsh(void)
{
    const cli_visitor specs = {.spec = zsh_spec}, groups = {.subverbs = zsh_group};
    printf("#compdef bantam\n"
           "# zsh completion for bantam, made by: bantam help --format zsh\n"
           "_bantam_verbs()\n{\n    local -a verbs=(\n");
    for (const cli_verb *v = cli_verbs; v->name; v++) {
        printf("        '%s:", v->name);
        quoted(v->help, "\\", "'\\''");
        printf("'\n");
    }
    printf("    )\n    _describe verb verbs\n}\n\n"
           "_bantam()\n{\n    local verb=$words[2]\n    local -a subverbs\n"
           "    if (( CURRENT == 2 )); then\n        _bantam_verbs\n        return\n    fi\n"
           "    case $verb in\n");
    walk_all(&groups);
    printf(
        "    esac\n"
        "    if (( $#subverbs && CURRENT == 3 )); then\n"
        "        _describe subverb subverbs\n        return\n    fi\n"
        "    if (( $#subverbs )); then\n"
        "        verb=\"$verb $words[3]\"\n        shift words\n        (( CURRENT-- ))\n    fi\n"
        "    shift words\n    (( CURRENT-- ))\n"
        "    case $verb in\n");
    walk_all(&specs);
    printf("    esac\n}\n\n_bantam \"$@\"\n");
}

/* ---- fish ---- */

static void fish_option(const char *verb, const cli_option *o)
{
    printf("complete -c bantam -n '__bantam_at %s' -l %s", verb, o->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    if (o->arg) {
        switch (cli_values_of(o->arg)) {
        case CLI_VALUES_DIRS:
            printf(" -x -a '(__fish_complete_directories)'");
            break;
        case CLI_VALUES_FILES:
            printf(" -r -F");
            break;
        case CLI_VALUES_WORDS:
            printf(" -x -a '");
            words_of(o->arg);
            printf("'");
            break;
        case CLI_VALUES_OTHER:
            printf(" -x");
            break;
        }
    }
    printf(" -d '");
    quoted(o->help, "\\", "\\'");
    printf("'\n");
}

static void fish_spec(void *user, const cli_spec *spec)
{
    const char *sub = strchr(spec->verb, ' ');
    (void)user;
    if (sub) {
        char text[200];
        printf("complete -c bantam -n '__bantam_group %.*s' -a %s -d '", (int)(sub - spec->verb),
               spec->verb, sub + 1);
        quoted(cli_summary(text, sizeof(text), spec), "\\", "\\'");
        printf("'\n");
    }
    for (const cli_option *o = spec->options; o && o->name; o++)
        fish_option(spec->verb, o);
    printf("complete -c bantam -n '__bantam_at %s' -l help -s h -d 'print the options and exit'\n",
           spec->verb);
    if (bti_streq(spec->verb, "help")) {
        printf("complete -c bantam -n '__bantam_group help' -a '");
        print_verb_names();
        printf("'\n");
    } else
        printf("complete -c bantam -n '__bantam_at %s' -F\n", spec->verb);
}

void cli_completion_fish(void)
{
    const cli_visitor specs = {.spec = fish_spec};
    printf("# fish completion for bantam, made by: bantam help --format fish\n"
           "function __bantam_at # verb [sub-verb] of the command line\n"
           "    set -l words (commandline -opc)\n"
           "    test \"$words[2]\" = \"$argv[1]\"; or return 1\n"
           "    test (count $argv) -eq 1; or test \"$words[3]\" = \"$argv[2]\"\n"
           "end\n"
           "function __bantam_group # the sub-verb comes next\n"
           "    set -l words (commandline -opc)\n"
           "    test (count $words) -eq 2; and test \"$words[2]\" = $argv[1]\n"
           "end\n"
           "complete -c bantam -f\n"
           "complete -c bantam -n __fish_use_subcommand -l version -d 'print the version'\n");
    for (const cli_verb *v = cli_verbs; v->name; v++) {
        printf("complete -c bantam -n __fish_use_subcommand -a %s -d '", v->name);
        quoted(v->help, "\\", "\\'");
        printf("'\n");
    }
    walk_all(&specs);
}
