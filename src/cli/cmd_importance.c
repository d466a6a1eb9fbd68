/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam importance [STUDY]`: which parameters of the space matter.
 */
#include "cli/cli.h"

#include "base/json.h"

static const char *best_text(char *buf, size_t cap, const bti_json *v)
{
    const char *text = bti_json_as_str(v, NULL);
    if (text)
        return text;
    snprintf(buf, cap, "%g", bti_json_as_num(v, 0));
    return buf;
}

static void print_target(const char *name, const bti_json *rows, int top)
{
    printf("\n%s\n", name);
    for (size_t i = 0; i < bti_json_len(rows) && (int)i < top; i++) {
        char buf[32];
        const bti_json *one = bti_json_at(rows, i);
        printf("  %5.1f %%  %-34s best %s\n",
               100 * bti_json_as_num(bti_json_get(one, "importance"), 0),
               bti_json_as_str(bti_json_get(one, "parameter"), ""),
               best_text(buf, sizeof(buf), bti_json_get(one, "best")));
    }
}

static int print_text(char *text, int top)
{
    const char *name;
    const bti_json *rows;
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    printf("share of variance that a parameter explains alone (fANOVA, %d trials)\n",
           (int)bti_json_as_int(bti_json_get(o, "trials"), 0));
    bti_json_walk walk = bti_json_first(bti_json_get(o, "importance"));
    while (bti_json_next(&walk, &name, &rows))
        print_target(name, rows, top);
    bti_json_free(o);
    return 0;
}

int cmd_importance(int argc, char **argv)
{
    bool json = false;
    int top = 10;
    const cli_option options[] = {
        {.name = "top",
         .kind = CLI_INT,
         .to = &top,
         .arg = "N",
         .help = "parameters shown of each objective (10)",
         .lo = 1,
         .hi = 1000},
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "all of them as one JSON object"},
        {0},
    };
    const cli_spec spec = {
        "importance",
        "[STUDY] [--top N] [--json]",
        "Which parameters of the space decide each objective, and who is on the front.\n"
        "`bantam space narrow` freezes the others.",
        options,
        0,
        1};
    cli_args args;
    bt_error err = {0};
    char *text;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    const char *study = cli_study(&args);
    if (bt_importance(&text, study, &err))
        return cli_fail(&err);
    return json ? cli_print(text) : print_text(text, top);
}
