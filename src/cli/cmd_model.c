/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam model info`: what a model file costs before anything is trained, here and on a device.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/str.h"

static int64_t number(const bti_json *object, const char *key)
{
    return bti_json_as_int(bti_json_get(object, key), 0);
}

/* "16x16x32": heights, widths and channels in the order people write image sizes. */
static const char *shape(char buf[40], const bti_json *chw)
{
    snprintf(buf, 40, "%lldx%lldx%lld", (long long)bti_json_as_int(bti_json_at(chw, 1), 0),
             (long long)bti_json_as_int(bti_json_at(chw, 2), 0),
             (long long)bti_json_as_int(bti_json_at(chw, 0), 0));
    return buf;
}

static void print_table(const bti_json *info)
{
    const bti_json *layers = bti_json_get(info, "layers");
    char out[40], params[16], macs[16], peak[16];

    printf("%4s  %-18s %6s %12s %14s  %s\n", "row", "module", "repeat", "params", "MACs", "out");
    printf("%4s  %-18s %6s %12s %14s  %s\n", "", "input", "", "", "",
           shape(out, bti_json_get(info, "input")));
    for (size_t i = 0; i < bti_json_len(layers); i++) {
        const bti_json *row = bti_json_at(layers, i);
        printf("%4lld  %-18s %6lld %12lld %14lld  %s\n", (long long)number(row, "row"),
               bti_json_as_str(bti_json_get(row, "module"), ""), (long long)number(row, "repeat"),
               (long long)number(row, "params"), (long long)number(row, "macs"),
               shape(out, bti_json_get(row, "out")));
    }
    printf("%4s  %-18s %6s %12lld %14lld\n", "", "total", "", (long long)number(info, "params"),
           (long long)number(info, "macs"));
    printf("\n%s parameters, %s MACs an image, %sB of activations at the peak (f32, one image)\n",
           bti_format_count(params, (double)number(info, "params")),
           bti_format_count(macs, (double)number(info, "macs")),
           bti_format_count(peak, (double)number(info, "peak_activation_bytes")));
    printf("hash %s\n", bti_json_as_str(bti_json_get(info, "hash"), ""));
}

/* ---- on a device ---- */

#define BAR 48 /* columns of the arena's picture */

static void print_sizes(const bti_json *deploy, const char *dtype)
{
    const bti_json *s = bti_json_get(deploy, dtype);
    printf("%-5s flash %9lld bytes (constants %lld, code about %lld), RAM %8lld (arena) + %lld "
           "(stack)\n",
           dtype, (long long)number(s, "flash_bytes"), (long long)number(s, "constants_bytes"),
           (long long)number(s, "code_bytes"), (long long)number(s, "arena_bytes"),
           (long long)number(s, "stack_bytes"));
}

/* Marks the columns of a map: of those that another map has, with `both`. */
static void mark(char *bar, const bti_json *op, int64_t arena, char sign, char both)
{
    if (bti_json_is_null(bti_json_get(op, "offset")))
        return;
    int64_t first = number(op, "offset") * BAR / arena;
    int64_t end = ((number(op, "offset") + number(op, "size")) * BAR + arena - 1) / arena;
    for (int64_t i = first; i < end; i++)
        bar[i] = bar[i] == ' ' ? sign : both;
}

static bool reads(const bti_json *op, size_t map)
{
    const bti_json *in = bti_json_get(op, "in");
    for (size_t j = 0; j < bti_json_len(in); j++)
        if (bti_json_as_int(bti_json_at(in, j), -1) == (int64_t)map)
            return true;
    return false;
}

/* Who is alive while operation i runs. */
static void print_operation(const bti_json *ops, size_t i, int64_t arena)
{
    const bti_json *op = bti_json_at(ops, i);
    char bar[BAR + 1], out[40];

    memset(bar, ' ', BAR);
    bar[BAR] = 0;
    for (size_t m = 0; m < i && arena > 0; m++) {
        const bti_json *map = bti_json_at(ops, m);
        if (reads(op, m))
            mark(bar, map, arena, '<', '<');
        else if (number(map, "last") > (int64_t)i)
            mark(bar, map, arena, '-', '-');
    }
    if (arena > 0)
        mark(bar, op, arena, '#', '%');
    printf("%4lld  %-12s %-12s %10lld |%s|\n", (long long)number(op, "row"),
           bti_json_as_str(bti_json_get(op, "operation"), ""), shape(out, bti_json_get(op, "out")),
           (long long)number(op, "size"), bar);
}

static void print_deploy(const bti_json *deploy)
{
    const bti_json *ops = bti_json_get(deploy, "operations");
    const char *error = bti_json_as_str(bti_json_get(deploy, "error"), NULL);

    if (error) {
        printf("\non a device: %s\n", error);
        return;
    }
    printf("\non a Cortex-M (bantam export c); the image and the logits are the caller's\n");
    print_sizes(deploy, "f32");
    print_sizes(deploy, "int8");
    printf("%lld values of arena; %lld if outputs did not lie over inputs that die\n",
           (long long)number(deploy, "arena"), (long long)number(deploy, "arena_apart"));
    printf(
        "\nthe arena while each operation runs: # written, < read, %% written over what is read, "
        "- kept\n%4s  %-12s %-12s %10s\n",
        "row", "operation", "out", "values");
    for (size_t i = 0; i < bti_json_len(ops); i++)
        print_operation(ops, i, number(deploy, "arena"));
}

/* {"error"} for what cannot be exported: the rest of the answer is still good. */
static bti_json *deploy_of(const char *path, int h, int w, int c)
{
    bt_error err = {0};
    char *text = NULL;
    bti_json *o = NULL;

    if (bt_deploy_info(&text, path, h, w, c, &err) ||
        bti_json_parse(&o, text, strlen(text), "deploy info", &err)) {
        o = bti_json_object();
        bti_json_set_str(o, "error", err.text);
    }
    bt_free(text);
    return o;
}

static int info(int argc, char **argv)
{
    bool json = false;
    const char *input = NULL;
    const cli_option options[] = {
        {.name = "input",
         .kind = CLI_TEXT,
         .to = &input,
         .arg = "HxWxC",
         .help = "size of the images, 32x32x3 (default: as the file says, else 32x32)"},
        {.name = "json", .kind = CLI_FLAG, .to = &json, .help = "print one JSON object"},
        {0},
    };
    const cli_spec spec = {
        "model info",
        "FILE [--input 32x32x3] [--json]",
        "Parameters, multiply-accumulates and memory of a model file, row by row.",
        options,
        1,
        1};
    cli_args args;
    bt_error err = {0};
    char *text = NULL;
    int h = 0, w = 0, c = 0;
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    if (input && !bti_parse_size(input, &h, &w, &c))
        return cli_usage(spec.verb, "--input: '%s' is not a size like 32x32x3", input);
    bt_progress progress = cli_progress(true);
    if (bt_model_info(&text, args.v[0], h, w, c, &progress, &err))
        return cli_fail(&err);
    bti_json *parsed = cli_json(text);
    if (!parsed)
        return 1;
    bti_json_set(parsed, "deploy", deploy_of(args.v[0], h, w, c));
    if (json) {
        status = cli_print(bti_json_text(parsed, 2));
    } else {
        print_table(parsed);
        print_deploy(bti_json_get(parsed, "deploy"));
        status = 0;
    }
    bti_json_free(parsed);
    return status;
}

int cmd_model(int argc, char **argv)
{
    static const char *const names[] = {"info", NULL};
    int status;
    int which = cli_subverb("model", names, argc, argv, &status);

    if (which < 0)
        return status;
    return info(argc - 1, argv + 1);
}
