/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam augment`: apply (an operation on a file), list (all of them), show (an image as training
 * saw it), preview (a contact sheet).
 */
#include "cli/cli.h"

#include "base/json.h"
#include <math.h>
#include <stdbool.h>

static int apply(int argc, char **argv)
{
    bt_augment_op op = {.value = (double)NAN};
    const cli_option options[] = {
        {.name = "op",
         .kind = CLI_TEXT,
         .to = &op.name,
         .arg = "NAME",
         .help = "operation, see `bantam augment list`"},
        {.name = "value",
         .kind = CLI_REAL,
         .to = &op.value,
         .arg = "V",
         .help = "strength in the operation's unit"},
        {.name = "seed",
         .kind = CLI_SEED,
         .to = &op.seed,
         .arg = "S",
         .help = "of operations that draw, such as Cutout's place (default 0)"},
        {.name = "with",
         .kind = CLI_TEXT,
         .to = &op.with,
         .arg = "FILE",
         .help = "the other image of SamplePairing"},
        {0},
    };
    const cli_spec spec = {
        "augment apply",
        "--op NAME [--value V] IN OUT.png",
        "Applies one operation to a JPEG, PNG or WebP and writes a PNG: bit-exact with Pillow as\n"
        "torchvision 0.14 calls it (nearest neighbour, black outside).",
        options,
        2,
        2};
    cli_args args;
    bt_error err = {0};
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    if (!op.name)
        return cli_usage(spec.verb, "--op is missing, for example --op Rotate --value 30");
    if (bt_augment_apply(&op, args.v[0], args.v[1], &err))
        return cli_fail(&err);
    return 0;
}

/* "0..0.3", "+-0..0.3 of the width": the levels of a policy. */
static void levels_text(char *buf, size_t cap, const bti_json *row)
{
    const bti_json *levels = bti_json_get(row, "levels");
    const char *of = bti_json_as_str(bti_json_get(row, "levels_of"), "value");
    double identity = bti_json_as_num(bti_json_get(row, "identity"), 1);
    bool is_signed = bti_json_as_bool(bti_json_get(row, "signed"), false);

    snprintf(buf, cap, "-");
    if (bti_json_len(levels) != 2)
        return;
    double from = bti_json_as_num(bti_json_at(levels, 0), 0);
    double to = bti_json_as_num(bti_json_at(levels, 1), 0);
    if (is_signed && identity != 0)
        snprintf(buf, cap, "%g +- %g", identity, to);
    else
        snprintf(buf, cap, "%s%.3g..%.3g%s%s", is_signed ? "+-" : "", from, to,
                 of[0] == 'v' ? "" : " ", of[0] == 'v' ? "" : of);
}

static void print_row(const bti_json *row)
{
    const char *unit = bti_json_as_str(bti_json_get(row, "unit"), NULL);
    char range[40] = "-", levels[48];

    if (unit)
        snprintf(range, sizeof(range), "%g..%g", bti_json_as_num(bti_json_get(row, "min"), 0),
                 bti_json_as_num(bti_json_get(row, "max"), 0));
    levels_text(levels, sizeof(levels), row);
    printf("%-17s %-25s %-14s %-16s %-6s %s\n", bti_json_as_str(bti_json_get(row, "name"), ""),
           unit ? unit : "-", range, levels, bti_json_as_str(bti_json_get(row, "boxes"), ""),
           bti_json_as_str(bti_json_get(row, "source"), ""));
}

static int list(int argc, char **argv)
{
    bool json = false;
    const cli_option options[] = {
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "print a JSON array"},
        {0},
    };
    const cli_spec spec = {"augment list",
                           "[--json]",
                           "The operations: unit and accepted values, the range that a policy's "
                           "levels span, what happens\nto boxes (stay, move, or a part of them is "
                           "hidden), what it equals. Labels never change.",
                           options,
                           0,
                           0};
    cli_args args;
    bt_error err = {0};
    bti_json *rows = NULL;
    char *text = NULL;
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    if (bt_augment_list(&text, &err))
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    if (bti_json_parse(&rows, text, strlen(text), "augment list", &err)) {
        bt_free(text);
        return cli_fail(&err);
    }
    printf("%-17s %-25s %-14s %-16s %-6s %s\n", "operation", "unit", "values", "levels", "boxes",
           "equals");
    for (size_t i = 0; i < bti_json_len(rows); i++)
        print_row(bti_json_at(rows, i));
    bti_json_free(rows);
    bt_free(text);
    return 0;
}

/* ---- show and preview ---- */

static int show(int argc, char **argv)
{
    bt_augment_view v = {0};
    const char *out = NULL, *study = NULL;
    int id = 0, size = 0, trial = -1;
    const cli_option options[] = {
        {"id", 'i', CLI_INT, &id, "N", "image of the training split (default 0)", 0, 2e9},
        {"epoch", 'e', CLI_INT, &v.epoch, "E", "from 0 (default 0)", 0, 1e9},
        {"policy", 'p', CLI_TEXT, &v.policy, "P", "policy or .yaml file (default flip+crop:4)", 0,
         0},
        {"seed", 0, CLI_SEED, &v.seed, "S", "of the training (default 0)", 0, 0},
        {"size", 0, CLI_INT, &size, "PX", "resolution (default by data)", 8, 1024},
        {"subset", 0, CLI_TEXT, &v.subset, "S", "as in training", 0, 0},
        {"val", 0, CLI_TEXT, &v.val, "V", "as in training", 0, 0},
        {"study", 0, CLI_TEXT, &study, "DIR", "a run directory: policy and seed are the trial's", 0,
         0},
        {"trial", 0, CLI_INT, &trial, "T", "its trial", 0, 1e9},
        {"out", 'o', CLI_TEXT, &out, "OUT.png", "file to write", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "augment show",
        "DATA --id N --epoch E --policy P -o OUT.png | --study DIR --trial T --id N -o OUT.png",
        "Writes an image of an epoch as training sees it, before normalisation, pixel for pixel.",
        options,
        0,
        1};
    cli_args args;
    bt_error err = {0};
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    if (!out)
        return cli_usage(spec.verb, "say where to: -o OUT.png");
    if ((study != NULL) != (trial >= 0) || (study != NULL) == (args.n == 1))
        return cli_usage(spec.verb, "give DATA, or --study DIR with --trial T");
    v.data = args.n ? args.v[0] : NULL;
    v.id = id;
    v.data_opt = cli_data_options(size, NULL, cli_progress(true));
    if (study ? bt_search_show(study, trial, id, v.epoch, out, &err)
              : bt_augment_show(&v, out, &err))
        return cli_fail(&err);
    return 0;
}

static int preview(int argc, char **argv)
{
    bt_augment_view v = {0};
    const char *out = "preview.png";
    int id = 0, size = 0, columns = 8;
    const cli_option options[] = {
        {"policy", 'p', CLI_TEXT, &v.policy, "P", "rows are images, columns epochs", 0, 0},
        {"id", 'i', CLI_INT, &id, "N", "(first) image (default 0)", 0, 2e9},
        {"epoch", 'e', CLI_INT, &v.epoch, "E", "first epoch (default 0)", 0, 1e9},
        {"columns", 'c', CLI_INT, &columns, "N", "levels or epochs (default 8)", 2, 64},
        {"seed", 0, CLI_SEED, &v.seed, "S", "of everything random (default 0)", 0, 0},
        {"size", 0, CLI_INT, &size, "PX", "resolution (default by data)", 8, 1024},
        {"out", 'o', CLI_TEXT, &out, "FILE", ".png or .html (default preview.png)", 0, 0},
        {0},
    };
    const cli_spec spec = {"augment preview",
                           "DATA [--policy P] [-o FILE.png|FILE.html]",
                           "A contact sheet: every operation from its first level to its last, or\n"
                           "images under a policy, an epoch a column.",
                           options,
                           1,
                           1};
    cli_args args;
    bt_error err = {0};
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    v.data = args.v[0];
    v.id = id;
    v.data_opt = cli_data_options(size, NULL, cli_progress(true));
    if (bt_augment_preview(&v, columns, out, &err))
        return cli_fail(&err);
    fprintf(stderr, "%s is written\n", out);
    return 0;
}

int cmd_augment(int argc, char **argv)
{
    static const char *const names[] = {"apply", "list", "show", "preview", NULL};
    static int (*const verbs[])(int, char **) = {apply, list, show, preview};
    int status;
    int which = cli_subverb("augment", names, argc, argv, &status);

    return which < 0 ? status : verbs[which](argc - 1, argv + 1);
}
