/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam model info`: what a model file costs before anything is trained.
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
    bti_json *parsed = NULL;
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
    if (json)
        return cli_print(text);
    if (bti_json_parse(&parsed, text, strlen(text), "model info", &err)) {
        bt_free(text);
        return cli_fail(&err);
    }
    print_table(parsed);
    bti_json_free(parsed);
    bt_free(text);
    return 0;
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
