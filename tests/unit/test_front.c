/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "bantam/study.h"
#include "base/alloc.h"
#include "base/files.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bt_error err;

static bti_trial *add(bti_trials *t, double accuracy, double params)
{
    bti_trial trial = {.id = t->n + 1,
                       .number = t->n,
                       .state = BTI_COMPLETE,
                       .n_values = 2,
                       .value = {accuracy, params}};
    trial.attrs = bti_json_object();
    bti_json_set_num(trial.attrs, "macs", params * 50);
    bti_json_set_str(trial.attrs, "seed", "18446744073709551615"); /* 64 bits: text */
    assert_ok(bti_trials_take(t, &trial, &err), &err);
    return &t->trial[t->n - 1];
}

static void add_final(bti_trial *t, const char *name, double test)
{
    bti_json *final = bti_json_object(), *interval = bti_json_array();
    bti_json_append(interval, bti_json_num(test - 0.01));
    bti_json_append(interval, bti_json_num(test + 0.01));
    bti_json_set_str(final, "name", name);
    bti_json_set_num(final, "test_accuracy", test);
    bti_json_set(final, "interval", interval);
    bti_json_set_int(final, "seed", 12);
    bti_json_set_str(final, "path", "models/a");
    bti_json_set_bool(final, "retrained", true);
    bti_json_set(t->attrs, "final", final);
}

/* Front by params: 1 (0.70, 4000), 0 (0.85, 9000), 4 (0.91, 41000). */
static void make_trials(bti_trials *t)
{
    add(t, 0.85, 9000);
    add(t, 0.70, 4000);
    add(t, 0.84, 10000); /* beaten by 0 in both */
    add(t, 0.85, 12000); /* as good as 0 but larger */
    add(t, 0.91, 41000);
    add(t, 0.99, 500)->state = BTI_PRUNED; /* did not finish: no value to trust */
    add(t, 0.85, 9000);                    /* the same as 0, later */
    add(t, 0.10, 20000);                   /* learnt nothing */
}

static void the_front_holds_what_no_other_trial_beats_by_size(void **state)
{
    (void)state;
    bti_trials t = {0};
    int index[16];
    make_trials(&t);
    assert_int_equal(bti_report_front(&t, index), 3);
    assert_int_equal(index[0], 1);
    assert_int_equal(index[1], 0);
    assert_int_equal(index[2], 4);
    bti_trials_release(&t);
}

static void csv_has_a_row_a_model_and_empty_cells_for_what_is_not_known(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    make_trials(&t);
    assert_int_equal(bti_report_front_csv(&t, &out), BT_OK);
    assert_string_equal(
        bti_str_c(&out),
        "name,params,macs,val_accuracy,test_accuracy,interval_lo,interval_hi,seed,trial,path\n"
        "trial-1,4000,200000,0.7,,,,18446744073709551615,1,\n"
        "trial-0,9000,450000,0.85,,,,18446744073709551615,0,\n"
        "trial-4,41000,2050000,0.91,,,,18446744073709551615,4,\n");
    bti_str_release(&out);
    bti_trials_release(&t);
}

static void csv_lists_the_models_on_disk_once_there_are_any(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    make_trials(&t);
    add_final(&t.trial[0], "mid, \"9k\"", 0.86);
    add_final(&t.trial[2], "left the front", 0.99);
    assert_int_equal(bti_report_front_csv(&t, &out), BT_OK);
    assert_non_null(strstr(bti_str_c(&out),
                           "\n\"mid, \"\"9k\"\"\",9000,450000,0.85,0.86,0.85,0.87,12,0,"
                           "models/a\n"));
    assert_null(strstr(bti_str_c(&out), "trial-1"));
    assert_null(strstr(bti_str_c(&out), "left the front"));
    add_final(&t.trial[3], "filler", 0.84);
    bti_json *final = bti_json_copy(bti_json_get(t.trial[3].attrs, "final"));
    bti_json_set_bool(final, "behind", true);
    bti_json_set(t.trial[3].attrs, "final", final);
    bti_str_reset(&out);
    assert_int_equal(bti_report_front_csv(&t, &out), BT_OK);
    assert_non_null(strstr(bti_str_c(&out), "\nfiller,12000,"));
    bti_str_release(&out);
    bti_trials_release(&t);
}

static void the_table_keeps_the_ends_of_the_front_when_it_is_cut(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    for (int i = 0; i < 30; i++)
        add(&t, 0.5 + 0.01 * i, 1000 + 1000 * i);
    assert_int_equal(bti_report_front_table(&t, 5, NULL, &out), BT_OK);
    assert_non_null(strstr(bti_str_c(&out), "50.00%   trial-0\n"));
    assert_non_null(strstr(bti_str_c(&out), "79.00%   trial-29\n"));
    assert_non_null(strstr(bti_str_c(&out), "25 more"));
    bti_str_release(&out);
    bti_trials_release(&t);
    assert_int_equal(bti_report_front_table(&t, 5, NULL, &out), BT_OK); /* nothing yet */
    assert_string_equal(bti_str_c(&out), "no model has finished yet\n");
    bti_str_release(&out);
}

static void json_says_what_the_csv_says(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    bti_json *v;
    make_trials(&t);
    add_final(&t.trial[4], "best", 0.9);
    assert_int_equal(bti_report_front_json(&t, "study \"x\"", NULL, &out), BT_OK);
    assert_ok(bti_json_parse(&v, bti_str_c(&out), out.len, "front", &err), &err);
    assert_int_equal(bti_json_as_int(bti_json_get(v, "complete"), 0), 7);
    const bti_json *front = bti_json_get(v, "front");
    assert_int_equal(bti_json_len(front), 3);
    assert_true(bti_json_is_null(bti_json_get(bti_json_at(front, 0), "test_accuracy")));
    assert_true(bti_json_as_num(bti_json_get(bti_json_at(front, 2), "test_accuracy"), 0) == 0.9);
    bti_json_free(v);
    bti_str_release(&out);
    bti_trials_release(&t);
}

/* ---- a picture that any XML reader opens ---- */

/* Checks that tags nest and attributes are quoted; counts elements whose tag text holds `want`. */
static int count_elements(const char *xml, const char *want)
{
    char open[32][32];
    int depth = 0, found = 0;
    for (const char *p = xml; *p;) {
        assert_true(*p != '>' && (unsigned char)*p != 0);
        if (*p == '&')
            assert_true(!strncmp(p, "&amp;", 5) || !strncmp(p, "&lt;", 4) ||
                        !strncmp(p, "&gt;", 4) || !strncmp(p, "&quot;", 6));
        if (*p++ != '<')
            continue;
        size_t n = 0;
        bool quoted = false;
        while (p[n] && (quoted || p[n] != '>'))
            quoted ^= p[n++] == '"';
        assert_true(p[n] == '>' && !quoted);
        char tag[4096], name[32];
        snprintf(tag, sizeof(tag), "%.*s", (int)n, p);
        assert_int_equal(sscanf(tag + (tag[0] == '/'), "%31[a-zA-Z]", name), 1);
        if (tag[0] == '/') {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else {
            found += strstr(tag, want) != NULL;
            if (tag[n - 1] != '/')
                memcpy(open[depth++], name, sizeof(name));
        }
        p += n + 1;
    }
    assert_int_equal(depth, 0);
    return found;
}

static void the_picture_is_well_formed_and_shows_every_finished_trial(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    make_trials(&t);
    add_final(&t.trial[4], "a<b & \"c\"", 0.9);
    assert_int_equal(bti_report_front_svg(&t, "dogs & <cats>", NULL, &out), BT_OK);
    const char *svg = bti_str_c(&out);
    assert_int_equal(count_elements(svg, "class=\"front\""), 3);
    assert_int_equal(count_elements(svg, "class=\"trial\""), 4);
    assert_int_equal(count_elements(svg, "class=\"final\""), 1);
    assert_int_equal(count_elements(svg, "id=\"front\""), 1);
    assert_non_null(strstr(svg, "dogs &amp; &lt;cats&gt;"));
    assert_non_null(strstr(svg, "a&lt;b &amp; &quot;c&quot;: 90.00% test after retraining"));
    assert_non_null(strstr(svg, ">10k</text>"));
    assert_non_null(strstr(svg, "7 trials, 3 on the front, best validation accuracy 91.00%"));
    bti_str_release(&out);
    bti_trials_release(&t);
}

static void a_picture_of_nothing_or_of_one_trial_is_still_a_picture(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    assert_int_equal(bti_report_front_svg(&t, NULL, NULL, &out), BT_OK);
    count_elements(bti_str_c(&out), "-");
    assert_non_null(strstr(bti_str_c(&out), "no trial has finished yet"));
    bti_str_reset(&out);
    add(&t, 1, 1); /* a perfect model of one parameter */
    assert_int_equal(bti_report_front_svg(&t, "one", NULL, &out), BT_OK);
    assert_int_equal(count_elements(bti_str_c(&out), "class=\"front\""), 1);
    assert_null(strstr(bti_str_c(&out), "nan"));
    assert_null(strstr(bti_str_c(&out), "inf"));
    bti_str_release(&out);
    bti_trials_release(&t);
}

static void no_memory_is_said_and_leaks_nothing(void **state)
{
    (void)state;
    bti_trials t = {0};
    make_trials(&t);
    add_final(&t.trial[4], "best", 0.9);
    for (int n = 1;; n++) {
        bti_str out = {0};
        int64_t live = bti_alloc_live();
        bti_alloc_fail_at(n);
        bt_status a = bti_report_front_svg(&t, "x", NULL, &out);
        bt_status b = a ? a : bti_report_front_csv(&t, &out);
        bt_status c = b ? b : bti_report_front_json(&t, "x", NULL, &out);
        bt_status d = c ? c : bti_report_front_table(&t, 0, NULL, &out);
        bti_alloc_fail_at(0);
        bti_str_release(&out);
        assert_int_equal(bti_alloc_live(), live);
        if (!d)
            break;
        assert_int_equal(d, BT_NOMEM);
    }
    bti_trials_release(&t);
}

/* ---- other objectives ---- */

static bti_trial *add3(bti_trials *t, double f1, double macs, double ms)
{
    bti_trial *one = add(t, f1, macs);
    one->n_values = 3;
    one->value[2] = ms;
    t->goals = (bti_goals){.n = 3,
                           .metric = {BTI_METRIC_F1_MACRO, BTI_METRIC_MACS, BTI_METRIC_LATENCY_MS},
                           .maximize = {true, false, false}};
    return one;
}

static void a_front_of_three_objectives_keeps_what_is_best_in_any(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    int index[16];
    add3(&t, 0.80, 2e6, 3.0);
    add3(&t, 0.70, 3e6, 1.0); /* worse and larger, but the fastest */
    add3(&t, 0.75, 3e6, 2.0);
    add3(&t, 0.70, 4e6, 2.0);                /* beaten by 1 and 2 */
    add3(&t, 0.99, 1e3, 0.1)->violation = 2; /* outside a limit: no model of the front */
    assert_int_equal(bti_report_front(&t, index), 3);
    assert_int_equal(index[0], 0); /* by MACs, then F1 */
    assert_int_equal(index[1], 2);
    assert_int_equal(index[2], 1);
    double volume = bti_report_hypervolume(&t);
    assert_true(volume > 0 && volume < 1);
    t.trial[4].violation = 0;
    assert_true(bti_report_hypervolume(&t) > volume);
    assert_int_equal(bti_report_front_csv(&t, &out), BT_OK);
    assert_non_null(strstr(bti_str_c(&out), ",path,f1_macro,latency_ms\n"));
    bti_str_release(&out);
    assert_int_equal(bti_report_front_table(&t, 0, NULL, &out), BT_OK);
    assert_non_null(strstr(bti_str_c(&out), "f1_macro  latency_ms"));
    bti_str_release(&out);
    assert_int_equal(bti_report_front_svg(&t, "three", NULL, &out), BT_OK);
    count_elements(bti_str_c(&out), "-");
    assert_non_null(strstr(bti_str_c(&out), ">MACs (log scale)</text>"));
    assert_non_null(strstr(bti_str_c(&out), ">macro F1</text>"));
    bti_str_release(&out);
    bti_trials_release(&t);
}

static void a_foreign_study_shows_its_own_objectives(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    add(&t, 3, 7);
    t.goals = (bti_goals){.n = 2, .metric = {BTI_METRIC_NONE, BTI_METRIC_NONE}, .maximize = {true}};
    assert_int_equal(bti_report_front_json(&t, "x", NULL, &out), BT_OK);
    assert_non_null(strstr(bti_str_c(&out), "\"objective_1\": 7.0"));
    assert_non_null(strstr(bti_str_c(&out), "\"hypervolume\": null"));
    bti_str_release(&out);
    bti_trials_release(&t);
}

/* ---- baselines and choices ---- */

static const char *const resnet[] = {"resnet20=20k,0.86", "tiny=3k,50%"};

static void the_table_says_which_model_to_take(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    bti_marks m;
    static const char *const within[] = {"1%:resnet20", "30%", "1%:tiny"};
    const bt_front_options opt = {
        .baseline = resnet, .n_baselines = 2, .within = within, .n_within = 3};
    make_trials(&t);
    add_final(&t.trial[4], "best", 0.90);
    add_final(&t.trial[0], "mid", 0.852);
    bti_json_set_int(t.trial[1].attrs, "val_images", 1000);
    assert_ok(bti_marks_read(&m, &t, &opt, &err), &err);
    assert_int_equal(bti_report_front_table(&t, 0, &m, &out), BT_OK);
    const char *text = bti_str_c(&out);
    assert_non_null(strstr(text, "baseline resnet20: 20.0k, 86.00%\n"));
    assert_non_null(strstr(text, "\nbest: best, 41.0k parameters, 90.00% (89.00-91.00) on test\n"));
    assert_non_null(strstr(text, "within 1 point of resnet20: mid, 9.00k parameters, 85.20%"));
    assert_non_null(strstr(text, "within 30 points of the best: mid"));
    bti_str_release(&out);
    bti_trials_release(&t);
}

static void without_a_reading_of_test_the_interval_is_that_of_validation(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    bti_marks m;
    add(&t, 0.9, 1000);
    bti_json_set_int(t.trial[0].attrs, "val_images", 100);
    assert_ok(bti_marks_read(&m, &t, NULL, &err), &err);
    assert_int_equal(bti_report_front_table(&t, 0, &m, &out), BT_OK);
    /* 90 of 100: Wilson's formula by hand */
    assert_non_null(strstr(bti_str_c(&out), "90.00% (82.56-94.48) on validation\n"));
    bti_str_release(&out);
    bti_trials_release(&t);
}

static void the_best_value_is_the_knee_of_the_front(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_report_model *model;
    int n, best, value;
    add(&t, 0.60, 1000);
    add(&t, 0.85, 3000); /* most of the way up for a third of the way along */
    add(&t, 0.88, 9000);
    add(&t, 0.90, 27000);
    assert_ok(bti_report_models(&t, &model, &n, &err), &err);
    bti_report_choose(model, n, &best, &value);
    assert_int_equal(best, 3);
    assert_int_equal(value, 1);
    bti_report_choose(model, 0, &best, &value);
    assert_int_equal(value, -1);
    bti_free(model);
    bti_trials_release(&t);
}

static void a_baseline_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_marks m;
    static const char *const bad[] = {"resnet20", "resnet20=270k", "=1k,90%", "r=many,90%",
                                      "r=1k,90"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const bt_front_options opt = {.baseline = &bad[i], .n_baselines = 1};
        assert_int_equal(bti_marks_read(&m, &t, &opt, &err), BT_INVAL);
        assert_string_equal(err.where, "--baseline");
    }
    static const char *const lost[] = {"1%:vgg"};
    const bt_front_options opt = {
        .baseline = resnet, .n_baselines = 2, .within = lost, .n_within = 1};
    assert_int_equal(bti_marks_read(&m, &t, &opt, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "'vgg'"));
}

static void baselines_are_marked_in_picture_and_json(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_str out = {0};
    bti_marks m;
    bti_json *v;
    const bt_front_options opt = {.baseline = resnet, .n_baselines = 2};
    make_trials(&t);
    assert_ok(bti_marks_read(&m, &t, &opt, &err), &err);
    assert_int_equal(bti_report_front_svg(&t, "x", &m, &out), BT_OK);
    assert_int_equal(count_elements(bti_str_c(&out), "class=\"baseline\""), 2);
    bti_str_release(&out);
    assert_int_equal(bti_report_front_json(&t, "x", &m, &out), BT_OK);
    assert_ok(bti_json_parse(&v, bti_str_c(&out), out.len, "front", &err), &err);
    assert_int_equal(bti_json_len(bti_json_get(v, "baselines")), 2);
    const bti_json *near = bti_json_at(bti_json_get(v, "within"), 0);
    assert_string_equal(bti_json_as_str(bti_json_get(near, "of"), ""), "resnet20");
    assert_string_equal(bti_json_as_str(bti_json_get(bti_json_get(near, "model"), "name"), ""),
                        "trial-0");
    bti_json_free(v);
    bti_str_release(&out);
    bti_trials_release(&t);
}

/* ---- the public call ---- */

static void a_study_on_disk_gives_its_front_in_every_format(void **state)
{
    (void)state;
    static const bti_study_spec spec = {.name = "demo",
                                        .n_objectives = 2,
                                        .metric = {"accuracy", "params"},
                                        .maximize = {true, false}};
    static const bti_point point;
    static const char *const starts[] = {"   params", "name,params,", "{\n", "<svg "};
    const char *dir = test_tmp_dir();
    bti_storage *s;
    char *text;
    bool duplicate;
    int number;
    int64_t id;
    double values[2] = {0.9, 12345};
    bti_proposal p = {.point = &point, .key = "k"};
    assert_int_equal(bt_front(&text, dir, NULL, &err), BT_IO);
    assert_ok(bti_storage_open(&s, dir, &spec, true, &err), &err);
    assert_ok(s->ops->claim(s, &p, "w", 60, 0, &id, &number, &duplicate, &err), &err);
    assert_ok(s->ops->finish(s, id, "w", 1, BTI_COMPLETE, values, NULL, &err), &err);
    bti_storage_close(s);
    for (int f = 0; f < 4; f++) {
        assert_ok(bt_front(&text, dir, &(bt_front_options){.format = (bt_front_format)f}, &err),
                  &err);
        assert_int_equal(strncmp(text, starts[f], strlen(starts[f])), 0);
        assert_non_null(strstr(text, f == BT_FRONT_SVG || f == BT_FRONT_TABLE ? "12.3k" : "12345"));
        bti_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_front_holds_what_no_other_trial_beats_by_size),
        cmocka_unit_test(csv_has_a_row_a_model_and_empty_cells_for_what_is_not_known),
        cmocka_unit_test(csv_lists_the_models_on_disk_once_there_are_any),
        cmocka_unit_test(the_table_keeps_the_ends_of_the_front_when_it_is_cut),
        cmocka_unit_test(json_says_what_the_csv_says),
        cmocka_unit_test(the_picture_is_well_formed_and_shows_every_finished_trial),
        cmocka_unit_test(a_picture_of_nothing_or_of_one_trial_is_still_a_picture),
        cmocka_unit_test(a_front_of_three_objectives_keeps_what_is_best_in_any),
        cmocka_unit_test(a_foreign_study_shows_its_own_objectives),
        cmocka_unit_test(the_table_says_which_model_to_take),
        cmocka_unit_test(without_a_reading_of_test_the_interval_is_that_of_validation),
        cmocka_unit_test(the_best_value_is_the_knee_of_the_front),
        cmocka_unit_test(a_baseline_that_cannot_be_read_is_named),
        cmocka_unit_test(baselines_are_marked_in_picture_and_json),
        cmocka_unit_test(no_memory_is_said_and_leaks_nothing),
        cmocka_unit_test(a_study_on_disk_gives_its_front_in_every_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
