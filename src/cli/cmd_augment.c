/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam augment`: apply (an operation on a file), list (all of them), show (an image as training
 * saw it), preview (a contact sheet), run (a whole data set, with its boxes).
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
        "Applies one operation to a JPEG, PNG or WebP and writes a PNG: bit-exact with Pillow\n"
        "where it has a counterpart, see `bantam augment list`.",
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
    char *text = NULL;
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    if (bt_augment_list(&text, &err))
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    bti_json *rows = cli_json(text);
    if (!rows)
        return 1;
    printf("%-17s %-25s %-14s %-16s %-6s %s\n", "operation", "unit", "values", "levels", "boxes",
           "equals");
    for (size_t i = 0; i < bti_json_len(rows); i++)
        print_row(bti_json_at(rows, i));
    bti_json_free(rows);
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
        {"copy", 0, CLI_INT, &v.copy, "K",
         "of an image that oversampling shows several times (default 0)", 0, 1e6},
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
    if (study ? bt_search_show(study, trial, id, v.epoch, v.copy, out, &err)
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

/* What a run did, for people. */
static void print_run(const bti_json *all, const char *out)
{
    const bti_json *found = bti_json_get(all, "findings"), *n;
    const char *name;

    printf("%lld images in %s from %lld, %lld made now\n",
           (long long)bti_json_as_int(bti_json_get(all, "images"), 0), out,
           (long long)bti_json_as_int(bti_json_get(all, "images_in"), 0),
           (long long)bti_json_as_int(bti_json_get(all, "made_now"), 0));
    if (bti_json_get(all, "boxes"))
        printf("%lld boxes from %lld, %lld dropped: too little of them is left\n",
               (long long)bti_json_as_int(bti_json_get(all, "boxes"), 0),
               (long long)bti_json_as_int(bti_json_get(all, "boxes_in"), 0),
               (long long)bti_json_as_int(bti_json_get(all, "boxes_dropped"), 0));
    for (size_t i = 0; bti_json_pair(found, i, &name, &n); i++)
        printf("found: %s %lld\n", name, (long long)bti_json_as_int(n, 0));
}

static int run(int argc, char **argv)
{
    bt_augment_run_options o = bt_augment_run_defaults();
    bool json = false, no_originals = false, quiet = false;
    const cli_option options[] = {
        {"format", 'f', CLI_TEXT, &o.format, "F", "coco|voc|yolo|folder (default: by IN)", 0, 0},
        {"policy", 'p', CLI_TEXT, &o.policy, "P", "policy or policy file (default flip)", 0, 0},
        {"copies", 'k', CLI_INT, &o.copies, "K", "augmented images per image (default 1)", 0, 1e6},
        {"no-originals", 0, CLI_FLAG, &no_originals, NULL, "leave out the images as they are", 0,
         0},
        {"mosaic", 0, CLI_REAL, &o.mosaic, "P", "share that is a mosaic of four (default 0)", 0, 1},
        {"mosaic9", 0, CLI_REAL, &o.mosaic9, "P", "share that is a mosaic of nine (default 0)", 0,
         1},
        {"mixup", 0, CLI_REAL, &o.mixup, "P", "share that is blended with another (default 0)", 0,
         1},
        {"cutmix", 0, CLI_REAL, &o.cutmix, "P", "share with a rectangle of another (default 0)", 0,
         1},
        {"copy-paste", 0, CLI_REAL, &o.copy_paste, "P", "share with objects of another (default 0)",
         0, 1},
        {"seed", 's', CLI_SEED, &o.seed, "S", "of everything random (default 0)", 0, 0},
        {"split", 0, CLI_TEXT, &o.split, "train|val|test", "of VOC and YOLO (default train)", 0, 0},
        {"images", 0, CLI_TEXT, &o.images, "DIR", "where the images are (default by format)", 0, 0},
        {"min-visible", 0, CLI_REAL, &o.min_visible, "V",
         "drop boxes of which less is left (default 0.1)", 0, 1},
        {"min-side", 0, CLI_REAL, &o.min_side, "PX", "drop boxes that are thinner (default 1)", 0,
         1e6},
        {"strict", 0, CLI_FLAG, &o.strict, NULL, "the first bad annotation is an error", 0, 0},
        {"threads", 't', CLI_INT, &o.threads, "N", "(default: all cores)", 1, 1024},
        {"json", 0, CLI_FLAG, &json, NULL, "print a JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &quiet, NULL, "warnings only", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "augment run",
        "IN OUT [--format F] [--policy P] [--copies K] [--seed S]",
        "Writes an augmented data set into the folder OUT, boxes moved with the pixels. OUT has "
        "the\n"
        "format of IN: COCO, VOC, YOLO or class folders. OUT/manifest.jsonl says what made each\n"
        "image. The same command again makes the images that are missing.",
        options,
        2,
        2};
    cli_args args;
    bt_error err = {0};
    char *text = NULL;
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    o.originals = !no_originals;
    o.progress = cli_progress(quiet);
    o.stop = cli_stop();
    bt_status rc = bt_augment_run(&text, args.v[0], args.v[1], &o, &err);
    cli_progress_end();
    if (rc)
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    bti_json *all = cli_json(text);
    if (!all)
        return 1;
    print_run(all, args.v[1]);
    bti_json_free(all);
    return 0;
}

int cmd_augment(int argc, char **argv)
{
    static const char *const names[] = {"apply", "list", "show", "preview", "run", NULL};
    static int (*const verbs[])(int, char **) = {apply, list, show, preview, run};
    int status;
    int which = cli_subverb("augment", names, argc, argv, &status);

    return which < 0 ? status : verbs[which](argc - 1, argv + 1);
}
