/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam bench train`: images a second of one training step, a line a model.
 */
#include "cli/cli.h"

#include "base/json.h"

static double number(const bti_json *row, const char *key)
{
    return bti_json_as_num(bti_json_get(row, key), 0);
}

static void print_breakdown(const bti_json *list)
{
    if (!list)
        return;
    printf("  %-40s %9s %9s %9s %9s\n", "group", "ms", "MB", "GB/s", "GFLOP/s");
    for (size_t i = 0; i < bti_json_len(list); i++) {
        const bti_json *row = bti_json_at(list, i);
        printf("  %-40s %9.3f %9.1f %9.1f %9.1f\n", bti_json_as_str(bti_json_get(row, "group"), ""),
               number(row, "ms"), number(row, "mbytes"), number(row, "gbytes_per_s"),
               number(row, "gflops"));
    }
}

static int print_line(char *text)
{
    bti_json *o;
    bt_error err = {0};

    bt_status rc = bti_json_parse(&o, text, strlen(text), "bench", &err);
    bt_free(text);
    if (rc)
        return cli_fail(&err);
    printf("%-40s %10.1f images/s %10.2f ms a step of %lld, %s\n",
           bti_json_as_str(bti_json_get(o, "model"), ""),
           bti_json_as_num(bti_json_get(o, "images_per_s"), 0),
           bti_json_as_num(bti_json_get(o, "step_ms"), 0),
           (long long)bti_json_as_int(bti_json_get(o, "batch"), 0),
           bti_json_as_str(bti_json_get(o, "precision"), ""));
    print_breakdown(bti_json_get(o, "breakdown"));
    bti_json_free(o);
    return 0;
}

static int bench_train(int argc, char **argv)
{
    bt_bench_options o = bt_bench_defaults();
    bool json = false;
    const cli_option options[] = {
        {"batch", 'b', CLI_INT, &o.batch, "B", "images a step (default 128)", 1, 65536},
        {"threads", 't', CLI_INT, &o.threads, "N", "(default: all cores)", 1, 1024},
        {"precision", 0, CLI_TEXT, &o.precision, "P",
         "f32, bf16 or auto: bf16 where the CPU has it (default auto)", 0, 0},
        {"breakdown", 0, CLI_FLAG, &o.breakdown, NULL,
         "also time and bytes of each group of layers", 0, 0},
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON object a model", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "bench train",
        "MODEL.yaml... [--batch 128] [--threads N] [--precision P] [--breakdown] [--json]",
        "Speed of batch assembly (flip, crop, normalise), forward, loss, backward and\n"
        "update on random images: the median of at least nine steps.",
        options,
        1,
        -1};
    cli_args args;

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    for (int i = 0; i < args.n; i++) {
        char *text = NULL;
        bt_error err = {0};
        o.model_path = args.v[i];
        if (bt_bench_train(&text, &o, &err))
            return cli_fail(&err);
        status = json ? cli_print(text) : print_line(text);
        if (status)
            return status;
        fflush(stdout);
    }
    return 0;
}

int cmd_bench(int argc, char **argv)
{
    static const char *const names[] = {"train", NULL};
    int status;

    if (cli_subverb("bench", names, argc, argv, &status) < 0)
        return status;
    return bench_train(argc - 1, argv + 1);
}
