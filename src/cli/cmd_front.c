/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam front [STUDY]`: what a search has found so far, as a table, CSV, JSON or a picture.
 */
#include "cli/cli.h"

#include "base/alloc.h"
#include "base/files.h"

#include <string.h>

static int write_picture(const char *study, const bt_front_options *opt, const char *path)
{
    bt_error err = {0};
    char *svg;
    if (bt_front(&svg, study, opt, &err))
        return cli_fail(&err);
    bt_status rc = bti_file_write(path, svg, strlen(svg), &err);
    bti_free(svg);
    return rc ? cli_fail(&err) : 0;
}

int cmd_front(int argc, char **argv)
{
    bool csv = false, json = false;
    const char *svg = NULL;
    cli_list baselines = {0}, within = {0};
    const cli_option options[] = {
        {.name = "csv", .kind = CLI_FLAG, .to = &csv, .help = "a row a model, with a header"},
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "one JSON object"},
        {.name = "svg",
         .kind = CLI_TEXT,
         .to = &svg,
         .arg = "FILE",
         .help = "draw every trial and the front into FILE"},
        {.name = "baseline",
         .kind = CLI_LIST,
         .to = &baselines,
         .arg = "NAME=N,A",
         .help = "mark a known model by cost and quality: resnet20=272k,91.25% (may be repeated)"},
        {.name = "smallest-within",
         .kind = CLI_LIST,
         .to = &within,
         .arg = "P[:NAME]",
         .help = "the smallest model within P of a baseline or of the best: 1%:resnet20"},
        {0},
    };
    const cli_spec spec = {
        "front",
        "[STUDY] [--csv | --json | --svg FILE] [--baseline NAME=N,A]",
        "The models of a study that no other beats in its objectives, and which one to take.\n"
        "STUDY: a run directory, a .db file or sqlite:///FILE[#NAME]; the default is the run in\n"
        "this directory, else in bantam-run.",
        options,
        0,
        1};
    cli_args args;
    bt_error err = {0};
    char *text;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (csv + json + (svg != NULL) > 1)
        return cli_usage("front", "--csv, --json and --svg exclude each other");
    const char *study = cli_study(&args);
    const bt_front_options opt = {.format = svg    ? BT_FRONT_SVG
                                            : csv  ? BT_FRONT_CSV
                                            : json ? BT_FRONT_JSON
                                                   : BT_FRONT_TABLE,
                                  .baseline = baselines.v,
                                  .n_baselines = baselines.n,
                                  .within = within.v,
                                  .n_within = within.n};
    if (svg)
        return write_picture(study, &opt, svg);
    if (bt_front(&text, study, &opt, &err))
        return cli_fail(&err);
    return cli_print(text);
}
