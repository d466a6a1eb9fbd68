/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "study_text.h"

#include "base/alloc.h"
#include "base/files.h"
#include "search/lab.h"
#include "search/outcome.h"

#include <unistd.h>

static bt_error err;

typedef struct fixture {
    bti_session s;
    bti_plan plan;
} fixture;

static void make_dir(const char *dir, const char *rel)
{
    char *path = bti_path_join(dir, rel);
    assert_ok(bti_make_dirs(path, &err), &err);
    bti_free(path);
}

static bool exists(const char *dir, const char *rel)
{
    char *path = bti_path_join(dir, rel);
    bool yes = bti_is_dir(path) || bti_is_file(path);
    bti_free(path);
    return yes;
}

/* Where dir/models/NAME points. Static. */
static const char *link_of(const char *dir, const char *name)
{
    static char target[64];
    char rel[64];
    snprintf(rel, sizeof(rel), "models/%s", name);
    char *path = bti_path_join(dir, rel);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = 0;
    bti_free(path);
    return target;
}

/* A final record and its model directory. */
static void give_final(fixture *f, int64_t id, int round, const char *name, double params,
                       double test)
{
    char rel[64];
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "name", name);
    bti_json_set_int(o, "round", round);
    bti_json_set_num(o, "params", params);
    bti_json_set_num(o, "test_accuracy", test);
    bti_json_set_num(o, "train_cpu_s", 10);
    snprintf(rel, sizeof(rel), "models/%s", name);
    bti_json_set_str(o, "path", rel);
    assert_ok(f->s.study->ops->trial_attr_set(f->s.study, id, false, "final", o, &err), &err);
    bti_json_free(o);
    make_dir(f->s.dir, rel);
}

/* Front: 3k 0.70, 10k 0.85, 40k 0.88; all picked in round 2. */
static void open_fixture(fixture *f)
{
    static const char *const name[] = {"m000-3k", "m001-10k", "m002-40k"};
    static const double params[] = {3000, 10000, 40000}, accuracy[] = {0.70, 0.85, 0.88};
    *f = (fixture){.s = {.dir = test_tmp_dir(), .lock_fd = -1, .study = memory_study()}};
    f->s.run = (bti_run){.data = "birds", .epochs = 4, .jobs = 2, .threads = 1};
    f->plan = (bti_plan){.round = 2, .n = 3};
    for (int i = 0; i < 3; i++) {
        int64_t id = finish_trial(f->s.study, accuracy[i], params[i]);
        give_final(f, id, 2, name[i], params[i], accuracy[i] - 0.01);
        f->plan.pick[i].trial = i;
        snprintf(f->plan.pick[i].name, sizeof(f->plan.pick[i].name), "%s", name[i]);
    }
    assert_ok(f->s.study->ops->refresh(f->s.study, &f->s.trials, &err), &err);
}

static void close_fixture(fixture *f)
{
    bti_trials_release(&f->s.trials);
    bti_storage_close(f->s.study);
}

static void links_name_the_smallest_the_best_and_the_knee_of_the_front(void **state)
{
    (void)state;
    fixture f;
    char *json = NULL;
    const bti_account a = {.budget_s = 60, .wall_s = 59, .cpu_s = 40};
    open_fixture(&f);
    assert_ok(bti_outcome_write(&f.s, &f.plan, &a, &json, &err), &err);
    assert_string_equal(link_of(f.s.dir, "smallest"), "m000-3k");
    assert_string_equal(link_of(f.s.dir, "best"), "m002-40k");
    assert_string_equal(link_of(f.s.dir, "value"), "m001-10k"); /* 0.15 for x3, then 0.03 for x4 */
    assert_true(exists(f.s.dir, "front.csv") && exists(f.s.dir, "front.svg"));
    assert_non_null(strstr(json, "\"trials_complete\": 3"));
    bt_free(json);
    close_fixture(&f);
}

static void the_summary_counts_training_of_this_session_only(void **state)
{
    (void)state;
    fixture f;
    char *text, *path;
    size_t n;
    open_fixture(&f); /* three trials of 2 s, three final trainings of 10 s */
    const bti_account a = {.budget_s = 60, .wall_s = 59, .cpu_s = 40, .train_cpu_before_s = 4};
    assert_true(bti_outcome_train_cpu(&f.s.trials, 2) == 36);
    assert_true(bti_outcome_train_cpu(&f.s.trials, 1) == 6);
    assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err);
    path = bti_path_join(f.s.dir, "summary.md");
    assert_ok(bti_file_read(path, 1 << 20, &text, &n, &err), &err);
    assert_non_null(strstr(text, "Training steps used 80 % of the CPU time")); /* (36 - 4) / 40 */
    assert_non_null(strstr(text, "59s of a budget of 1m"));
    assert_non_null(strstr(text, "| [m001-10k](models/m001-10k) | 10000 |"));
    bti_free(text);
    bti_free(path);
    close_fixture(&f);
}

static void models_that_are_no_picks_leave_the_disk_and_the_table(void **state)
{
    (void)state;
    fixture f;
    char *text, *path;
    size_t n;
    const bti_account a = {0};
    open_fixture(&f);
    int64_t id = finish_trial(f.s.study, 0.80, 5000); /* on the front, picked in round 1 only */
    give_final(&f, id, 1, "m003-5k", 5000, 0.79);
    make_dir(f.s.dir, "models/first");
    assert_ok(f.s.study->ops->refresh(f.s.study, &f.s.trials, &err), &err);
    assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err);
    assert_false(exists(f.s.dir, "models/m003-5k"));
    assert_false(exists(f.s.dir, "models/first"));
    assert_true(exists(f.s.dir, "models/m000-3k"));
    path = bti_path_join(f.s.dir, "front.csv");
    assert_ok(bti_file_read(path, 1 << 20, &text, &n, &err), &err);
    assert_non_null(strstr(text, "m000-3k"));
    assert_null(strstr(text, "m003-5k"));
    bti_free(text);
    bti_free(path);
    assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err); /* again: the same */
    close_fixture(&f);
}

/* Rows of front.csv. */
static int models_of(const char *dir)
{
    char *text, *path = bti_path_join(dir, "front.csv");
    size_t n;
    int rows = -1;
    assert_ok(bti_file_read(path, 1 << 20, &text, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        rows += text[i] == '\n';
    bti_free(text);
    bti_free(path);
    return rows;
}

static void picks_that_a_late_trial_beats_stay_behind_the_front(void **state)
{
    (void)state;
    const double params[] = {9000, 2000}; /* beats one, beats all */
    for (int i = 0; i < 2; i++) {
        fixture f;
        const bti_account a = {0};
        open_fixture(&f);
        finish_trial(f.s.study, 0.89, params[i]);
        assert_ok(f.s.study->ops->refresh(f.s.study, &f.s.trials, &err), &err);
        assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err);
        assert_int_equal(models_of(f.s.dir), 3);
        assert_true(exists(f.s.dir, "models/m001-10k"));
        assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err); /* again: the same */
        assert_int_equal(models_of(f.s.dir), 3);
        close_fixture(&f);
    }
}

static bt_status write_outcome(void *user, bt_error *e)
{
    fixture *f = user;
    const bti_account a = {0};
    bt_status rc = bti_outcome_write(&f->s, &f->plan, &a, NULL, e);
    bti_alloc_fail_at(0); /* for what looks at it */
    assert_true(exists(f->s.dir, "front.csv") && exists(f->s.dir, "models/best"));
    assert_true(exists(f->s.dir, "models/m000-3k") && exists(f->s.dir, "models/m002-40k"));
    return rc;
}

static void a_full_disk_leaves_the_old_front_and_every_model(void **state)
{
    (void)state;
    fixture f;
    const bti_account a = {0};
    open_fixture(&f);
    assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err);
    assert_true(each_write_fails(write_outcome, &f, f.s.dir) > 15);
    close_fixture(&f);
}

static void lack_of_memory_leaves_the_old_front_and_every_model(void **state)
{
    (void)state;
    fixture f;
    const bti_account a = {0};
    open_fixture(&f);
    assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err);
    assert_true(each_allocation_fails(write_outcome, &f, f.s.dir) > 15);
    close_fixture(&f);
}

static void one_model_is_smallest_best_and_value_at_once(void **state)
{
    (void)state;
    fixture f;
    const bti_account a = {0};
    open_fixture(&f);
    f.plan.pick[0] = f.plan.pick[1];
    f.plan.n = 1;
    assert_ok(bti_outcome_write(&f.s, &f.plan, &a, NULL, &err), &err);
    assert_string_equal(link_of(f.s.dir, "smallest"), "m001-10k");
    assert_string_equal(link_of(f.s.dir, "best"), "m001-10k");
    assert_string_equal(link_of(f.s.dir, "value"), "m001-10k");
    close_fixture(&f);
}

static void only_the_front_and_running_trials_keep_their_weights(void **state)
{
    (void)state;
    bti_trials t = {0};
    const char *dir = test_tmp_dir();
    add_trial(&t, 0.7, 3000, 1);
    add_trial(&t, 0.6, 4000, 1); /* beaten by 0 */
    add_trial(&t, 0.1, 9000, 1)->state = BTI_RUNNING;
    add_trial(&t, 0.9, 9000, 1)->state = BTI_FAIL;
    for (int i = 0; i < 5; i++) { /* 4: claimed after the list was read */
        char rel[48];
        snprintf(rel, sizeof(rel), "work/trials/%05d", i);
        make_dir(dir, rel);
    }
    bti_drop_dominated(dir, &t);
    assert_true(exists(dir, "work/trials/00000"));
    assert_false(exists(dir, "work/trials/00001"));
    assert_true(exists(dir, "work/trials/00002"));
    assert_false(exists(dir, "work/trials/00003"));
    assert_true(exists(dir, "work/trials/00004"));
    bti_trials_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_name_the_smallest_the_best_and_the_knee_of_the_front),
        cmocka_unit_test(the_summary_counts_training_of_this_session_only),
        cmocka_unit_test(models_that_are_no_picks_leave_the_disk_and_the_table),
        cmocka_unit_test(picks_that_a_late_trial_beats_stay_behind_the_front),
        cmocka_unit_test(a_full_disk_leaves_the_old_front_and_every_model),
        cmocka_unit_test(lack_of_memory_leaves_the_old_front_and_every_model),
        cmocka_unit_test(one_model_is_smallest_best_and_value_at_once),
        cmocka_unit_test(only_the_front_and_running_trials_keep_their_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
