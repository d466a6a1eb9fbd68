/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam space info FILE`: what a search space holds. FILE may be a shipped name (auto, brief,
 * fashion7, cifar7, taco7, and the policy spaces autoaugment and randaugment).
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/str.h"

#include <inttypes.h>

static void print_quantiles(const bti_json *o, const char *key, const char *label)
{
    static const char *const names[] = {"q05", "q50", "q95"};
    const bti_json *q = bti_json_get(o, key);
    if (bti_json_is_null(q))
        return;
    printf("%-14s", label);
    for (int i = 0; i < 3; i++) {
        char text[16];
        printf("%s%s", i ? " / " : "",
               bti_format_count(text, bti_json_as_num(bti_json_get(q, names[i]), 0)));
    }
    printf("   (5 / 50 / 95 %%)\n");
}

/* "37347961508900910815664 (3.73e+22)" */
static void print_size(const bti_json *o, const char *key, const char *label, const char *note)
{
    const char *digits = bti_json_as_str(bti_json_get(o, key), NULL);
    double v;
    if (!digits)
        printf("%-14stoo entangled to count\n", label);
    else if (bti_parse_double(digits, &v) && strlen(digits) > 6)
        printf("%-14s%s (%.2e)%s\n", label, digits, v, note);
    else
        printf("%-14s%s%s\n", label, digits, note);
}

static void print_params(const bti_json *list)
{
    size_t width = 0;
    for (size_t i = 0; i < bti_json_len(list); i++) {
        size_t n = strlen(bti_json_as_str(bti_json_get(bti_json_at(list, i), "name"), ""));
        width = n > width ? n : width;
    }
    printf("parameters    %zu\n", bti_json_len(list));
    for (size_t i = 0; i < bti_json_len(list); i++) {
        const bti_json *one = bti_json_at(list, i);
        printf("  %-*s  %s\n", (int)width, bti_json_as_str(bti_json_get(one, "name"), ""),
               bti_json_as_str(bti_json_get(one, "domain"), ""));
    }
}

static void print_constraints(const bti_json *o)
{
    const char *name;
    const bti_json *b;
    for (size_t i = 0; bti_json_pair(o, i, &name, &b); i++) {
        char lo[16], hi[16];
        bti_format_count(lo, bti_json_as_num(bti_json_at(b, 0), 0));
        const bti_json *upper = bti_json_at(b, 1);
        printf("%-14s%s %s to %s\n", i ? "" : "constraints", name, lo,
               bti_json_is_null(upper) ? "any" : bti_format_count(hi, bti_json_as_num(upper, 0)));
    }
}

static void print_text(const bti_json *o)
{
    int64_t draws = bti_json_as_int(bti_json_get(o, "draws"), 0);
    int64_t feasible = bti_json_as_int(bti_json_get(o, "feasible"), 0);
    bool continuous = bti_json_as_bool(bti_json_get(o, "continuous"), false);
    printf("space         %s\n", bti_json_as_str(bti_json_get(o, "name"), ""));
    print_params(bti_json_get(o, "parameters"));
    print_size(o, "size", "size", continuous ? ", continuous parameters counted once" : "");
    if (bti_json_get(o, "network_size") &&
        strcmp(bti_json_as_str(bti_json_get(o, "size"), ""),
               bti_json_as_str(bti_json_get(o, "network_size"), "")))
        print_size(o, "network_size", "networks", ", assignments without train and augment");
    print_constraints(bti_json_get(o, "constraints"));
    if (!draws)
        return;
    printf("feasible      %.1f %% (%" PRId64 " of %" PRId64 " draws)\n",
           100.0 * (double)feasible / (double)draws, feasible, draws);
    print_quantiles(o, "params", "params");
    print_quantiles(o, "feasible_params", "  feasible");
    print_quantiles(o, "macs", "macs");
}

static int narrow(int argc, char **argv)
{
    int keep = 6, status;
    bool json = false;
    const char *out = NULL;
    const cli_option options[] = {
        {.name = "keep",
         .kind = CLI_INT,
         .to = &keep,
         .arg = "N",
         .help = "parameters that stay free (6)",
         .lo = 1,
         .hi = 1000},
        {.name = "output",
         .letter = 'o',
         .kind = CLI_TEXT,
         .to = &out,
         .arg = "FILE",
         .help = "the space file to write; required"},
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "print one JSON object"},
        {0},
    };
    const cli_spec spec = {
        "space narrow",
        "[STUDY] -o FILE [--keep N]",
        "Writes the study's space with all but the most important parameters frozen at\n"
        "the commonest value of its good trials.",
        options,
        0,
        1};
    cli_args args;
    bt_error err = {0};
    char *text;
    status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (!out)
        return cli_usage("space narrow", "say where to write it: -o small.yaml");
    const char *study = cli_study(&args);
    if (bt_space_narrow(&text, study, keep, out, &err))
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    const bti_json *kept = bti_json_get(o, "kept");
    printf("%s: %d parameters frozen, free are\n", out,
           (int)bti_json_as_int(bti_json_get(o, "frozen"), 0));
    for (size_t i = 0; i < bti_json_len(kept); i++)
        printf("  %s\n", bti_json_as_str(bti_json_at(kept, i), ""));
    bti_json_free(o);
    return 0;
}

int cmd_space(int argc, char **argv)
{
    static const char *const verbs[] = {"info", "narrow", NULL};
    int status, classes = 0, size = 0, channels = 0, draws = 1000;
    uint64_t seed = 0;
    bool json = false;
    int sub = cli_subverb("space", verbs, argc, argv, &status);
    if (sub < 0)
        return status;
    if (sub == 1)
        return narrow(argc - 1, argv + 1);
    const cli_option options[] = {
        {.name = "classes",
         .kind = CLI_INT,
         .to = &classes,
         .arg = "N",
         .help = "what $classes stands for (10)",
         .lo = 1,
         .hi = 1e6},
        {.name = "size",
         .kind = CLI_INT,
         .to = &size,
         .arg = "S",
         .help = "what $size stands for, in pixels (32)",
         .lo = 1,
         .hi = 4096},
        {.name = "channels",
         .kind = CLI_INT,
         .to = &channels,
         .arg = "C",
         .help = "what $channels stands for (3)",
         .lo = 1,
         .hi = 1024},
        {.name = "draws",
         .kind = CLI_INT,
         .to = &draws,
         .arg = "N",
         .help = "random networks to measure (1000)",
         .lo = 0,
         .hi = 1e6},
        {.name = "seed", .kind = CLI_SEED, .to = &seed, .arg = "N", .help = "of the draws (0)"},
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "print one JSON object"},
        {0},
    };
    const cli_spec spec = {"space info",
                           "FILE [options]",
                           "Parameters, exact size and cost of a search space. FILE: a space file, "
                           "or auto, brief, fashion7, cifar7 or taco7.",
                           options,
                           1,
                           1};
    cli_args args;
    status = cli_parse(&spec, argc - 1, argv + 1, &args);
    if (status >= 0)
        return status;

    bt_error err = {0};
    char *text = NULL;
    if (bt_space_info(&text, args.v[0], classes, size, channels, draws, seed, &err))
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    print_text(o);
    bti_json_free(o);
    return 0;
}
