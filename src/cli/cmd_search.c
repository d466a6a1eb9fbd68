/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam search DATA --budget T`: the main job.
 */
#include "cli/cli.h"

#include "base/clock_text.h"
#include "base/metric.h"
#include "base/str.h"

#include <string.h>

/* "5m" or "+5m" into the options; -1 or an exit status. */
static int set_budget(bt_search_options *o, const char *text)
{
    o->budget_adds = text[0] == '+';
    if (!bti_parse_duration(text + o->budget_adds, &o->budget_s))
        return cli_usage("search", "--budget: '%s' is not a time such as 45s, 5m, 8h or +30m",
                         text);
    return -1;
}

#define DEFAULT_OBJECTIVES "accuracy,params"

static const char *const limit_help[] = {
    [BTI_METRIC_ACCURACY] = "least validation accuracy of a model of the front, 85%",
    [BTI_METRIC_F1_MACRO] = "least macro F1",
    [BTI_METRIC_BALANCED_ACCURACY] = "least balanced accuracy",
    [BTI_METRIC_PARAMS] = "parameters, 50k",
    [BTI_METRIC_MACS] = "multiply-accumulates an image, 3M",
    [BTI_METRIC_PEAK_MEMORY] = "activations of one image (with --deploy: the arena), 64KiB",
    [BTI_METRIC_FLASH] = "constants and code of the exported network, 64KiB (with --deploy)",
    [BTI_METRIC_LATENCY_MS] = "of one image on one thread of this machine, 2ms",
};

/* Whether "maximize,minimize" says what the metrics of `objectives` are anyway. */
static bool directions_hold(const char *objectives, const char *directions)
{
    const char *m = objectives ? objectives : DEFAULT_OBJECTIVES, *d = directions;
    while (*m && *d) {
        char metric[32], word[32];
        size_t nm = strcspn(m, ","), nd = strcspn(d, ", ");
        snprintf(metric, sizeof(metric), "%.*s", (int)nm, m);
        snprintf(word, sizeof(word), "%.*s", (int)nd, d);
        bti_metric id = bti_metric_find(metric);
        if (id != BTI_METRIC_NONE &&
            !bti_streq(word, bti_metric_of(id)->maximize ? "maximize" : "minimize"))
            return false;
        m += nm + (m[nm] == ',');
        d += nd + (d[nd] != 0);
    }
    return !*m && !*d;
}

int cmd_search(int argc, char **argv)
{
    bt_search_options o = bt_search_defaults();
    const char *budget = NULL, *until = NULL;
    const char *directions = NULL;
    const char *data_dir = NULL;
    bool json = false, quiet = false, strict = false;
    int size = 0;
    for (int i = 0; i < BTI_METRICS; i++)
        o.limit[i].metric = bti_metric_names()[i];
    const cli_option options[] = {
        {.name = "budget",
         .letter = 'b',
         .kind = CLI_TEXT,
         .to = &budget,
         .arg = "T",
         .help =
             "wall clock until the front is on disk: 45s, 5m, 8h; +T adds to an existing study"},
        {.name = "until",
         .kind = CLI_TEXT,
         .to = &until,
         .arg = "HH:MM",
         .help = "the same as a time of day"},
        {.name = "trials",
         .kind = CLI_INT,
         .to = &o.trials,
         .arg = "N",
         .help = "at most N trials",
         .lo = 1,
         .hi = 1e6},
        {.name = "out",
         .letter = 'o',
         .kind = CLI_TEXT,
         .to = &o.out_dir,
         .arg = "DIR",
         .help = "run directory (default: bantam-run); an existing study goes on"},
        {.name = "objectives",
         .kind = CLI_TEXT,
         .to = &o.objectives,
         .arg = "LIST",
         .help = "accuracy,params (default), or f1_macro, balanced_accuracy, macs, peak_memory, "
                 "flash, latency_ms; two or three"},
        {.name = "directions",
         .kind = CLI_TEXT,
         .to = &directions,
         .arg = "LIST",
         .help = "maximize,minimize,...: only those of the objectives (as Optuna's)"},
#define METRIC(id, name, goal, source, unit, low, high, option, label)                             \
    {option, 0, CLI_LIMIT, &o.limit[BTI_METRIC_##id], "N", limit_help[BTI_METRIC_##id], 0, 0},
#include "base/metrics.def"
#undef METRIC
        {.name = "deploy",
         .kind = CLI_TEXT,
         .to = &o.deploy,
         .arg = "DTYPE",
         .help =
             "int8 or f32: for a microcontroller; int8: judged by the integer kernels' accuracy"},
        {.name = "from",
         .kind = CLI_TEXT,
         .to = &o.from,
         .arg = "STUDY",
         .help = "a new study begins with the front of this one (run directory, .db, URL#name)"},
        {.name = "space",
         .kind = CLI_TEXT,
         .to = &o.space_path,
         .arg = "FILE",
         .help =
             "search space: auto (default: fitted to data and budget), a file, or a shipped one "
             "(bantam space info)"},
        {.name = "augment",
         .letter = 'a',
         .kind = CLI_TEXT,
         .to = &o.augment,
         .arg = "POLICY",
         .help = "policy or .yaml file of every trial (default: the space's)"},
        {.name = "sampler",
         .kind = CLI_TEXT,
         .to = &o.sampler,
         .arg = "S",
         .help =
             "portfolio (default), gp, tpe, evolution, nsga2, regularized, local, qmc or random"},
        {.name = "pruner",
         .kind = CLI_TEXT,
         .to = &o.pruner,
         .arg = "P",
         .help = "stop poor trials early: none (default), asha[:eta=3], hyperband or median"},
        {.name = "epochs",
         .kind = CLI_INT,
         .to = &o.epochs,
         .arg = "E",
         .help = "of a trial (default by budget)",
         .lo = 1,
         .hi = 10000},
        {.name = "subset",
         .kind = CLI_TEXT,
         .to = &o.subset,
         .arg = "S",
         .help = "training images of a trial: 10000, 20%, first:1000 (default by budget)"},
        {.name = "val",
         .kind = CLI_TEXT,
         .to = &o.val,
         .arg = "V",
         .help = "validation images: 10%, 2000 (default auto)"},
        {.name = "group-by",
         .kind = CLI_TEXT,
         .to = &o.data_opt.group_by,
         .arg = "REGEX",
         .help = "images whose paths match it alike (its first group) stay in one split: frames of "
                 "one video"},
        {.name = "size",
         .kind = CLI_INT,
         .to = &size,
         .arg = "PX",
         .help = "resolution (default by data and budget)",
         .lo = 8,
         .hi = 512},
        {.name = "jobs",
         .letter = 'j',
         .kind = CLI_INT,
         .to = &o.jobs,
         .arg = "N",
         .help = "worker processes (default: one a core)",
         .lo = 1,
         .hi = 256},
        {.name = "threads",
         .kind = CLI_INT,
         .to = &o.threads,
         .arg = "N",
         .help = "of a worker (default: cores / jobs)",
         .lo = 1,
         .hi = 256},
        {.name = "seed",
         .kind = CLI_SEED,
         .to = &o.seed,
         .arg = "S",
         .help = "of everything random (default 0)"},
        {.name = "isa",
         .kind = CLI_TEXT,
         .to = &o.isa,
         .arg = "NAME",
         .help = "portable, avx2, avx512 (default: best)"},
        {.name = "precision",
         .kind = CLI_TEXT,
         .to = &o.precision,
         .arg = "P",
         .help = "f32 or bf16 (default: bf16 where the CPU has it)"},
        {.name = "json",
         .kind = CLI_FLAG,
         .to = &json,
         .help = "the outcome as one JSON object on stdout, events as JSON lines on stderr"},
        {.name = "data-dir",
         .kind = CLI_TEXT,
         .to = &data_dir,
         .arg = "DIR",
         .help = "holds data sets that are asked for by name (default: $BANTAM_DATA_DIR)"},
        {.name = "strict",
         .kind = CLI_FLAG,
         .to = &strict,
         .help = "an unreadable image is an error (default: up to 1 % are left out)"},
        {.name = "quiet", .letter = 'q', .kind = CLI_FLAG, .to = &quiet, .help = "warnings only"},
        {0},
    };
    const cli_spec spec = {
        "search",
        "DATA --budget T [options]",
        "Searches small image models on labelled images within a budget and trains the best of "
        "them.\n"
        "DATA: fashion-mnist, cifar10, an image folder (train/class/*.jpg ...), a .csv of "
        "path,label, IDX "
        "or CIFAR files.",
        options,
        1,
        1};
    cli_args args;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (budget && until)
        return cli_usage("search", "--budget and --until exclude each other");
    if (budget && (status = set_budget(&o, budget)) >= 0)
        return status;
    if (until) {
        o.budget_s = bti_seconds_until(until, bti_wall_seconds_local());
        o.budget_adds = true;
        if (o.budget_s <= 0)
            return cli_usage("search", "--until: '%s' is not a time of day such as 08:00", until);
    }
    if (directions && !directions_hold(o.objectives, directions))
        return cli_usage("search", "--directions: '%s' are not those of --objectives %s",
                         directions, o.objectives ? o.objectives : DEFAULT_OBJECTIVES);
    if (!budget && !until && !o.trials)
        return cli_usage("search",
                         "say when it must be done: --budget 5m, --until 08:00 or --trials 40");
    o.data = args.v[0];
    o.out_dir = o.out_dir ? o.out_dir : "bantam-run";
    o.progress = cli_progress(quiet);
    if (json)
        cli_progress_json();
    bt_data_options data_opt = cli_data_options(size, data_dir, o.progress);
    data_opt.group_by = o.data_opt.group_by;
    data_opt.test_share = o.data_opt.test_share;
    o.data_opt = data_opt;
    o.stop = cli_stop();
    o.data_opt.strict = strict;
    o.data_opt.stop = o.stop;

    char *text = NULL;
    bt_error err = {0};
    if (bt_search(&text, &o, &err))
        return cli_fail(&err);
    cli_progress_end();
    if (json)
        return cli_print(text);
    bt_free(text);
    char *front = NULL;
    if (bt_front(&front, o.out_dir, NULL, &err))
        return cli_fail(&err);
    fprintf(stderr, "\n%s/front.svg, front.csv, summary.md and models/ are written\n\n", o.out_dir);
    return cli_print(front);
}
