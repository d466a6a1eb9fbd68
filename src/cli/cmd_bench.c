/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam bench train`: images a second of one training step, a line a model; `bantam bench infer`:
 * milliseconds of a prediction; `bantam bench augment`: images a second of augmentation, a line a
 * policy or operation.
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

typedef bt_status bench_call(char **json, const bt_bench_options *opt, bt_error *err);

/* A line a model: its JSON, or what `row` prints of it and the breakdown. */
static int bench_models(const cli_args *models, bt_bench_options *o, bool json, bench_call *call,
                        void (*row)(const bti_json *o))
{
    for (int i = 0; i < models->n; i++) {
        char *text = NULL;
        bt_error err = {0};
        o->model_path = models->v[i];
        if (call(&text, o, &err))
            return cli_fail(&err);
        if (json) {
            const int status = cli_print(text);
            if (status)
                return status;
        } else {
            bti_json *found = cli_json(text);
            if (!found)
                return 1;
            row(found);
            print_breakdown(bti_json_get(found, "breakdown"));
            bti_json_free(found);
        }
        fflush(stdout);
    }
    return 0;
}

static void print_step(const bti_json *o)
{
    printf("%-40s %10.1f images/s %10.2f ms a step of %lld, %s\n",
           bti_json_as_str(bti_json_get(o, "model"), ""), number(o, "images_per_s"),
           number(o, "step_ms"), (long long)bti_json_as_int(bti_json_get(o, "batch"), 0),
           bti_json_as_str(bti_json_get(o, "precision"), ""));
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
    return bench_models(&args, &o, json, bt_bench_train, print_step);
}

static void print_prediction(const bti_json *o)
{
    printf("%-40s %10.3f ms  %10.3f ms of processor time, batch %lld, %s\n",
           bti_json_as_str(bti_json_get(o, "model"), ""), number(o, "wall_ms"), number(o, "cpu_ms"),
           (long long)bti_json_as_int(bti_json_get(o, "batch"), 0),
           bti_json_as_str(bti_json_get(o, "engine"), ""));
}

static int bench_infer(int argc, char **argv)
{
    bt_bench_options o = {.batch = 1, .threads = 1, .precision = "f32"};
    bool json = false;
    const cli_option options[] = {
        {"batch", 'b', CLI_INT, &o.batch, "B", "images a pass (default 1)", 1, 65536},
        {"threads", 't', CLI_INT, &o.threads, "N", "(default 1)", 1, 1024},
        {"precision", 0, CLI_TEXT, &o.precision, "P", "f32, bf16 or auto (default f32)", 0, 0},
        {"breakdown", 0, CLI_FLAG, &o.breakdown, NULL, "also the time of each kind of layer", 0, 0},
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON object a model", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "bench infer",
        "MODEL_DIR|MODEL.yaml... [--batch 1] [--threads 1] [--precision P] [--breakdown] [--json]",
        "Speed of prediction: the median pass over images that are already\n"
        "normalised. A MODEL.yaml gets weights as before training.",
        options,
        1,
        -1};
    cli_args args;

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    return bench_models(&args, &o, json, bt_bench_infer, print_prediction);
}

static int bench_augment(int argc, char **argv)
{
    int size = 32, threads = 1;
    bool json = false, processor = false;
    const cli_option options[] = {
        {"size", 's', CLI_INT, &size, "PX", "side of the images (default 32)", 8, 1024},
        {"threads", 't', CLI_INT, &threads, "N", "(default 1; more: policies only)", 1, 1024},
        {"cpu", 0, CLI_FLAG, &processor, NULL, "count processor time, for a machine in use", 0, 0},
        {"json", 0, CLI_FLAG, &json, NULL, "print a JSON array", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "bench augment",
        "[DATA] [--size 32] [--threads N] [--json]",
        "Speed of augmentation: policies into normalised float batches, and single\n"
        "operations, on the first 1000 training images of DATA or on noise.",
        options,
        0,
        1};
    cli_args args;
    char *text = NULL;
    bt_error err = {0};
    int status = cli_parse(&spec, argc, argv, &args);

    if (status >= 0)
        return status;
    bt_data_options data_opt = cli_data_options(size, NULL, cli_progress(true));
    if (bt_bench_augment(&text, args.n ? args.v[0] : NULL, &data_opt, threads, processor, &err))
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    bti_json *rows = cli_json(text);
    if (!rows)
        return 1;
    for (size_t i = 0; i < bti_json_len(rows); i++) {
        const bti_json *row = bti_json_at(rows, i);
        double speed = bti_json_as_num(bti_json_get(row, "images_per_s"), 0);
        printf("%-42s %10.0f images/s %10.2f us each\n",
               bti_json_as_str(bti_json_get(row, "what"), ""), speed, 1e6 / speed);
    }
    bti_json_free(rows);
    return 0;
}

int cmd_bench(int argc, char **argv)
{
    static const char *const names[] = {"train", "infer", "augment", NULL};
    int status;
    int which = cli_subverb("bench", names, argc, argv, &status);

    if (which < 0)
        return status;
    static int (*const verbs[])(int, char **) = {bench_train, bench_infer, bench_augment};
    return verbs[which](argc - 1, argv + 1);
}
