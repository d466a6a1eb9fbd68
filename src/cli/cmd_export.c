/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam export`: a trained model as C sources for a microcontroller, or as an ONNX file.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/str.h"

static double number(const bti_json *o, const char *key)
{
    return bti_json_as_num(bti_json_get(o, key), 0);
}

/* How near the export is to what was trained. */
static void print_proof(const bti_json *o)
{
    if (bti_json_get(o, "calibration"))
        printf("int8: ranges by %s%s; the class of f32 on %.2f%% of %.0f calibration images\n",
               bti_json_as_str(bti_json_get(o, "calibration"), ""),
               bti_json_as_bool(bti_json_get(o, "equalised"), false) ? ", channels equalised" : "",
               100 * number(o, "agreement"), number(o, "images"));
    else
        printf("f32: logits within %.1e of the training engine's largest on %.0f images\n",
               number(o, "difference"), number(o, "images"));
}

static void print_c(const bti_json *o, const char *dir)
{
    const bti_json *files = bti_json_get(o, "files");

    printf("%s/%s and %s: flash %.0f bytes (constants %.0f, code about %.0f), RAM %.0f bytes of "
           "arena and at most %.0f of stack\n",
           dir, bti_json_as_str(bti_json_at(files, 0), ""),
           bti_json_as_str(bti_json_at(files, 1), ""), number(o, "flash_bytes"),
           number(o, "constants_bytes"), number(o, "code_bytes"), number(o, "arena_bytes"),
           number(o, "stack_bytes"));
}

static void print_onnx(const bti_json *o, const char *file)
{
    printf("%s: %.0f bytes\n", file, number(o, "bytes"));
}

/* -1: what was given makes an export; otherwise the exit status. */
static int check(const char *verb, const char *out, const char *target, const char *dtype)
{
    if (!out)
        return cli_usage(verb, "-o is missing: into which %s?", target);
    if (!bti_streq(dtype, "f32") && !bti_streq(dtype, "int8"))
        return cli_usage(verb, "--dtype: '%s' is not f32 or int8", dtype);
    return -1;
}

/* Ends the verb with what bt_export_*() returned. */
static int finish(bt_status rc, char *text, bool json, const char *out,
                  void (*print)(const bti_json *o, const char *out), bt_error *err)
{
    cli_progress_end();
    if (rc)
        return cli_fail(err);
    if (json)
        return cli_print(text);
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    print(o, out);
    print_proof(o);
    bti_json_free(o);
    return 0;
}

static void fill_quant(bt_quant_options *quant, bool quiet)
{
    quant->progress = cli_progress(quiet);
    quant->data_opt = cli_data_options(0, NULL, quant->progress);
}

static int export_c(int argc, char **argv)
{
    bt_export_options opt = bt_export_defaults();
    bool json = false, quiet = false;
    const cli_option options[] = {
        {"out", 'o', CLI_TEXT, &opt.out_dir, "DIR", "new or empty folder; required", 0, 0},
        {"dtype", 0, CLI_TEXT, &opt.dtype, "f32|int8", "(default: f32)", 0, 0},
        {"calibrate", 0, CLI_TEXT, &opt.quant.calibrate, "DATA:N",
         "int8: N images to find ranges on (default: 500 of those it was trained on)", 0, 0},
        {"calibration", 0, CLI_TEXT, &opt.quant.calibration, "RULE",
         "int8: auto (default), minmax, percentile or mse", 0, 0},
        {"name", 0, CLI_TEXT, &opt.name, "NAME", "of files and functions (model)", 0, 0},
        {"threads", 't', CLI_INT, &opt.quant.threads, "N", "(default: all cores)", 1, 1024},
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &quiet, NULL, "no progress", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "export c",
        "MODEL_DIR -o DIR [--dtype f32|int8] [--calibrate DATA:500]",
        "A trained model as one .c and one .h for a microcontroller: C99, no allocation, one "
        "static\n"
        "arena. gcc -DMODEL_SELFTEST DIR/*.c makes a program that checks itself.",
        options,
        1,
        1};
    cli_args args;
    bt_error err = {0};
    char *text = NULL;

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    status = check("export c", opt.out_dir, "folder", opt.dtype);
    if (status >= 0)
        return status;
    opt.model_dir = args.v[0];
    fill_quant(&opt.quant, quiet);
    bt_status rc = bt_export_c(&text, &opt, &err);
    return finish(rc, text, json, opt.out_dir, print_c, &err);
}

static int export_onnx(int argc, char **argv)
{
    bt_onnx_options opt = bt_onnx_defaults();
    bool json = false, quiet = false;
    const cli_option options[] = {
        {"out", 'o', CLI_TEXT, &opt.out, "FILE", "model.onnx; replaced if it is there; required", 0,
         0},
        {"dtype", 0, CLI_TEXT, &opt.dtype, "f32|int8", "int8: QDQ (default: f32)", 0, 0},
        {"calibrate", 0, CLI_TEXT, &opt.quant.calibrate, "DATA:N",
         "int8: N images to find ranges on (default: 500 of those it was trained on)", 0, 0},
        {"calibration", 0, CLI_TEXT, &opt.quant.calibration, "RULE",
         "int8: auto (default), minmax, percentile or mse", 0, 0},
        {"threads", 't', CLI_INT, &opt.quant.threads, "N", "(default: all cores)", 1, 1024},
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &quiet, NULL, "no progress", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "export onnx",
        "MODEL_DIR -o FILE [--dtype f32|int8] [--calibrate DATA:500]",
        "A trained model as ONNX (opset 17): input float [N,C,H,W] of pixels 0..255 in RGB order,\n"
        "any N; output logits [N,classes]. Normalisation is inside; class names and accuracy are "
        "in\nthe file's metadata.",
        options,
        1,
        1};
    cli_args args;
    bt_error err = {0};
    char *text = NULL;

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    status = check("export onnx", opt.out, "file", opt.dtype);
    if (status >= 0)
        return status;
    opt.model_dir = args.v[0];
    fill_quant(&opt.quant, quiet);
    bt_status rc = bt_export_onnx(&text, &opt, &err);
    return finish(rc, text, json, opt.out, print_onnx, &err);
}

int cmd_export(int argc, char **argv)
{
    static const char *const names[] = {"c", "onnx", NULL};
    int status;
    int which = cli_subverb("export", names, argc, argv, &status);

    if (which < 0)
        return status;
    return (which == 0 ? export_c : export_onnx)(argc - 1, argv + 1);
}
