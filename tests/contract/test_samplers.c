/* SPDX-License-Identifier: Apache-2.0
 *
 * What every sampler of samplers.def promises: proposals inside the space and its constraints, with
 * their exact cost and key, new to the study, the same for the same question; and what single ones
 * add.
 */
#include "space_text.h"

#include "base/hash.h"
#include "search/cost.h"
#include "study/observed.h"

#include <math.h>

/* ---- a study in memory ---- */
typedef struct study {
    bti_space *space;
    bti_trials trials;
    bti_cost_fn cost;
    int calls; /* of cost */
} study;

/* The real cost, as search/ gives it. */
static bt_status graph_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    ((study *)user)->calls++;
    return bti_graph_cost(NULL, rows, out, err);
}

/* A cost without networks: each row costs out^2; identity is the text. */
static bt_status square_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    bti_str text = {0};
    (void)err;
    ((study *)user)->calls++;
    bti_rows_to_yaml(rows, &text);
    *out = (bti_cost){0};
    for (int i = 0; i < rows->n; i++)
        if (!strcmp(rows->row[i].module, "Conv"))
            out->params += pow(bti_value_num(rows->row[i].arg[0]), 2);
    out->macs = out->params;
    bti_hash_buffer(bti_str_c(&text), text.len, out->hash);
    bti_str_release(&text);
    return BT_OK;
}

static bt_status no_network(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    (void)user, (void)rows, (void)out;
    snprintf(err->text, sizeof(err->text), "the map is smaller than the kernel");
    return BT_INVAL;
}

/* Bigger is better, with a fixed unevenness: a front like those of real searches. */
static double pretend_accuracy(double params)
{
    return 0.9 - 2.0 / log(params + 10) + 0.02 * sin(params);
}

static void add_trial(study *st, const bti_answer *a, bti_trial_state state)
{
    bti_trials *t = &st->trials;
    t->trial = bti_regrow(t->trial, (size_t)t->n + 1, sizeof(*t->trial));
    t->cap = t->n + 1;
    bti_trial *one = &t->trial[t->n];
    *one = (bti_trial){.id = t->n + 1, .number = t->n, .state = state, .attempt = 1};
    one->n_values = state == BTI_COMPLETE ? 2 : 0;
    one->value[0] = pretend_accuracy(a->cost.params);
    one->value[1] = a->cost.params;
    one->n_params = a->point.n;
    one->param_name = bti_array((size_t)a->point.n, sizeof(char *));
    one->param_value = bti_array((size_t)a->point.n, sizeof(double));
    for (int i = 0; i < a->point.n; i++) {
        one->param_name[i] = bti_strdup(a->point.param[i].name);
        one->param_value[i] = a->point.param[i].value;
    }
    one->attrs = bti_json_object();
    bti_json_set_num(one->attrs, "params", a->cost.params);
    bti_json_set_str(one->attrs, "key", a->key);
    t->n++;
}

static void end_study(study *st)
{
    for (int i = 0; i < st->trials.n; i++) {
        bti_trial *t = &st->trials.trial[i];
        for (int k = 0; k < t->n_params; k++)
            bti_free(t->param_name[k]);
        bti_free(t->param_name);
        bti_free(t->param_value);
        bti_json_free(t->attrs);
    }
    bti_free(st->trials.trial);
    bti_space_free(st->space);
    *st = (study){0};
}

static const bti_goals goals = {
    .n = 2, .metric = {BTI_METRIC_ACCURACY, BTI_METRIC_PARAMS}, .maximize = {true, false}};

static bti_ask question(study *st, int number, int retry, const char *params)
{
    return (bti_ask){.space = st->space,
                     .trials = &st->trials,
                     .goals = &goals,
                     .cost = st->cost,
                     .cost_user = st,
                     .params = params,
                     .seed = 11,
                     .number = number,
                     .retry = retry};
}

static void ask_and_add(study *st, const bti_sampler_ops *ops, const char *params, int n)
{
    for (int i = 0; i < n; i++) {
        bti_answer a;
        bt_error err = {0};
        bti_ask q = question(st, st->trials.n, 0, params);
        assert_ok(ops->ask(&q, &a, &err), &err);
        add_trial(st, &a, BTI_COMPLETE);
    }
}

static const bti_sampler_ops *sampler(const char *spec)
{
    const bti_sampler_ops *ops = NULL;
    const char *params;
    bt_error err = {0};
    assert_ok(bti_sampler_find(&ops, spec, &params, &err), &err);
    return ops;
}

/* ---- promises of all ---- */
static void check_answer(study *st, const bti_answer *a)
{
    bti_constraints c = bti_space_constraints(st->space);
    bti_answer again = {.point = a->point};
    bti_ask q = question(st, 0, 0, NULL);
    bti_trials none = {0};
    bt_error err = {0};
    q.trials = &none;
    assert_true(bti_constraints_hold(&c, &a->cost));
    for (int i = 0; i < a->point.n; i++) {
        const bti_param *p = &a->point.param[i];
        if (p->domain.kind == BTI_DOMAIN_CHOICE)
            assert_true(p->value >= 0 && p->value < p->domain.n);
        else
            assert_true(p->value >= p->domain.lo && p->value <= p->domain.hi);
    }
    assert_ok(bti_sampler_complete(&q, &again, &err), &err); /* cost and key belong to the point */
    assert_true(again.cost.params == a->cost.params);
    assert_string_equal(again.key, a->key);
    for (int i = 0; i < st->trials.n; i++)
        assert_string_not_equal(bti_json_as_str(bti_json_get(st->trials.trial[i].attrs, "key"), ""),
                                a->key);
}

static void proposals_are_feasible_new_and_honest_about_their_cost(void **state)
{
    (void)state;
    const bti_sampler_ops *const *all;
    int n = bti_samplers(&all);
    const char *const files[] = {"examples/spaces/fashion7.yaml", "examples/spaces/brief.yaml"};
    assert_true(n >= 2);
    for (int i = 0; i < n; i++)
        for (int f = 0; f < 2; f++) {
            study st = {.space = space_file(files[f], f ? 32 : 28, f ? 3 : 1), .cost = graph_cost};
            bti_space_limit(st.space, BTI_METRIC_PARAMS, 50000);
            for (int k = 0; k < 30; k++) {
                bti_answer a;
                bt_error err = {0};
                bti_ask q = question(&st, k, 0, NULL);
                assert_ok(all[i]->ask(&q, &a, &err), &err);
                check_answer(&st, &a);
                add_trial(&st, &a, k % 7 == 3 ? BTI_FAIL : k % 5 == 4 ? BTI_RUNNING : BTI_COMPLETE);
            }
            end_study(&st);
        }
}

static void the_same_question_has_the_same_answer_and_a_retry_another(void **state)
{
    (void)state;
    const bti_sampler_ops *const *all;
    int n = bti_samplers(&all);
    for (int i = 0; i < n; i++) {
        study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1),
                    .cost = graph_cost};
        for (int k = 0; k < 20; k++) {
            bti_answer first, again, other;
            bt_error err = {0};
            bti_ask q = question(&st, k, 0, NULL), retry = question(&st, k, 1, NULL);
            assert_ok(all[i]->ask(&q, &first, &err), &err);
            assert_ok(all[i]->ask(&q, &again, &err), &err);
            assert_ok(all[i]->ask(&retry, &other, &err), &err);
            assert_string_equal(first.key, again.key);
            assert_string_not_equal(first.key, other.key);
            add_trial(&st, &first, BTI_COMPLETE);
        }
        end_study(&st);
    }
}

/* Trials that end late, out of order or never: the answers are those of a study read anew. */
static void what_a_sampler_remembers_changes_no_answer(void **state)
{
    (void)state;
    const bti_sampler_ops *const *all;
    int n = bti_samplers(&all);
    for (int i = 0; i < n; i++) {
        study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1),
                    .cost = graph_cost};
        bti_memo *memo = bti_memo_new();
        for (int k = 0; k < 60; k++) {
            bti_answer with, without;
            bt_error err = {0};
            bti_ask q = question(&st, k, 0, NULL);
            assert_ok(bti_sampler_ask(all[i], &q, &without, &err), &err);
            q.memo = memo;
            assert_ok(bti_sampler_ask(all[i], &q, &with, &err), &err);
            assert_string_equal(with.key, without.key);
            assert_string_equal(with.by, without.by);
            add_trial(&st, &with, k % 3 == 1 ? BTI_RUNNING : k % 7 == 3 ? BTI_FAIL : BTI_COMPLETE);
            bti_trial *t = st.trials.trial;
            t[k].violation = k % 5 == 0 ? 0.1 * k : 0;
            bti_json_set_str(t[k].attrs, "sampler", with.by);
            if (k > 20 && t[k - 17].state == BTI_RUNNING) {
                t[k - 17].state = BTI_COMPLETE;
                t[k - 17].n_values = 2;
            }
        }
        bti_memo_free(memo);
        end_study(&st);
    }
}

/* A quantity is seen in logarithms until it is negative for once. */
static void what_is_remembered_is_seen_anew_once_a_value_is_negative(void **state)
{
    (void)state;
    study st = {0};
    bti_memo *memo = bti_memo_new();
    for (int k = 0; k < 20; k++) {
        const bti_answer a = {.cost = {.params = 100.0 * (k * 7 % 20)}};
        bti_observed with, without;
        bt_error err = {0};
        add_trial(&st, &a, BTI_COMPLETE);
        if (k == 10)
            st.trials.trial[k].value[1] = -5;
        bti_ask q = question(&st, k, 0, NULL);
        assert_ok(bti_observe(&q, 0, &without, &err), &err);
        q.memo = memo;
        assert_ok(bti_observe(&q, 0, &with, &err), &err);
        assert_int_equal(with.n, k + 1);
        for (int i = 0; i <= k; i++) {
            assert_ptr_equal(with.trial[i], without.trial[i]);
            assert_true(with.value[2 * i + 1] == without.value[2 * i + 1]);
        }
        bti_observed_release(&with);
        bti_observed_release(&without);
    }
    bti_memo_free(memo);
    end_study(&st);
}

/* Seven networks in all: each is proposed once, then the sampler says that nothing is left. */
static void a_small_space_is_used_up_without_repeating(void **state)
{
    (void)state;
    const bti_sampler_ops *const *all;
    int n = bti_samplers(&all);
    for (int i = 0; i < n; i++) {
        study st = {.cost = square_cost};
        st.space = space_of(
            SPACE_HEAD
            "blocks:\n  - {id: a, module: {Conv: {out: {int: [8, 80, 8]}, kernel: 3}}}\n" SPACE_TAIL
            "constraints: {params: [0, 3500]}\n");
        bti_answer a;
        bt_error err = {0};
        ask_and_add(&st, all[i], NULL, 7);
        bti_ask q = question(&st, 7, 0, NULL);
        assert_int_equal(all[i]->ask(&q, &a, &err), BT_EMPTY);
        assert_non_null(strstr(err.text, "no new network within the constraints"));
        end_study(&st);
    }
}

static void limits_that_draws_hardly_ever_meet_are_met(void **state)
{
    (void)state;
    const bti_sampler_ops *const *all;
    int n = bti_samplers(&all);
    for (int i = 0; i < n; i++) {
        study st = {.space = space_file("examples/spaces/brief.yaml", 32, 3), .cost = graph_cost};
        bti_space_limit(st.space, BTI_METRIC_MACS, 2e6);
        bti_space_limit(st.space, BTI_METRIC_PARAMS, 3000); /* one draw in thousands */
        for (int k = 0; k < 5; k++) {
            bti_answer a;
            bt_error err = {0};
            bti_ask q = question(&st, k, 0, NULL);
            assert_ok(all[i]->ask(&q, &a, &err), &err);
            assert_true(a.cost.params <= 3000 && a.cost.macs <= 2e6);
            add_trial(&st, &a, BTI_COMPLETE);
        }
        assert_true(st.calls < 60000);
        end_study(&st);
    }
}

static void a_space_without_a_single_network_is_reported_with_the_reason(void **state)
{
    (void)state;
    const bti_sampler_ops *const *all;
    int n = bti_samplers(&all);
    for (int i = 0; i < n; i++) {
        study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1),
                    .cost = no_network};
        bti_answer a;
        bt_error err = {0};
        bti_ask q = question(&st, 0, 0, NULL);
        assert_int_equal(all[i]->ask(&q, &a, &err), BT_EMPTY);
        assert_non_null(strstr(err.text, "the map is smaller than the kernel"));
        end_study(&st);
    }
}

static double hardswish_share(const bti_answer *a);

/* 100,000 draws over all example spaces: inside their domains; each 50th is a proposal within a
 * limit that half of the networks break. */
static void draws_of_the_example_spaces_are_inside_them_and_proposals_feasible(void **state)
{
    (void)state;
    const char *const files[] = {"brief", "cifar7", "fashion7", "taco7"};
    for (uint32_t f = 0; f < 4; f++) {
        char path[64];
        snprintf(path, sizeof(path), "examples/spaces/%s.yaml", files[f]);
        study st = {.space = space_file(path, f == 2 ? 28 : 32, f == 2 ? 1 : 3),
                    .cost = graph_cost};
        bti_ask q = question(&st, 0, 0, NULL);
        bti_answer a;
        bt_error err = {0};
        bti_rng rng = test_rng(f);
        for (int i = 0; i < 25000; i++) {
            bti_space_draw(st.space, &rng, &a.point);
            for (int k = 0; k < a.point.n; k++) {
                const bti_param *p = &a.point.param[k];
                bool choice = p->domain.kind == BTI_DOMAIN_CHOICE;
                if (p->value < (choice ? 0 : p->domain.lo) ||
                    p->value > (choice ? p->domain.n - 1 : p->domain.hi))
                    fail_msg("%s: draw %d: %s is %g", path, i, p->name, p->value);
            }
            if (i == 0)
                bti_space_limit(st.space, BTI_METRIC_PARAMS, 500000);
            if (i % 50)
                continue;
            if (bti_sampler_draw(&q, &rng, -1, &a, &err))
                fail_msg("%s: %s", path, err.text);
            assert_true(a.cost.params <= 500000);
        }
        end_study(&st);
    }
}

/* Of three Hardswish blocks or more a network is too slow, which only a trial tells, and the more
 * of them, the more accurate: samplers that rank violations last stay near the limit. */
static double share_inside(const char *name, int n)
{
    int inside = 0;
    bti_str text = {0};
    bti_str_add(&text, SPACE_HEAD "constraints: {latency_ms: [0, 2]}\nblocks:\n");
    for (int i = 0; i < 8; i++)
        bti_str_addf(&text,
                     "  - {id: b%d, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3, "
                     "act: {choice: [ReLU, Hardswish]}}}}\n",
                     i);
    bti_str_add(&text, SPACE_TAIL);
    study st = {.cost = square_cost, .space = space_of(bti_str_c(&text))};
    bti_str_release(&text);
    for (int i = 0; i < n; i++) {
        bti_answer a;
        bt_error err = {0};
        bti_ask q = question(&st, i, 0, NULL);
        assert_ok(sampler(name)->ask(&q, &a, &err), &err);
        add_trial(&st, &a, BTI_COMPLETE);
        bti_trial *t = &st.trials.trial[i];
        double slow = 8 * hardswish_share(&a);
        t->value[0] += 0.02 * slow;
        t->violation = slow > 2 ? slow - 2 : 0;
        bti_json_set_num(t->attrs, "latency_ms", slow);
        inside += i >= n / 2 && slow <= 2;
    }
    end_study(&st);
    return (double)inside / (n - n / 2);
}

static void limits_that_only_a_trial_tells_are_learnt(void **state)
{
    (void)state;
    assert_true(share_inside("random", 80) < 0.35);
    assert_true(share_inside("gp", 80) > 0.4); /* it looks just beyond the limit as well */
    assert_true(share_inside("tpe", 80) > 0.45);
    assert_true(share_inside("evolution", 80) > 0.5);
    assert_true(share_inside("portfolio", 80) > 0.5);
    assert_true(share_inside("nsga2", 160) > 0.5);
}

static void names_and_options_are_checked_with_the_nearest(void **state)
{
    (void)state;
    const bti_sampler_ops *ops;
    const char *params;
    bt_error err = {0};
    study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1), .cost = graph_cost};
    bti_answer a;
    assert_int_equal(bti_sampler_find(&ops, "evolutoin", &params, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "did you mean 'evolution'?"));
    assert_ok(bti_sampler_find(&ops, NULL, &params, &err), &err);
    assert_string_equal(ops->name, "portfolio");
    assert_ok(bti_sampler_find(&ops, "evolution:warmup=4,children=2", &params, &err), &err);
    assert_string_equal(params, "warmup=4,children=2");

    bti_ask q = question(&st, 0, 0, "warmpu=4");
    assert_int_equal(ops->ask(&q, &a, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "did you mean 'warmup'?"));
    q = question(&st, 0, 0, "crossover=2");
    assert_int_equal(ops->ask(&q, &a, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "from 0 to 1"));
    end_study(&st);
}

/* ---- evolution ---- */
/* Quarters of log(params) between the smallest and the largest of trials first..last. */
static void count_quarters(const study *st, int first, int last, double lo, double hi,
                           int quarter[4])
{
    memset(quarter, 0, 4 * sizeof(*quarter));
    for (int i = first; i < last; i++) {
        double at = (log(st->trials.trial[i].value[1]) - log(lo)) / (log(hi) - log(lo));
        int q = (int)floor(4 * at);
        quarter[q < 0 ? 0 : q > 3 ? 3 : q]++;
    }
}

static void evolution_spreads_warm_up_and_children_evenly_in_the_logarithm(void **state)
{
    (void)state;
    study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1), .cost = graph_cost};
    bti_span span;
    int quarter[4];
    bt_error err = {0};
    bti_space_limit(st.space, BTI_METRIC_PARAMS, 50000);
    bti_ask q = question(&st, 0, 0, NULL);
    assert_ok(bti_sampler_span(&q, &span, &err), &err);
    assert_true(exp(span.lo) < 5000 && exp(span.hi) > 40000 && exp(span.hi) < 50002);
    ask_and_add(&st, sampler("evolution"), NULL, 60);
    count_quarters(&st, 0, 12, exp(span.lo), exp(span.hi), quarter);
    for (int k = 0; k < 4; k++)
        assert_in_range(quarter[k], 2, 4);
    count_quarters(&st, 12, 60, exp(span.lo), exp(span.hi), quarter);
    for (int k = 0; k < 4; k++)
        assert_in_range(quarter[k], 5, 24);
    end_study(&st);
}

/* Number of parameters of x, by name, whose value in y is the same. */
static int shared_values(const bti_trial *x, const bti_trial *y)
{
    int n = 0;
    for (int i = 0; i < x->n_params; i++)
        for (int k = 0; k < y->n_params; k++)
            n += !strcmp(x->param_name[i], y->param_name[k]) &&
                 x->param_value[i] == y->param_value[k];
    return n;
}

static void children_are_close_to_the_front(void **state)
{
    (void)state;
    study st = {.space = space_file("examples/spaces/brief.yaml", 32, 3), .cost = graph_cost};
    ask_and_add(&st, sampler("evolution"), "warmup=10", 30);
    for (int i = 10; i < 30; i++) {
        int most = 0;
        const bti_trial *child = &st.trials.trial[i];
        for (int k = 0; k < i; k++) {
            int n = shared_values(&st.trials.trial[k], child);
            most = n > most ? n : most;
        }
        assert_true(most * 2 >= child->n_params); /* independent draws share a third */
    }
    end_study(&st);
}

/* Value 0 rewards Hardswish alone, which costs nothing: half of the blocks have it by chance,
 * selection collects them. */
static double hardswish_share(const bti_answer *a)
{
    int n = 0, yes = 0;
    for (int i = 0; i < a->point.n; i++) {
        if (!strstr(a->point.param[i].name, ".act"))
            continue;
        n++;
        yes += a->point.param[i].value == 1;
    }
    return n ? (double)yes / n : 0;
}

static double late_share(const char *name, int n)
{
    double sum = 0;
    study st = {.cost = square_cost};
    st.space = space_of(SPACE_HEAD "blocks:\n"
                                   "  - {id: a, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3, "
                                   "act: {choice: [ReLU, Hardswish]}}}}\n"
                                   "  - {id: b, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3, "
                                   "act: {choice: [ReLU, Hardswish]}}}}\n"
                                   "  - {id: c, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3, "
                                   "act: {choice: [ReLU, Hardswish]}}}}\n"
                                   "  - {id: d, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3, "
                                   "act: {choice: [ReLU, Hardswish]}}}}\n"
                                   "  - {id: e, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3, "
                                   "act: {choice: [ReLU, Hardswish]}}}}\n"
                                   "  - {id: f, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3, "
                                   "act: {choice: [ReLU, Hardswish]}}}}\n" SPACE_TAIL);
    for (int i = 0; i < n; i++) {
        bti_answer a;
        bt_error err = {0};
        bti_ask q = question(&st, i, 0, NULL);
        assert_ok(sampler(name)->ask(&q, &a, &err), &err);
        add_trial(&st, &a, BTI_COMPLETE);
        st.trials.trial[i].value[0] = hardswish_share(&a);
        if (i >= n / 2)
            sum += hardswish_share(&a);
    }
    end_study(&st);
    return sum / (n - n / 2);
}

static void samplers_that_learn_collect_what_is_good_and_random_does_not(void **state)
{
    (void)state;
    const char *const learn[] = {"evolution", "portfolio", "gp", "local", "regularized"};
    double random = late_share("random", 80);
    assert_true(random > 0.4 && random < 0.6);
    for (size_t i = 0; i < sizeof(learn) / sizeof(learn[0]); i++) {
        double share = late_share(learn[i], 80);
        if (share < 0.66)
            fail_msg("%s: %.3f", learn[i], share);
    }
    assert_true(late_share("nsga2", 240) > 0.62); /* generations of 20 take their time */
    /* Weighed by hypervolume, the good ones are soon one or two trials and the prior. */
    assert_true(late_share("tpe", 80) > 0.58);
}

/* A running trial is a bad one, however many trials there are: parallel workers do not crowd. */
static void tpe_knows_what_runs(void **state)
{
    (void)state;
    for (int n = 30; n < 60; n += 3) {
        study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1),
                    .cost = graph_cost};
        bti_answer alone, beside;
        bt_error err = {0};
        int moved = 0;
        ask_and_add(&st, sampler("random"), NULL, n + 8);
        st.trials.n = n;
        bti_ask q = question(&st, n, 0, "kernels=10");
        assert_ok(sampler("tpe")->ask(&q, &alone, &err), &err);
        bti_trial *own = st.trials.trial;
        bti_trial *list = bti_array((size_t)n + 1, sizeof(*list));
        memcpy(list, own, (size_t)n * sizeof(*list));
        for (int k = 0; k < 8; k++) {
            list[n] = own[n + k];
            list[n].state = BTI_RUNNING;
            st.trials.trial = list;
            st.trials.n = n + 1;
            assert_ok(sampler("tpe")->ask(&q, &beside, &err), &err);
            moved += strcmp(beside.key, alone.key) != 0;
        }
        st.trials.trial = own;
        st.trials.n = n + 8;
        bti_free(list);
        if (!moved)
            fail_msg("after %d trials a running one changes nothing", n);
        end_study(&st);
    }
}

/* Each trial of a portfolio says which member proposed it; every member gets a turn. */
static void a_portfolio_asks_all_its_members(void **state)
{
    (void)state;
    study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1), .cost = graph_cost};
    int gp = 0, evolution = 0, local = 0;
    for (int i = 0; i < 80; i++) {
        bti_answer a;
        bt_error err = {0};
        bti_ask q = question(&st, i, 0, NULL);
        assert_ok(bti_sampler_ask(sampler("portfolio"), &q, &a, &err), &err);
        add_trial(&st, &a, BTI_COMPLETE);
        bti_json_set_str(st.trials.trial[i].attrs, "sampler", a.by);
        gp += !strcmp(a.by, "gp");
        evolution += !strcmp(a.by, "evolution");
        local += !strcmp(a.by, "local");
        if (i < 12)
            assert_string_equal(a.by, "evolution"); /* the warm-up */
    }
    assert_int_equal(gp + evolution + local, 80);
    assert_true(gp > 0 && local > 0 && evolution > 12);
    end_study(&st);
}

static void failed_and_running_trials_are_no_parents(void **state)
{
    (void)state;
    study st = {.space = space_file("examples/spaces/fashion7.yaml", 28, 1), .cost = graph_cost};
    for (int k = 0; k < 20; k++) {
        bti_answer a;
        bt_error err = {0};
        bti_ask q = question(&st, k, 0, NULL);
        assert_ok(sampler("evolution")->ask(&q, &a, &err), &err);
        add_trial(&st, &a, k % 2 ? BTI_RUNNING : BTI_FAIL); /* nothing finishes: warm-up goes on */
    }
    end_study(&st);
}

static void the_first_proposal_is_the_default_when_the_file_has_one(void **state)
{
    (void)state;
    study st = {.cost = square_cost};
    st.space = space_of(SPACE_HEAD "blocks:\n  - {id: a, module: {Conv: {out: {int: [8, 80, 8], "
                                   "default: 72}, kernel: 3}}}\n" SPACE_TAIL);
    bti_answer a;
    bt_error err = {0};
    bti_ask q = question(&st, 0, 0, NULL);
    assert_ok(sampler("evolution")->ask(&q, &a, &err), &err);
    assert_true(param_num(&a.point, "a.Conv.out") == 72);
    end_study(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proposals_are_feasible_new_and_honest_about_their_cost),
        cmocka_unit_test(the_same_question_has_the_same_answer_and_a_retry_another),
        cmocka_unit_test(what_a_sampler_remembers_changes_no_answer),
        cmocka_unit_test(what_is_remembered_is_seen_anew_once_a_value_is_negative),
        cmocka_unit_test(a_small_space_is_used_up_without_repeating),
        cmocka_unit_test(limits_that_draws_hardly_ever_meet_are_met),
        cmocka_unit_test(a_space_without_a_single_network_is_reported_with_the_reason),
        cmocka_unit_test(draws_of_the_example_spaces_are_inside_them_and_proposals_feasible),
        cmocka_unit_test(limits_that_only_a_trial_tells_are_learnt),
        cmocka_unit_test(names_and_options_are_checked_with_the_nearest),
        cmocka_unit_test(evolution_spreads_warm_up_and_children_evenly_in_the_logarithm),
        cmocka_unit_test(children_are_close_to_the_front),
        cmocka_unit_test(samplers_that_learn_collect_what_is_good_and_random_does_not),
        cmocka_unit_test(tpe_knows_what_runs),
        cmocka_unit_test(a_portfolio_asks_all_its_members),
        cmocka_unit_test(failed_and_running_trials_are_no_parents),
        cmocka_unit_test(the_first_proposal_is_the_default_when_the_file_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
