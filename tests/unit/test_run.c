/* SPDX-License-Identifier: Apache-2.0 */
#include "study_text.h"

#include "base/files.h"
#include "search/lab.h"
#include "search/run.h"

#include <unistd.h>

static bt_error err;

static const bti_run example = {.data = "/data/birds",
                                .cache_dir = "/tmp/c",
                                .size = 32,
                                .channels = 3,
                                .classes = 7,
                                .space_text = "format: search-space/1\nname: x\n",
                                .sampler = "evolution:population=16",
                                .epochs = 5,
                                .subset = "20%",
                                .seed = 18446744073709551615ull, /* more than a JSON number holds */
                                .jobs = 3,
                                .threads = 2,
                                .limit = {[BTI_METRIC_PARAMS] = 5e4},
                                .objectives = "accuracy,macs",
                                .train_key = "abc"};

static void settings_come_back_as_they_were_stored(void **state)
{
    (void)state;
    bti_storage *st = memory_study();
    bti_run r;
    bool found;
    assert_ok(bti_run_load(&r, st, &found, &err), &err);
    assert_false(found);
    assert_ok(bti_run_save(&example, st, &err), &err);
    assert_ok(bti_run_load(&r, st, &found, &err), &err);
    assert_true(found);
    assert_string_equal(r.data, example.data);
    assert_string_equal(r.cache_dir, example.cache_dir);
    assert_string_equal(r.space_text, example.space_text);
    assert_string_equal(r.sampler, example.sampler);
    assert_string_equal(r.subset, "20%");
    assert_null(r.val); /* not given stays not given */
    assert_null(r.isa);
    assert_true(r.seed == example.seed);
    assert_int_equal(r.size, 32);
    assert_int_equal(r.channels, 3);
    assert_int_equal(r.classes, 7);
    assert_int_equal(r.epochs, 5);
    assert_int_equal(r.jobs, 3);
    assert_int_equal(r.threads, 2);
    assert_true(r.limit[BTI_METRIC_PARAMS] == 5e4 && r.limit[BTI_METRIC_MACS] == 0);
    bti_run_release(&r);
    bti_storage_close(st);
}

static void an_incomplete_record_is_refused_not_guessed(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        bti_storage *st = memory_study();
        bti_run r, broken = example;
        bool found;
        if (k == 0)
            broken.data = NULL;
        if (k == 1)
            broken.epochs = 0;
        if (k == 2)
            broken.space_text = NULL;
        if (k == 3)
            broken.threads = 0;
        assert_ok(bti_run_save(&broken, st, &err), &err);
        assert_int_equal(bti_run_load(&r, st, &found, &err), BT_FORMAT);
        assert_false(found);
        assert_null(r.data);
        bti_storage_close(st);
    }
}

static void control_says_stop_until_a_supervisor_says_otherwise(void **state)
{
    (void)state;
    bti_storage *st = memory_study();
    bti_control c;
    assert_ok(bti_control_load(&c, st, &err), &err);
    assert_int_equal(c.phase, BTI_PHASE_STOP);
    const bti_control want = {BTI_PHASE_FINAL, 1764000000.25, 40, 3, 1764000100.5};
    assert_ok(bti_control_save(&want, st, &err), &err);
    assert_ok(bti_control_load(&c, st, &err), &err);
    assert_int_equal(c.phase, BTI_PHASE_FINAL);
    assert_true(c.until_utc == want.until_utc);
    assert_int_equal(c.max_trials, 40);
    assert_int_equal(c.round, 3);
    assert_true(c.deadline_utc == want.deadline_utc);
    bti_storage_close(st);
}

static void a_run_directory_has_one_supervisor_and_its_workers_can_tell(void **state)
{
    (void)state;
    const char *dir = test_tmp_dir();
    int first, second;
    assert_ok(bti_run_lock(dir, &first, &err), &err);
    assert_true(bti_run_supervised(dir));
    assert_int_equal(bti_run_lock(dir, &second, &err), BT_BUSY);
    assert_int_equal(second, -1);
    assert_true(bti_run_supervised(dir)); /* asking does not take the lock away */
    close(first);
    assert_false(bti_run_supervised(dir));
    assert_ok(bti_run_lock(dir, &second, &err), &err);
    close(second);
}

static void threads_that_work_ahead_share_the_cores_that_no_worker_computes_on(void **state)
{
    (void)state;
    assert_int_equal(bti_lab_ahead(2, 2, 1), 0); /* cores, workers, threads of each */
    assert_int_equal(bti_lab_ahead(2, 1, 2), 0);
    assert_int_equal(bti_lab_ahead(2, 1, 1), 1);
    assert_int_equal(bti_lab_ahead(2, 5, 1), 0);
    assert_int_equal(bti_lab_ahead(8, 2, 2), 2);
    assert_int_equal(bti_lab_ahead(8, 2, 3), 1);
    assert_int_equal(bti_lab_ahead(64, 2, 4), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_come_back_as_they_were_stored),
        cmocka_unit_test(an_incomplete_record_is_refused_not_guessed),
        cmocka_unit_test(control_says_stop_until_a_supervisor_says_otherwise),
        cmocka_unit_test(threads_that_work_ahead_share_the_cores_that_no_worker_computes_on),
        cmocka_unit_test(a_run_directory_has_one_supervisor_and_its_workers_can_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
