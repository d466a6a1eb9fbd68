/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam front [STUDY]`: what a search has found so far, as a table, CSV, JSON or a picture.
 */
#include "cli/cli.h"

#include "base/alloc.h"
#include "base/files.h"

#include <string.h>

static int write_picture(const char *study, const char *path)
{
    bt_error err = {0};
    char *svg;
    if (bt_front(&svg, study, BT_FRONT_SVG, &err))
        return cli_fail(&err);
    bt_status rc = bti_file_write(path, svg, strlen(svg), &err);
    bti_free(svg);
    return rc ? cli_fail(&err) : 0;
}

int cmd_front(int argc, char **argv)
{
    bool csv = false, json = false;
    const char *svg = NULL;
    const cli_option options[] = {
        {.name = "csv", .kind = CLI_FLAG, .to = &csv, .help = "a row a model, with a header"},
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "one JSON object"},
        {.name = "svg",
         .kind = CLI_TEXT,
         .to = &svg,
         .arg = "FILE",
         .help = "draw every trial and the front into FILE"},
        {0},
    };
    const cli_spec spec = {
        "front",
        "[STUDY] [--csv | --json | --svg FILE]",
        "The models of a study that no other beats in accuracy and parameters.\n"
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
    const char *study = args.n ? args.v[0] : bti_is_file("study.db") ? "." : "bantam-run";
    if (svg)
        return write_picture(study, svg);
    bt_front_format format = csv ? BT_FRONT_CSV : json ? BT_FRONT_JSON : BT_FRONT_TABLE;
    if (bt_front(&text, study, format, &err))
        return cli_fail(&err);
    return cli_print(text);
}
