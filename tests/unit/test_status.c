/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of run directories made by hand: killed in the search, at work on the final models,
 * ended.
 */
#include "faults.h"
#include "study_text.h"

#include "base/alloc.h"
#include "base/files.h"
#include "base/process.h"
#include "base/str.h"
#include "search/final.h"
#include "search/run.h"

#include <unistd.h>

static bt_error err;

typedef struct place {
    const char *dir;
    bti_storage *study;
    int lock;
} place;

/* Locked by us as a supervisor would: three finished trials, one failed, one running. */
static place open_place(void)
{
    const bti_run run = {.data = "birds",
                         .cache_dir = "/tmp/c",
                         .size = 32,
                         .channels = 3,
                         .classes = 2,
                         .space_text = "x",
                         .epochs = 1,
                         .jobs = 1,
                         .threads = 1};
    const bti_study_spec spec = {"s", 2, {"accuracy", "params"}, {true, false}};
    static const bti_point nothing;
    place p = {.dir = test_tmp_dir()};
    int64_t id;
    int number;
    bool duplicate;
    assert_ok(bti_run_lock(p.dir, &p.lock, &err), &err);
    assert_ok(bti_storage_open(&p.study, p.dir, &spec, true, &err), &err);
    assert_ok(bti_run_save(&run, p.study, &err), &err);
    finish_trial(p.study, 0.70, 3000);
    finish_trial(p.study, 0.60, 9000); /* beaten */
    finish_trial(p.study, 0.88, 40000);
    bti_proposal q = {.point = &nothing, .key = "fails"};
    bti_json *why = bti_json_object();
    bti_json_set_str(why, "error", "the loss became infinite");
    assert_ok(p.study->ops->claim(p.study, &q, "w", 60, 0, &id, &number, &duplicate, &err), &err);
    assert_ok(p.study->ops->finish(p.study, id, "w", 1, BTI_FAIL, NULL, why, &err), &err);
    bti_json_free(why);
    q.key = "runs";
    assert_ok(p.study->ops->claim(p.study, &q, "w", 60, 0, &id, &number, &duplicate, &err), &err);
    bti_json *used = bti_json_num(61.5);
    assert_ok(p.study->ops->study_attr_set(p.study, false, "bantam:active_s", used, &err), &err);
    bti_json_free(used);
    return p;
}

static void set_control(place *p, bti_phase phase, double phase_left, double left)
{
    const bti_control c = {.phase = phase,
                           .until_utc = bti_wall_seconds() + phase_left,
                           .round = 1,
                           .deadline_utc = bti_wall_seconds() + left};
    assert_ok(bti_control_save(&c, p->study, &err), &err);
}

static bti_json *status_of(const place *p)
{
    char *text;
    bti_json *o;
    assert_ok(bt_search_status(&text, p->dir, &err), &err);
    assert_ok(bti_json_parse(&o, text, strlen(text), "status", &err), &err);
    bt_free(text);
    return o;
}

static double number(const bti_json *o, const char *object, const char *key)
{
    return bti_json_as_num(bti_json_get(object ? bti_json_get(o, object) : o, key), -1);
}

static void close_place(place *p)
{
    bti_storage_close(p->study);
    if (p->lock >= 0)
        close(p->lock);
}

static void a_search_at_work_says_its_time_trials_and_front(void **state)
{
    (void)state;
    place p = open_place();
    set_control(&p, BTI_PHASE_SEARCH, 30, 60);
    bti_json *o = status_of(&p);
    assert_string_equal(bti_json_as_str(bti_json_get(o, "state"), ""), "running");
    assert_string_equal(bti_json_as_str(bti_json_get(o, "phase"), ""), "search");
    assert_string_equal(bti_json_as_str(bti_json_get(o, "data"), ""), "birds");
    assert_true(number(o, NULL, "used_s") == 61.5);
    assert_true(number(o, NULL, "left_s") > 50 && number(o, NULL, "left_s") <= 60);
    assert_true(number(o, NULL, "phase_left_s") > 20 && number(o, NULL, "phase_left_s") <= 30);
    assert_true(number(o, "trials", "complete") == 3 && number(o, "trials", "failed") == 1);
    assert_true(number(o, "trials", "running") == 1 && number(o, "trials", "unfinished") == 0);
    assert_true(number(o, NULL, "front") == 2);
    assert_true(number(o, "best", "params") == 40000 && number(o, "smallest", "params") == 3000);
    assert_true(bti_json_is_null(bti_json_get(o, "final")));
    const bti_json *e = bti_json_at(bti_json_get(o, "errors"), 0);
    assert_string_equal(bti_json_as_str(bti_json_get(e, "from"), ""), "trial 3");
    assert_string_equal(bti_json_as_str(bti_json_get(e, "line"), ""), "the loss became infinite");
    bti_json_free(o);
    close_place(&p);
}

static void final_training_counts_the_models_that_are_done(void **state)
{
    (void)state;
    place p = open_place();
    bti_plan plan = {.round = 1, .n = 2, .pick = {{.trial = 2}, {.trial = 0}}};
    bti_json *record = bti_json_object();
    bti_json_set_int(record, "round", 1);
    bti_json_set_str(record, "name", "m002-40k");
    assert_ok(p.study->ops->trial_attr_set(p.study, 3, false, "final", record, &err), &err);
    bti_json_free(record);
    assert_ok(bti_plan_save(&plan, p.study, &err), &err);
    set_control(&p, BTI_PHASE_FINAL, 30, 30);
    bti_json *o = status_of(&p);
    assert_string_equal(bti_json_as_str(bti_json_get(o, "phase"), ""), "final training");
    assert_true(number(o, "final", "picks") == 2 && number(o, "final", "done") == 1);
    bti_json_free(o);
    close_place(&p);
}

static void without_its_supervisor_a_search_is_interrupted_or_ended(void **state)
{
    (void)state;
    place p = open_place();
    close(p.lock);
    p.lock = -1;
    set_control(&p, BTI_PHASE_SEARCH, 30, 60);
    bti_json *o = status_of(&p);
    assert_string_equal(bti_json_as_str(bti_json_get(o, "state"), ""), "interrupted");
    assert_true(bti_json_is_null(bti_json_get(o, "left_s")));
    assert_true(number(o, "trials", "running") == 0 && number(o, "trials", "unfinished") == 1);
    bti_json_free(o);
    set_control(&p, BTI_PHASE_STOP, 30, 60);
    o = status_of(&p);
    assert_string_equal(bti_json_as_str(bti_json_get(o, "state"), ""), "ended");
    assert_true(bti_json_is_null(bti_json_get(o, "phase")));
    bti_json_free(o);
    close_place(&p);
}

static void write_log(const place *p, const char *name, const char *text)
{
    char rel[64];
    snprintf(rel, sizeof(rel), "work/%s", name);
    char *path = bti_path_join(p->dir, rel);
    assert_ok(bti_file_write(path, text, strlen(text), &err), &err);
    bti_free(path);
}

static void the_last_lines_of_each_log_are_shown_in_order(void **state)
{
    (void)state;
    place p = open_place();
    bti_str long_log = {0}; /* more than is looked at */
    for (int i = 0; i < 9000; i++)
        bti_str_addf(&long_log, "line %d\n\n", i);
    write_log(&p, "worker-0.log", bti_str_c(&long_log));
    write_log(&p, "worker-1.log", "one without an end");
    write_log(&p, "worker-2.log", "");
    bti_str_release(&long_log);
    bti_json *o = status_of(&p);
    static const char *const want[] = {"the loss became infinite", "line 8997", "line 8998",
                                       "line 8999", "one without an end"};
    const bti_json *list = bti_json_get(o, "errors");
    assert_int_equal(bti_json_len(list), 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(bti_json_as_str(bti_json_get(bti_json_at(list, i), "line"), ""),
                            want[i]);
    bti_json_free(o);
    close_place(&p);
}

static void a_folder_without_a_study_is_refused(void **state)
{
    char *text;
    const char *dir = test_tmp_dir();
    (void)state;
    assert_int_equal(bt_search_status(&text, dir, &err), BT_IO);
    assert_string_equal(err.where, dir);
    assert_null(text);
    char *study = bti_path_join(dir, "study.db");
    assert_false(bti_is_file(study)); /* asking makes nothing */
    bti_free(study);
}

static bt_status ask_status(void *user, bt_error *e)
{
    const place *p = user;
    char *text = NULL;
    bt_status rc = bt_search_status(&text, p->dir, e);
    if (!rc)
        assert_non_null(strstr(text, "\"complete\": 3"));
    bt_free(text);
    return rc;
}

static void lack_of_memory_is_said_and_nothing_half_told(void **state)
{
    place p = open_place();
    (void)state;
    assert_true(each_allocation_fails(ask_status, &p, p.dir) > 20);
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_at_work_says_its_time_trials_and_front),
        cmocka_unit_test(final_training_counts_the_models_that_are_done),
        cmocka_unit_test(without_its_supervisor_a_search_is_interrupted_or_ended),
        cmocka_unit_test(the_last_lines_of_each_log_are_shown_in_order),
        cmocka_unit_test(lack_of_memory_is_said_and_nothing_half_told),
        cmocka_unit_test(a_folder_without_a_study_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
