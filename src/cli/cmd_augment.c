/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam augment apply` and `bantam augment list`: the operations, one image at a time.
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

int cmd_augment(int argc, char **argv)
{
    static const char *const names[] = {"apply", "list", NULL};
    int status;
    int which = cli_subverb("augment", names, argc, argv, &status);

    if (which < 0)
        return status;
    return (which == 0 ? apply : list)(argc - 1, argv + 1);
}
