/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam pick [STUDY]`: the folder of one model of the front.
 */
#include "cli/cli.h"

#include "base/files.h"
#include "base/json.h"
#include "base/metric.h"

static int print_pick(const char *study, char *text)
{
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    const char *path = bti_json_as_str(bti_json_get(o, "path"), NULL);
    if (path && path[0] != '/' && bti_is_dir(study))
        printf("%s/%s\n", study, path);
    else
        printf("%s\n", path ? path : bti_json_as_str(bti_json_get(o, "name"), ""));
    bti_json_free(o);
    return 0;
}

int cmd_pick(int argc, char **argv)
{
    bt_limit limit[BTI_METRICS];
    bool json = false, knee = false;
    const char *within = NULL;
    cli_list baselines = {0};
    for (int i = 0; i < BTI_METRICS; i++)
        limit[i] = (bt_limit){.metric = bti_metric_names()[i]};
    const cli_option options[] = {
#define METRIC(id, name, goal, source, unit, low, high, option, label)                             \
    {option, 0, CLI_LIMIT, &limit[BTI_METRIC_##id], "N", "only models within this " label, 0, 0},
#include "base/metrics.def"
#undef METRIC
        {.name = "knee",
         .kind = CLI_FLAG,
         .to = &knee,
         .help = "the best value: farthest above the line from the smallest to the best"},
        {.name = "smallest-within",
         .kind = CLI_TEXT,
         .to = &within,
         .arg = "P[:NAME]",
         .help = "the smallest within P of a baseline or of the best: 1%:resnet20"},
        {.name = "baseline",
         .kind = CLI_LIST,
         .to = &baselines,
         .arg = "NAME=N,A",
         .help = "a known model by cost and quality: resnet20=272k,91.25%"},
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "one JSON object"},
        {0},
    };
    const cli_spec spec = {
        "pick",
        "[STUDY] [limits] [--knee | --smallest-within P[:NAME]]",
        "The folder of the best model of the front within the limits; chosen by\n"
        "what the search saw on validation, never by test.",
        options,
        0,
        1};
    cli_args args;
    bt_error err = {0};
    char *text;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (knee && within)
        return cli_usage("pick", "--knee and --smallest-within exclude each other");
    const char *study = cli_study(&args);
    const bt_pick_options opt = {.limit = limit,
                                 .n_limits = BTI_METRICS,
                                 .knee = knee,
                                 .within = within,
                                 .baseline = baselines.v,
                                 .n_baselines = baselines.n};
    if (bt_pick(&text, study, &opt, &err))
        return cli_fail(&err);
    return json ? cli_print(text) : print_pick(study, text);
}
