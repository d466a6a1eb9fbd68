/* SPDX-License-Identifier: Apache-2.0
 *
 * measure DATA CACHE TABLE.csv [RUNS]: trains the networks of the table that have no row yet, at
 * most RUNS of them, and appends a row after each. Any number of these may run at a time: a run is
 * claimed by a lock on its byte of TABLE.csv.lock, which ends with its process. table.sh starts it.
 *
 * The networks: 250 draws from brief12 whose parameters follow a shuffled, even grid over the
 * logarithm of what the space has; all of them with seed 0 first, then seeds 1 to 4 of every tenth.
 * A run is what a trial of `bantam search --pruner asha` is: the first 500 training images of each
 * class, 9 epochs, cosine to 0, judged after 1, 3 and 9 on the next 250 of each.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "base/process.h"
#include "base/str.h"
#include "brief12.h"
#include "search/cost.h"
#include "search/lab.h"
#include "study/sampler.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NETWORKS 250
#define NOISY_EVERY 10  /* of the networks, one in so many has ... */
#define SEEDS SEEDS_MAX /* ... so many runs */
#define RUNS (NETWORKS + (NETWORKS / NOISY_EVERY) * (SEEDS - 1))
#define STUDY_SEED 12
#define TRAIN_PER_CLASS 500
#define VAL_PER_CLASS 250
#define CLASSES 10
static const int rung[RUNGS] = {1, 3, 9};

typedef struct bench {
    bti_space *space;
    bti_answer *network; /* NETWORKS */
    bti_data *data;
    bti_view train, val;
    const char *table;
    int lock; /* descriptor */
} bench;

/* What a run has shown so far. */
typedef struct run {
    int n;
    double accuracy[RUNGS], loss[RUNGS], cpu_s[RUNGS];
    double began_s; /* bti_cpu_seconds() */
} run;

/* ---- the networks ---- */
static bt_status keep_key(bti_trials *trials, const bti_answer *a, bt_error *err)
{
    bti_trial one = {.id = trials->n + 1, .number = trials->n, .state = BTI_COMPLETE};
    one.attrs = bti_json_object();
    bti_json_set_str(one.attrs, "key", a->key);
    return bti_trials_take(trials, &one, err);
}

static bt_status draw_networks(bench *b, bt_error *err)
{
    const bti_goals goals = {
        .n = 2, .metric = {BTI_METRIC_ACCURACY, BTI_METRIC_PARAMS}, .maximize = {true, false}};
    bti_trials trials = {0};
    bti_rng rng = bti_rng_at(STUDY_SEED, BTI_RNG_TEST, 0, 0, 0);
    int32_t place[NETWORKS];
    bt_status rc = BT_OK;
    for (int i = 0; i < NETWORKS; i++)
        place[i] = i;
    bti_rng_shuffle(&rng, place, NETWORKS);
    for (int i = 0; i < NETWORKS && !rc; i++) {
        bti_ask ask = {.space = b->space,
                       .trials = &trials,
                       .goals = &goals,
                       .cost = bti_graph_cost,
                       .seed = STUDY_SEED};
        bti_rng own = bti_rng_at(STUDY_SEED, BTI_RNG_SAMPLER, (uint32_t)i, 0, 0);
        rc = bti_sampler_draw(&ask, &own, (place[i] + 0.5) / NETWORKS, &b->network[i], err);
        if (!rc)
            rc = keep_key(&trials, &b->network[i], err);
    }
    bti_trials_release(&trials);
    return rc;
}

/* ---- the images ---- */
/* Of each class in the data's order, `count` samples after the first `skip`. */
static bt_status take_view(bti_view *v, const bti_dataset *set, int skip, int count, bt_error *err)
{
    int seen[CLASSES] = {0};
    bt_status rc = bti_view_all(v, set, err);
    if (rc)
        return rc;
    v->n = 0;
    for (int32_t i = 0; i < set->n; i++) {
        int at = seen[set->labels[i]]++;
        if (at >= skip && at < skip + count)
            v->index[v->n++] = i;
    }
    return BT_OK;
}

static bt_status open_bench(bench *b, const char *data, const char *cache, bt_error *err)
{
    bt_data_options opt = bt_data_defaults();
    opt.cache_dir = cache;
    opt.size = 32;
    b->network = bti_array(NETWORKS, sizeof(*b->network));
    b->space = brief12_space(err);
    bt_status rc = b->space && b->network ? draw_networks(b, err) : BT_IO;
    if (!rc)
        rc = bti_data_open(&b->data, data, &opt, err);
    if (!rc && b->data->classes != CLASSES) {
        snprintf(err->text, sizeof(err->text), "has %d classes, not %d", b->data->classes, CLASSES);
        rc = BT_INVAL;
    }
    if (!rc)
        rc = take_view(&b->train, &b->data->train, 0, TRAIN_PER_CLASS, err);
    if (!rc)
        rc = take_view(&b->val, &b->data->train, TRAIN_PER_CLASS, VAL_PER_CLASS, err);
    return rc;
}

static void close_bench(bench *b)
{
    bti_view_release(&b->train);
    bti_view_release(&b->val);
    bti_data_close(b->data);
    bti_space_free(b->space);
    bti_free(b->network);
}

/* ---- the table ---- */
static void run_of(int i, int *network, int *seed)
{
    int extra = i - NETWORKS, noisy = NETWORKS / NOISY_EVERY;
    *network = extra < 0 ? i : extra % noisy * NOISY_EVERY;
    *seed = extra < 0 ? 0 : 1 + extra / noisy;
}

static bool is_done(const bench *b, int network, int seed)
{
    char *text, head[80];
    size_t n;
    if (bti_file_read(b->table, 64 << 20, &text, &n, NULL))
        return false;
    snprintf(head, sizeof(head), "\n%d,%d,%s,", network, seed, b->network[network].cost.hash);
    bool found = strstr(text, head) != NULL;
    bti_free(text);
    return found;
}

static bool lock_byte(const bench *b, int at, bool wait)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    return fcntl(b->lock, wait ? F_SETLKW : F_SETLK, &l) == 0;
}

static void unlock_byte(const bench *b, int at)
{
    struct flock l = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    fcntl(b->lock, F_SETLK, &l);
}

/* One write a row: whole or absent, also beside other processes. */
static bool append(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool start_table(const bench *b)
{
    bti_str line = {0};
    bool ok = true;
    lock_byte(b, RUNS, true);
    if (bti_file_size(b->table) <= 0) {
        bti_str_add(&line, "network,seed,hash,params,macs,accuracy_1,accuracy_3,accuracy_9,"
                           "train_loss_1,train_loss_3,train_loss_9,cpu_s_1,cpu_s_3,cpu_s_9,"
                           "validation_cpu_s");
        brief12_header(b->space, &line);
        bti_str_add(&line, "\n");
        ok = append(b->table, bti_str_c(&line), line.len);
    }
    unlock_byte(b, RUNS);
    bti_str_release(&line);
    return ok;
}

/* Cells of rungs that a diverged run did not reach stay empty. */
static void add_rungs(bti_str *line, const double *value, int n, const char *format)
{
    char text[32];
    for (int i = 0; i < RUNGS; i++) {
        snprintf(text, sizeof(text), format, value[i]);
        bti_str_addf(line, ",%s", i < n ? text : "");
    }
}

static bool write_row(const bench *b, int network, int seed, const run *r, double eval_cpu_s)
{
    const bti_answer *a = &b->network[network];
    bti_str line = {0};
    bti_str_addf(&line, "%d,%d,%s,%.0f,%.0f", network, seed, a->cost.hash, a->cost.params,
                 a->cost.macs);
    add_rungs(&line, r->accuracy, r->n, "%.4f");
    add_rungs(&line, r->loss, r->n, "%.4f");
    add_rungs(&line, r->cpu_s, r->n, "%.3f");
    bti_str_addf(&line, ",%.3f", eval_cpu_s);
    brief12_cells(b->space, &a->point, &line);
    bti_str_add(&line, "\n");
    bool ok = append(b->table, bti_str_c(&line), line.len);
    bti_str_release(&line);
    return ok;
}

/* ---- a run ---- */
static int on_epoch(void *user, const bti_epoch *e)
{
    run *r = user;
    if (r->n < RUNGS && e->epoch == rung[r->n]) {
        r->accuracy[r->n] = e->val_accuracy;
        r->loss[r->n] = e->loss;
        r->cpu_s[r->n++] = bti_cpu_seconds() - r->began_s;
    }
    return 0;
}

static bt_status train(const bench *b, int network, int seed, bt_error *err)
{
    const bti_point *p = &b->network[network].point;
    run r = {.began_s = bti_cpu_seconds()};
    bti_outcome outcome = {0};
    bti_job job = bti_job_defaults();
    bti_graph *g = NULL;
    bt_status rc = bti_point_graph(b->space, p, &g, NULL, err);
    if (!rc)
        rc = bti_point_recipe(b->space, p, rung[RUNGS - 1], &job.recipe, err);
    if (rc) {
        bti_graph_free(g);
        return rc;
    }
    job.graph = g;
    job.train = &b->train;
    job.val = &b->val;
    memcpy(job.mean, b->data->mean, sizeof(job.mean));
    memcpy(job.std, b->data->std, sizeof(job.std));
    job.seed = bti_seed_mix((uint64_t)seed, (uint64_t)network);
    job.threads = 1;
    job.ahead = 0;
    job.precision = bti_net_precision(BTI_PRECISION_AUTO);
    job.eval_every = 0;
    job.eval_at = rung;
    job.n_eval_at = RUNGS;
    job.on_epoch = on_epoch;
    job.user = &r;
    rc = bti_train_job(&outcome, &job, err);
    if (!rc || rc == BT_DIVERGED)
        rc = write_row(b, network, seed, &r, outcome.eval_cpu_s) ? BT_OK : BT_IO;
    if (!rc)
        printf("network %d seed %d: %.0f parameters, accuracy %.4f, %.1f CPU s\n", network, seed,
               b->network[network].cost.params, r.n == RUNGS ? r.accuracy[RUNGS - 1] : NAN,
               bti_cpu_seconds() - r.began_s);
    fflush(stdout);
    bti_outcome_release(&outcome);
    bti_graph_free(g);
    return rc;
}

static bt_status measure(const bench *b, int most, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int i = 0; i < RUNS && most > 0 && !rc; i++) {
        int network, seed;
        run_of(i, &network, &seed);
        if (is_done(b, network, seed) || !lock_byte(b, i, false))
            continue;
        if (!is_done(b, network, seed)) {
            rc = train(b, network, seed, err);
            most--;
        }
        unlock_byte(b, i);
    }
    return rc;
}

int main(int argc, char **argv)
{
    bt_error err = {0};
    bench b = {.lock = -1};
    char lock[4096];
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: measure DATA CACHE TABLE.csv [RUNS]\n");
        return 2;
    }
    b.table = argv[3];
    snprintf(lock, sizeof(lock), "%s.lock", b.table);
    bt_status rc = open_bench(&b, argv[1], argv[2], &err);
    b.lock = open(lock, O_RDWR | O_CREAT, 0644);
    if (!rc && (b.lock < 0 || !start_table(&b)))
        rc = BT_IO;
    if (!rc)
        rc = measure(&b, argc > 4 ? (int)strtol(argv[4], NULL, 10) : RUNS, &err);
    if (rc)
        fprintf(stderr, "measure: %s: %s\n", err.where, err.text);
    close_bench(&b);
    return rc ? 1 : 0;
}
