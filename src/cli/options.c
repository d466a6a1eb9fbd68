/* SPDX-License-Identifier: Apache-2.0
 *
 * One option table a verb: parsing by getopt_long, help and errors from the same rows.
 */
#include "cli/cli.h"

#include "base/files.h"
#include "base/metric.h"
#include "base/str.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>

#define MAX_OPTIONS 64

/* Set while cli_walk runs a verb: tables go there instead of being used. */
static const cli_visitor *visitor;
static const char *const *visited_names;

void cli_walk(const cli_verb *verb, const cli_visitor *v)
{
    char name[32], sub[32] = "--help", help[] = "--help";
    char *argv[] = {name, sub, help, NULL};
    const cli_visitor *outer = visitor; /* a visitor may walk, too */
    const char *const *outer_names = visited_names;
    snprintf(name, sizeof(name), "%s", verb->name);
    visitor = v;
    visited_names = NULL;
    verb->run(2, argv);
    const char *const *names = visited_names;
    for (int i = 0; names && names[i]; i++) {
        snprintf(sub, sizeof(sub), "%s", names[i]);
        verb->run(3, argv);
    }
    visitor = outer;
    visited_names = outer_names;
}

static void print_help(const cli_spec *spec)
{
    printf("usage: bantam %s %s\n\n%s\n", spec->verb, spec->synopsis, spec->about);
    if (spec->options && spec->options[0].name)
        printf("\noptions:\n");
    for (const cli_option *o = spec->options; o && o->name; o++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        if (o->letter)
            printf("  -%c, %-26s %s\n", o->letter, left, o->help);
        else
            printf("      %-26s %s\n", left, o->help);
    }
}

int cli_usage(const char *verb, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("bantam: ", stderr);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, " (see bantam %s%s--help)\n", verb ? verb : "", verb ? " " : "");
    return 2;
}

static int set_number(const cli_spec *spec, const cli_option *o, const char *text)
{
    bool bounded = o->lo != 0 || o->hi != 0;
    if (o->kind == CLI_INT) {
        int64_t v;
        int64_t lo = bounded ? (int64_t)o->lo : INT32_MIN;
        int64_t hi = bounded ? (int64_t)o->hi : INT32_MAX;
        if (!bti_parse_int(text, lo, hi, &v))
            return cli_usage(spec->verb, "--%s: '%s' is not a whole number from %lld to %lld",
                             o->name, text, (long long)lo, (long long)hi);
        *(int *)o->to = (int)v;
        return -1;
    }
    double v;
    if (!bti_parse_double(text, &v) || (bounded && (v < o->lo || v > o->hi)))
        return cli_usage(spec->verb, "--%s: '%s' is not a number from %g to %g", o->name, text,
                         o->lo, o->hi);
    *(double *)o->to = v;
    return -1;
}

static int set_recipe(const cli_option *o, const char *text)
{
    char key[64];
    bt_error err = {0};
    snprintf(key, sizeof(key), "%s", o->name);
    for (char *p = key; *p; p++)
        if (*p == '-')
            *p = '_';
    char where[72];
    snprintf(where, sizeof(where), "--%s", o->name);
    if (bt_recipe_set((bt_recipe *)o->to, key, text, where, 0, &err))
        return cli_fail(&err);
    return -1;
}

static int set_limit(const cli_spec *spec, const cli_option *o, const char *text)
{
    bt_limit *limit = o->to;
    const char *expected;
    if (bti_metric_parse(bti_metric_find(limit->metric), text, &limit->bound, &expected))
        return -1;
    return cli_usage(spec->verb, "--%s: '%s' is not %s", o->name, text, expected);
}

/* -1: set; otherwise the exit status. */
static int set_option(const cli_spec *spec, const cli_option *o, const char *text)
{
    int64_t v;
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)o->to = true;
        return -1;
    case CLI_TEXT:
        *(const char **)o->to = text;
        return -1;
    case CLI_INT:
    case CLI_REAL:
        return set_number(spec, o, text);
    case CLI_COUNT:
        if (!bti_parse_count(text, (int64_t *)o->to))
            return cli_usage(spec->verb, "--%s: '%s' is not a count such as 50k or 1.2M", o->name,
                             text);
        return -1;
    case CLI_TIME:
        if (!bti_parse_duration(text, (double *)o->to))
            return cli_usage(spec->verb, "--%s: '%s' is not a time such as 45s, 5m or 8h", o->name,
                             text);
        return -1;
    case CLI_SEED:
        if (!bti_parse_int(text, 0, INT64_MAX, &v))
            return cli_usage(spec->verb, "--%s: '%s' is not a whole number from 0", o->name, text);
        *(uint64_t *)o->to = (uint64_t)v;
        return -1;
    case CLI_LIMIT:
        return set_limit(spec, o, text);
    case CLI_LIST:
        if (((cli_list *)o->to)->n == CLI_LIST_MAX)
            return cli_usage(spec->verb, "--%s: at most %d of them", o->name, CLI_LIST_MAX);
        ((cli_list *)o->to)->v[((cli_list *)o->to)->n++] = text;
        return -1;
    case CLI_RECIPE:
        return set_recipe(o, text);
    case CLI_RECIPE_FLAG:
        return set_recipe(o, "true");
    }
    return -1;
}

static int unknown_option(const cli_spec *spec, char **argv, int index)
{
    const char *names[MAX_OPTIONS + 2] = {"help"};
    int n = 1;
    for (const cli_option *o = spec->options; o && o->name && n < MAX_OPTIONS; o++)
        names[n++] = o->name;
    names[n] = NULL;
    char word[64];
    const char *given = argv[index];
    snprintf(word, sizeof(word), "%s", given + strspn(given, "-"));
    char *eq = strchr(word, '=');
    if (eq)
        *eq = '\0';
    for (const cli_option *o = spec->options; o && o->name; o++)
        if (bti_streq(o->name, word))
            return o->arg ? cli_usage(spec->verb, "--%s needs a value (%s)", word, o->arg)
                          : cli_usage(spec->verb, "--%s takes no value", word);
    const char *near = bti_nearest(word, names);
    if (near)
        return cli_usage(spec->verb, "unknown option %s: did you mean --%s?", given, near);
    return cli_usage(spec->verb, "unknown option %s", given);
}

int cli_parse(const cli_spec *spec, int argc, char **argv, cli_args *args)
{
    if (visitor) {
        if (visitor->spec)
            visitor->spec(visitor->user, spec);
        return 0;
    }
    struct option longs[MAX_OPTIONS + 2] = {{"help", no_argument, NULL, 'h'}};
    char shorts[2 * MAX_OPTIONS + 8] = ":h";
    size_t n = 1, s = 2;
    for (const cli_option *o = spec->options; o && o->name && n < MAX_OPTIONS; o++, n++) {
        longs[n] = (struct option){o->name, o->arg ? required_argument : no_argument, NULL,
                                   (int)(256 + n)};
        if (!o->letter)
            continue;
        shorts[s++] = o->letter;
        if (o->arg)
            shorts[s++] = ':';
    }
    shorts[s] = '\0';
    opterr = 0;
    optind = 1;
    for (;;) {
        int before = optind;
        int c = getopt_long(argc, argv, shorts, longs, NULL);
        if (c == -1)
            break;
        if (c == 'h') {
            print_help(spec);
            return 0;
        }
        if (c == '?' || c == ':')
            return unknown_option(spec, argv, optind > before ? optind - 1 : before);
        const cli_option *o = NULL;
        if (c > 256)
            o = &spec->options[c - 257];
        for (const cli_option *i = spec->options; !o && i && i->name; i++)
            if (i->letter == c)
                o = i;
        int status = o ? set_option(spec, o, optarg) : -1;
        if (status >= 0)
            return status;
    }
    const int first_line = (int)strcspn(spec->synopsis, "\n");
    args->n = argc - optind;
    args->v = argv + optind;
    if (args->n < spec->min_args || (spec->max_args >= 0 && args->n > spec->max_args)) {
        if (args->n > spec->max_args && spec->max_args >= 0)
            return cli_usage(spec->verb, "unexpected argument '%s'; usage: bantam %s %.*s",
                             args->v[spec->max_args], spec->verb, first_line, spec->synopsis);
        return cli_usage(spec->verb, "something is missing; usage: bantam %s %.*s", spec->verb,
                         first_line, spec->synopsis);
    }
    return -1;
}

int cli_subverb(const char *verb, const char *const *names, int argc, char **argv, int *status)
{
    char list[128] = "";
    if (visitor && !visited_names) {
        visited_names = names;
        if (visitor->subverbs)
            visitor->subverbs(visitor->user, verb, names);
        *status = 0;
        return -1;
    }
    for (int i = 0; names[i]; i++) {
        if (argc > 1 && bti_streq(argv[1], names[i]))
            return i;
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", names[i]);
    }
    if (argc > 1 && (bti_streq(argv[1], "--help") || bti_streq(argv[1], "-h"))) {
        cli_print_subverbs(verb, names);
        *status = 0;
        return -1;
    }
    const char *near = argc > 1 ? bti_nearest(argv[1], names) : NULL;
    if (near)
        *status = cli_usage(verb, "%s: unknown '%s': did you mean %s?", verb, argv[1], near);
    else
        *status = cli_usage(verb, "%s: expected one of %s", verb, list);
    return -1;
}

const char *cli_study(const cli_args *args)
{
    return args->n ? args->v[0] : bti_is_file("study.db") ? "." : "bantam-run";
}
