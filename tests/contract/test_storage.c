/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of study stores through one handle, run over every line of storages.def: what holds
 * for one holds for all. test_shared_storage.c opens stores twice.
 */
#include "stores.h"

#include "base/alloc.h"
#include "base/process.h"

#include <math.h>
#include <string.h>

static void open_fresh(const bti_storage_ops *ops, bti_storage **s)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/study.db", test_tmp_dir());
    assert_ok(ops->open(s, path, &spec, true, &err), &err);
}

static void on_every_store(void (*check)(bti_storage *s))
{
    for (size_t i = 0; i < N_STORES; i++) {
        bti_storage *s;
        open_fresh(stores[i], &s);
        check(s);
        bti_storage_close(s);
    }
}

/* ---- one handle ---- */

static void check_round_trip(bti_storage *s)
{
    bti_trials t = {0};
    double before = bti_wall_seconds();
    claim c = claim_key(s, "aa", "w1", 60);
    assert_int_equal(c.number, 0);
    double values[2] = {0.925, 51234};
    bti_json *attrs = bti_json_object();
    bti_json_set_num(attrs, "train_s", 12.5);
    assert_ok(s->ops->report(s, c.id, "w1", 1, 1, 0.5, &err), &err);
    assert_ok(s->ops->finish(s, c.id, "w1", 1, BTI_COMPLETE, values, attrs, &err), &err);
    bti_json_free(attrs);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.n, 1);
    const bti_trial *trial = bti_trials_number(&t, 0);
    assert_non_null(trial);
    assert_int_equal(trial->state, BTI_COMPLETE);
    assert_int_equal(trial->n_values, 2);
    assert_true(trial->value[0] == 0.925 && trial->value[1] == 51234);
    assert_int_equal(trial->n_params, 3);
    assert_string_equal(trial->param_name[0], "train.lr");
    assert_true(trial->param_value[0] == 0.1 && trial->param_value[1] == 16);
    assert_true(trial->param_value[2] == 1); /* a choice is stored by index */
    assert_int_equal(bti_json_as_int(bti_json_get(trial->attrs, "params"), 0), 1234);
    assert_true(bti_json_as_num(bti_json_get(trial->attrs, "train_s"), 0) == 12.5);
    assert_string_equal(bti_json_as_str(bti_json_get(trial->attrs, "key"), ""), "aa");
    assert_true(trial->started > before - 1 && trial->completed >= trial->started - 1e-3);
    assert_null(bti_trials_number(&t, 1));
    bti_trials_release(&t);
}

static void a_trial_comes_back_as_it_was_stored(void **state)
{
    (void)state;
    on_every_store(check_round_trip);
}

static void check_numbers(bti_storage *s)
{
    for (int i = 0; i < 20; i++) {
        claim c = claim_nth(s, i, "w", 60);
        assert_int_equal(c.number, i);
        assert_true(c.id > 0);
        if (i % 3 == 0)
            assert_ok(s->ops->finish(s, c.id, "w", 1, BTI_FAIL, NULL, NULL, &err), &err);
    }
    bti_trials t = {0};
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(t.trial[i].number, i);
        assert_true(i == 0 || t.trial[i].id > t.trial[i - 1].id);
    }
    bti_trials_release(&t);
}

static void numbers_count_up_and_are_never_reused(void **state)
{
    (void)state;
    on_every_store(check_numbers);
}

static void check_duplicates(bti_storage *s)
{
    claim first = claim_key(s, "same", "w1", 60);
    claim again = claim_key(s, "same", "w2", 60);
    assert_true(!first.duplicate && again.duplicate && again.id == -1);
    assert_int_equal(claim_key(s, "other", "w2", 60).number, 1);
}

static void a_configuration_is_claimed_only_once(void **state)
{
    (void)state;
    on_every_store(check_duplicates);
}

static void check_limit(bti_storage *s)
{
    int64_t id;
    int number;
    bool duplicate;
    bti_proposal p = {.point = point_of(0.1, 8, 0), .key = "third"};
    claim_key(s, "first", "w", 60);
    claim_key(s, "second", "w", 60);
    assert_ok(s->ops->claim(s, &p, "w", 60, 2, &id, &number, &duplicate, &err), &err);
    assert_true(id == -1 && !duplicate);
    assert_ok(s->ops->claim(s, &p, "w", 60, 3, &id, &number, &duplicate, &err), &err);
    assert_int_equal(number, 2);
}

static void no_more_trials_than_the_limit_are_claimed(void **state)
{
    (void)state;
    on_every_store(check_limit);
}

static void check_immutable(bti_storage *s)
{
    bti_trials t = {0};
    claim c = claim_key(s, "a", "w", 60);
    double other[2] = {0.1, 1};
    complete(s, c.id, "w", 1, 0.75);
    assert_int_equal(s->ops->finish(s, c.id, "w", 1, BTI_COMPLETE, other, NULL, &err), BT_BUSY);
    assert_int_equal(s->ops->finish(s, c.id, "w", 1, BTI_FAIL, NULL, NULL, &err), BT_BUSY);
    assert_int_equal(s->ops->report(s, c.id, "w", 1, 9, 0.3, &err), BT_BUSY);
    assert_int_equal(s->ops->renew(s, c.id, "w", 1, 60, &err), BT_BUSY);
    assert_int_equal(s->ops->yield(s, c.id, "w", 1, &err), BT_BUSY);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.trial[0].state, BTI_COMPLETE);
    assert_true(t.trial[0].value[0] == 0.75);
    bti_trials_release(&t);
}

static void a_finished_trial_never_changes(void **state)
{
    (void)state;
    on_every_store(check_immutable);
}

static void check_values(bti_storage *s)
{
    double nan_value[2] = {NAN, 1}, infinite[2] = {0.5, INFINITY};
    bti_trials t = {0};
    claim c = claim_key(s, "a", "w", 60);
    assert_int_equal(s->ops->finish(s, c.id, "w", 1, BTI_COMPLETE, nan_value, NULL, &err),
                     BT_INVAL);
    assert_int_equal(s->ops->finish(s, c.id, "w", 1, BTI_COMPLETE, NULL, NULL, &err), BT_INVAL);
    assert_int_equal(s->ops->finish(s, c.id, "w", 1, BTI_RUNNING, infinite, NULL, &err), BT_INVAL);
    assert_ok(s->ops->finish(s, c.id, "w", 1, BTI_COMPLETE, infinite, NULL, &err), &err);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_true(isinf(t.trial[0].value[1]));
    bti_trials_release(&t);
}

static void a_value_that_is_not_a_number_is_refused(void **state)
{
    (void)state;
    on_every_store(check_values);
}

static void check_fencing(bti_storage *s)
{
    int64_t id;
    int attempt;
    double values[2] = {0.5, 10};
    bti_trials t = {0};
    claim c = claim_key(s, "a", "sleeper", -1); /* a lease that has already run out */
    assert_ok(s->ops->reclaim(s, "second", 60, &id, &attempt, &err), &err);
    assert_true(id == c.id);
    assert_int_equal(attempt, 2);
    assert_int_equal(s->ops->renew(s, id, "sleeper", 1, 60, &err), BT_BUSY);
    assert_int_equal(s->ops->report(s, id, "sleeper", 1, 1, 0.9, &err), BT_BUSY);
    assert_int_equal(s->ops->yield(s, id, "sleeper", 1, &err), BT_BUSY);
    assert_int_equal(s->ops->finish(s, id, "sleeper", 1, BTI_COMPLETE, values, NULL, &err),
                     BT_BUSY);
    assert_int_equal(s->ops->finish(s, id, "second", 1, BTI_COMPLETE, values, NULL, &err), BT_BUSY);
    /* A worker that is started again under its old name is another holder. */
    assert_ok(s->ops->renew(s, id, "second", 2, -1, &err), &err);
    assert_ok(s->ops->reclaim(s, "second", 60, &id, &attempt, &err), &err);
    assert_int_equal(attempt, 3);
    assert_int_equal(s->ops->renew(s, id, "second", 2, 60, &err), BT_BUSY);
    assert_int_equal(s->ops->finish(s, id, "second", 2, BTI_COMPLETE, values, NULL, &err), BT_BUSY);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.trial[0].state, BTI_RUNNING);
    assert_int_equal(t.trial[0].attempt, 3);
    complete(s, id, "second", 3, 0.6);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_true(t.trial[0].value[0] == 0.6);
    bti_trials_release(&t);
}

static void a_worker_that_slept_past_its_lease_writes_nothing(void **state)
{
    (void)state;
    on_every_store(check_fencing);
}

static void check_expired_but_held(bti_storage *s)
{
    claim c = claim_key(s, "a", "slow", -1);
    assert_ok(s->ops->report(s, c.id, "slow", 1, 1, 0.3, &err), &err);
    complete(s, c.id, "slow", 1, 0.4);
    int64_t id;
    int attempt;
    assert_ok(s->ops->reclaim(s, "other", 60, &id, &attempt, &err), &err);
    assert_true(id == -1);
}

static void an_expired_lease_that_nobody_took_still_holds(void **state)
{
    (void)state;
    on_every_store(check_expired_but_held);
}

static void check_reclaim_order(bti_storage *s)
{
    int64_t id;
    int attempt;
    claim held = claim_key(s, "held", "w", 60);
    claim old = claim_key(s, "old", "w", -1);
    claim young = claim_key(s, "young", "w", -1);
    assert_ok(s->ops->reclaim(s, "x", 60, &id, &attempt, &err), &err);
    assert_true(id == old.id);
    assert_ok(s->ops->reclaim(s, "x", 60, &id, &attempt, &err), &err);
    assert_true(id == young.id);
    assert_ok(s->ops->reclaim(s, "x", 60, &id, &attempt, &err), &err);
    assert_true(id == -1);
    assert_ok(s->ops->renew(s, held.id, "w", 1, -1, &err), &err);
    assert_ok(s->ops->reclaim(s, "x", 60, &id, &attempt, &err), &err);
    assert_true(id == held.id);
}

static void the_oldest_expired_trial_is_taken_over_first(void **state)
{
    (void)state;
    on_every_store(check_reclaim_order);
}

static void check_third_expiry(bti_storage *s)
{
    int64_t id;
    int attempt;
    bti_trials t = {0};
    claim c = claim_key(s, "deadly", "w", -1);
    assert_ok(s->ops->reclaim(s, "w", -1, &id, &attempt, &err), &err);
    assert_int_equal(attempt, 2);
    assert_ok(s->ops->reclaim(s, "w", -1, &id, &attempt, &err), &err);
    assert_int_equal(attempt, 3);
    assert_true(id == c.id);
    assert_ok(s->ops->reclaim(s, "w", 60, &id, &attempt, &err), &err);
    assert_true(id == -1);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.trial[0].state, BTI_FAIL);
    assert_true(t.trial[0].completed > 0);
    assert_non_null(bti_json_get(t.trial[0].attrs, "bantam:failure"));
    bti_trials_release(&t);
}

static void a_trial_that_lost_three_workers_fails(void **state)
{
    (void)state;
    on_every_store(check_third_expiry);
}

static void check_yield(bti_storage *s)
{
    int64_t id;
    int attempt = 1;
    claim c = claim_key(s, "a", "w", 60);
    for (int i = 0; i < 5; i++) { /* five Ctrl-C are no crash */
        assert_ok(s->ops->yield(s, c.id, "w", attempt, &err), &err);
        assert_int_equal(s->ops->renew(s, c.id, "w", attempt, 60, &err), BT_BUSY);
        assert_ok(s->ops->reclaim(s, "w", 60, &id, &attempt, &err), &err);
        assert_true(id == c.id);
        assert_int_equal(attempt, i + 2);
    }
    complete(s, id, "w", attempt, 0.9);
}

static void a_trial_given_back_goes_on_at_once_and_does_not_count_as_lost(void **state)
{
    (void)state;
    on_every_store(check_yield);
}

static void check_signature(bti_storage *s)
{
    int64_t id;
    int number;
    bool duplicate;
    bti_point *p = point_of(0.1, 16, 1);
    bti_proposal proposal = {.point = p, .key = "b"};
    claim_key(s, "a", "w", 60);
    p->param[1].domain.hi = 32; /* bounds may vary by trial */
    assert_ok(s->ops->claim(s, &proposal, "w", 60, 0, &id, &number, &duplicate, &err), &err);
    proposal.key = "c";
    p->param[0].domain.log = false;
    assert_int_equal(s->ops->claim(s, &proposal, "w", 60, 0, &id, &number, &duplicate, &err),
                     BT_INVAL);
    assert_true(id == -1);
    assert_non_null(strstr(err.text, "new study"));
    p = point_of(0.1, 16, 0);
    p->param[2].domain.n = 1;
    assert_int_equal(s->ops->claim(s, &proposal, "w", 60, 0, &id, &number, &duplicate, &err),
                     BT_INVAL);
    /* Nothing of the refused ones is left: neither a number nor a key, nor what a new name stood
     * for. */
    assert_int_equal(claim_key(s, "c", "w", 60).number, 2);
    p = point_of(0.1, 16, 1);
    p->param[3] = p->param[0];
    p->param[3].domain.log = false;
    p->param[2].name = "m2.k";
    p->n = 4;
    proposal.key = "d";
    assert_int_equal(s->ops->claim(s, &proposal, "w", 60, 0, &id, &number, &duplicate, &err),
                     BT_INVAL);
    p->n = 3;
    p->param[2].domain = p->param[1].domain;
    assert_ok(s->ops->claim(s, &proposal, "w", 60, 0, &id, &number, &duplicate, &err), &err);
    assert_int_equal(number, 3);
}

static void a_parameter_keeps_its_class_log_flag_and_choices(void **state)
{
    (void)state;
    on_every_store(check_signature);
}

static void check_attrs(bti_storage *s)
{
    bti_json *v = bti_json_object(), *got;
    bti_json_set_num(v, "budget_s", 300.5);
    assert_ok(s->ops->study_attr_get(s, false, "plan", &got, &err), &err);
    assert_null(got);
    for (int i = 0; i < 2; i++) { /* writing again replaces */
        bti_json_set_int(v, "round", i);
        assert_ok(s->ops->study_attr_set(s, false, "plan", v, &err), &err);
    }
    bti_json_free(v);
    assert_ok(s->ops->study_attr_get(s, false, "plan", &got, &err), &err);
    assert_true(bti_json_as_num(bti_json_get(got, "budget_s"), 0) == 300.5);
    assert_int_equal(bti_json_as_int(bti_json_get(got, "round"), -1), 1);
    bti_json_free(got);
    assert_ok(s->ops->study_attr_get(s, true, "study:metric_names", &got, &err), &err);
    assert_string_equal(bti_json_as_str(bti_json_at(got, 0), ""), "accuracy");
    bti_json_free(got);
}

static void attributes_of_a_study_can_be_read_back_and_replaced(void **state)
{
    (void)state;
    on_every_store(check_attrs);
}

static void check_incremental(bti_storage *s)
{
    bti_trials t = {0};
    claim a = claim_key(s, "a", "w", 60), b = claim_key(s, "b", "w", 60);
    complete(s, a.id, "w", 1, 0.5);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.n, 2);
    const bti_json *parsed = t.trial[0].attrs;
    char *const *names = t.trial[0].param_name;
    complete(s, b.id, "w", 1, 0.6);
    claim_key(s, "c", "w", 60);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.n, 3);
    assert_true(t.trial[0].attrs == parsed && t.trial[0].param_name == names);
    assert_true(t.trial[1].state == BTI_COMPLETE && t.trial[1].value[0] == 0.6);
    assert_string_equal(bti_json_as_str(bti_json_get(t.trial[1].attrs, "hash"), ""), "b");
    /* An attribute that the coordinator adds to a finished trial arrives, and so does its next
     * version. */
    for (int i = 1; i <= 3; i++) {
        bti_json *v = bti_json_int(i);
        assert_ok(s->ops->trial_attr_set(s, a.id, false, "final", v, &err), &err);
        bti_json_free(v);
        assert_ok(s->ops->refresh(s, &t, &err), &err);
        assert_int_equal(bti_json_as_int(bti_json_get(t.trial[0].attrs, "final"), 0), i);
    }
    bti_trials_release(&t);
}

static void refresh_reads_only_what_is_new(void **state)
{
    (void)state;
    on_every_store(check_incremental);
}

static void memory_is_given_back_when_an_allocation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_STORES; i++) {
        bti_storage *s;
        open_fresh(stores[i], &s);
        claim c = claim_key(s, "a", "w", 60);
        complete(s, c.id, "w", 1, 0.5);
        for (int n = 1;; n++) {
            bti_trials t = {0};
            bti_alloc_fail_at(n);
            bt_status rc = s->ops->refresh(s, &t, &err);
            bti_alloc_fail_at(0);
            assert_true(rc == BT_OK || rc == BT_NOMEM);
            if (rc) /* and the next try is whole */
                assert_ok(s->ops->refresh(s, &t, &err), &err);
            assert_int_equal(t.n, 1);
            assert_int_equal(t.trial[0].n_params, 3);
            assert_string_equal(bti_json_as_str(bti_json_get(t.trial[0].attrs, "hash"), ""), "a");
            bti_trials_release(&t);
            if (!rc)
                break;
        }
        bti_storage_close(s);
    }
}

/* ---- enqueued trials ---- */

static void check_enqueued(bti_storage *s)
{
    bti_trials t = {0};
    int number;
    bool taken, duplicate;
    bti_json *fixed = bti_json_object(), *attrs = bti_json_object(), *back = NULL;
    bti_json_set_str(fixed, "m1", "MBConv");
    bti_json_set_str(attrs, "from", "elsewhere");
    claim_nth(s, 0, "w", 60);
    assert_ok(s->ops->enqueue(s, fixed, attrs, &number, &err), &err);
    assert_int_equal(number, 1);
    assert_ok(s->ops->enqueue(s, fixed, NULL, &number, &err), &err);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.n, 3);
    assert_int_equal(t.trial[1].state, BTI_WAITING);
    assert_int_equal(t.trial[1].n_params, 0);
    assert_string_equal(bti_json_as_str(bti_json_get(t.trial[1].attrs, "from"), ""), "elsewhere");
    assert_ok(s->ops->trial_attr_get(s, t.trial[1].id, true, "fixed_params", &back, &err), &err);
    assert_string_equal(bti_json_as_str(bti_json_get(back, "m1"), ""), "MBConv");
    bti_json_free(back);
    assert_int_equal(claim_nth(s, 5, "w", 60).number, 3); /* numbers go on behind them */

    bti_proposal p = {.point = point_of(0.1, 24, 1),
                      .key = "waited",
                      .n_constraints = 2,
                      .constraint = {-1, 0.5}};
    int64_t id = t.trial[1].id;
    assert_ok(s->ops->start(s, id, &p, "w1", 60, &taken, &duplicate, &err), &err);
    assert_true(taken && !duplicate);
    assert_ok(s->ops->start(s, id, &p, "w2", 60, &taken, &duplicate, &err), &err);
    assert_false(taken);
    assert_ok(s->ops->start(s, t.trial[2].id, &p, "w2", 60, &taken, &duplicate, &err), &err);
    assert_true(!taken && duplicate); /* the same network once only */
    assert_ok(s->ops->drop(s, t.trial[2].id, "tried before", &err), &err);
    complete(s, id, "w1", 1, 0.7);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.trial[1].state, BTI_COMPLETE);
    assert_int_equal(t.trial[1].number, 1);
    assert_int_equal(t.trial[1].n_params, 3);
    assert_true(t.trial[1].violation == 0.5);
    assert_int_equal(t.trial[2].state, BTI_FAIL);
    assert_string_equal(bti_json_as_str(bti_json_get(t.trial[2].attrs, "error"), ""),
                        "tried before");
    assert_ok(s->ops->drop(s, id, "finished trials do not change", &err), &err);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.trial[1].state, BTI_COMPLETE);
    bti_trials_release(&t);
    bti_json_free(fixed);
    bti_json_free(attrs);
}

static void an_enqueued_trial_is_started_once_and_keeps_its_number(void **state)
{
    (void)state;
    on_every_store(check_enqueued);
}

static void check_values_for_people(bti_storage *s)
{
    bti_json *params, *constraints = bti_json_array();
    bti_trials t = {0};
    claim c = claim_key(s, "aa", "w", 60);
    assert_ok(s->ops->params_get(s, c.id, &params, &err), &err);
    assert_string_equal(bti_json_as_str(bti_json_get(params, "m1"), ""), "MBConv");
    assert_int_equal(bti_json_as_int(bti_json_get(params, "m1.out"), 0), 16);
    assert_true(bti_json_as_num(bti_json_get(params, "train.lr"), 0) == 0.1);
    bti_json_free(params);
    bti_json_append(constraints, bti_json_num(0.25));
    bti_json_append(constraints, bti_json_num(-3));
    assert_ok(s->ops->trial_attr_set(s, c.id, true, "constraints", constraints, &err), &err);
    complete(s, c.id, "w", 1, 0.5);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_true(t.trial[0].violation == 0.25);
    assert_int_equal(t.goals.n, 2);
    assert_int_equal(t.goals.metric[1], BTI_METRIC_PARAMS);
    assert_false(bti_trial_counts(&t.goals, &t.trial[0]));
    bti_trials_release(&t);
    bti_json_free(constraints);
}

static void parameters_and_constraints_are_read_back_as_people_write_them(void **state)
{
    (void)state;
    on_every_store(check_values_for_people);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_comes_back_as_it_was_stored),
        cmocka_unit_test(numbers_count_up_and_are_never_reused),
        cmocka_unit_test(a_configuration_is_claimed_only_once),
        cmocka_unit_test(no_more_trials_than_the_limit_are_claimed),
        cmocka_unit_test(a_finished_trial_never_changes),
        cmocka_unit_test(a_value_that_is_not_a_number_is_refused),
        cmocka_unit_test(a_worker_that_slept_past_its_lease_writes_nothing),
        cmocka_unit_test(an_expired_lease_that_nobody_took_still_holds),
        cmocka_unit_test(the_oldest_expired_trial_is_taken_over_first),
        cmocka_unit_test(a_trial_that_lost_three_workers_fails),
        cmocka_unit_test(a_trial_given_back_goes_on_at_once_and_does_not_count_as_lost),
        cmocka_unit_test(a_parameter_keeps_its_class_log_flag_and_choices),
        cmocka_unit_test(attributes_of_a_study_can_be_read_back_and_replaced),
        cmocka_unit_test(refresh_reads_only_what_is_new),
        cmocka_unit_test(memory_is_given_back_when_an_allocation_fails),
        cmocka_unit_test(an_enqueued_trial_is_started_once_and_keeps_its_number),
        cmocka_unit_test(parameters_and_constraints_are_read_back_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
