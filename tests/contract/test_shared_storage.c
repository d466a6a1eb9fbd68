/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores that several processes share: opened twice, raced, and killed between writes; and how
 * people write where a study is.
 */
#include "stores.h"

#include "base/files.h"
#include "base/process.h"

#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- shared stores: several handles and processes ---- */

static void other_handles_see_the_same_study(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_STORES; i++) {
        char path[512];
        bti_storage *a, *b;
        bti_trials t = {0};
        if (!stores[i]->shared)
            continue;
        snprintf(path, sizeof(path), "%s/s", test_tmp_dir());
        assert_int_not_equal(stores[i]->open(&a, path, &spec, false, &err), BT_OK);
        assert_null(a);
        assert_ok(stores[i]->open(&a, path, &spec, true, &err), &err);
        assert_ok(stores[i]->open(&b, path, &(bti_study_spec){0}, false, &err), &err);
        assert_string_equal(b->name, "t");
        assert_int_equal(b->goals.n, 2);
        assert_true(b->goals.maximize[0] && !b->goals.maximize[1]);
        claim c = claim_key(a, "k", "w", 60);
        assert_true(claim_key(b, "k", "w", 60).duplicate);
        complete(b, c.id, "w", 1, 0.25);
        assert_ok(a->ops->refresh(a, &t, &err), &err);
        assert_true(t.trial[0].value[0] == 0.25);
        bti_trials_release(&t);
        bti_study_spec other = spec;
        other.maximize[1] = true;
        bti_storage *c2;
        assert_int_equal(stores[i]->open(&c2, path, &other, true, &err), BT_INVAL);
        bti_storage_close(a);
        bti_storage_close(b);
    }
}

static void two_studies_live_in_one_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_STORES; i++) {
        char path[512];
        bti_storage *a, *b, *c;
        bti_study_spec second = spec;
        second.name = "u";
        if (!stores[i]->shared)
            continue;
        snprintf(path, sizeof(path), "%s/s", test_tmp_dir());
        assert_ok(stores[i]->open(&a, path, &spec, true, &err), &err);
        assert_ok(stores[i]->open(&b, path, &second, true, &err), &err);
        assert_int_equal(claim_key(a, "k", "w", 60).number, 0);
        assert_int_equal(claim_key(b, "k", "w", -1).number,
                         0); /* keys and numbers are a study's own */
        int64_t id;
        int attempt;
        assert_ok(a->ops->reclaim(a, "w", 60, &id, &attempt, &err), &err);
        assert_true(id == -1); /* the expired trial is the other study's */
        bti_trials t = {0};
        assert_ok(a->ops->refresh(a, &t, &err), &err);
        assert_int_equal(t.n, 1);
        bti_trials_release(&t);
        assert_int_equal(stores[i]->open(&c, path, &(bti_study_spec){0}, false, &err), BT_INVAL);
        assert_non_null(strstr(err.text, "t, u"));
        bti_storage_close(a);
        bti_storage_close(b);
    }
}

/* A child that claims `n` trials of the keys key0, key0+1, ... and completes each. */
static void child_works(const bti_storage_ops *ops, const char *path, const char *worker, int n)
{
    bti_storage *s;
    double values[2] = {0.5, 100};
    bool ok = !ops->open(&s, path, &spec, false, &err);
    for (int i = 0; ok && i < n; i++) {
        char key[40];
        claim c;
        snprintf(key, sizeof(key), "%032d", i);
        bti_proposal p = {.point = point_of(0.1, 16, 1), .key = key};
        ok = !ops->claim(s, &p, worker, 60, 0, &c.id, &c.number, &c.duplicate, &err);
        if (ok && !c.duplicate)
            ok = !ops->report(s, c.id, worker, 1, 1, 0.4, &err) &&
                 !ops->finish(s, c.id, worker, 1, BTI_COMPLETE, values, NULL, &err);
    }
    bti_storage_close(s);
    _exit(ok ? 0 : 1);
}

static void two_processes_never_claim_the_same_trial(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_STORES; i++) {
        char path[512];
        bti_storage *s;
        bti_trials t = {0};
        pid_t child[3];
        if (!stores[i]->shared)
            continue;
        snprintf(path, sizeof(path), "%s/s", test_tmp_dir());
        assert_ok(stores[i]->open(&s, path, &spec, true, &err), &err);
        bti_storage_close(s);
        for (int k = 0; k < 3; k++) {
            child[k] = fork(); /* no OpenMP region has run in this program */
            if (!child[k])
                child_works(stores[i], path, k ? k > 1 ? "c" : "b" : "a", 40);
        }
        for (int k = 0; k < 3; k++) {
            int status;
            assert_int_equal(waitpid(child[k], &status, 0), child[k]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        assert_ok(stores[i]->open(&s, path, &spec, false, &err), &err);
        assert_ok(s->ops->refresh(s, &t, &err), &err);
        assert_int_equal(t.n, 40);
        for (int k = 0; k < t.n; k++) {
            assert_int_equal(t.trial[k].number, k);
            assert_int_equal(t.trial[k].state, BTI_COMPLETE);
        }
        bti_trials_release(&t);
        bti_storage_close(s);
    }
}

static void check_integrity(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* Tells the parent of every finish that has returned: these must survive the kill. */
static void child_until_killed(const bti_storage_ops *ops, const char *path, int round, int pipe_fd)
{
    bti_storage *s;
    double values[2] = {0.5, 100};
    if (ops->open(&s, path, &spec, false, &err))
        _exit(1);
    for (int i = 0;; i++) {
        char key[40];
        claim c;
        snprintf(key, sizeof(key), "%d.%d", round, i);
        bti_proposal p = {.point = point_of(0.1, 16, 1), .key = key};
        if (ops->claim(s, &p, "w", -1, 0, &c.id, &c.number, &c.duplicate, &err) ||
            ops->report(s, c.id, "w", 1, 1, 0.4, &err) ||
            ops->finish(s, c.id, "w", 1, BTI_COMPLETE, values, NULL, &err) ||
            write(pipe_fd, &c.id, sizeof(c.id)) != sizeof(c.id))
            _exit(1);
    }
}

static void check_after_kills(bti_storage *s, const int64_t *promised, int n_promised)
{
    bti_trials t = {0};
    int64_t id;
    int attempt;
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    for (int i = 0; i < n_promised; i++) {
        const bti_trial *trial = bti_trials_id(&t, promised[i]);
        assert_non_null(trial);
        assert_int_equal(trial->state, BTI_COMPLETE);
    }
    for (int i = 0; i < t.n; i++) {
        assert_int_equal(t.trial[i].number, i);
        assert_int_equal(t.trial[i].n_params, 3);
        if (t.trial[i].state == BTI_COMPLETE)
            assert_true(t.trial[i].n_values == 2 && t.trial[i].value[1] == 100);
    }
    bti_trials_release(&t);
    for (;;) { /* whatever was running can be taken over: nothing is stuck */
        assert_ok(s->ops->reclaim(s, "next", 60, &id, &attempt, &err), &err);
        if (id < 0)
            break;
        complete(s, id, "next", attempt, 0.5);
    }
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    for (int i = 0; i < t.n; i++)
        assert_int_equal(t.trial[i].state, BTI_COMPLETE);
    bti_trials_release(&t);
}

static void killing_a_worker_at_any_moment_loses_no_finished_trial(void **state)
{
    (void)state;
    static int64_t promised[65536];
    for (size_t i = 0; i < N_STORES; i++) {
        char path[512];
        bti_storage *s;
        int n_promised = 0;
        if (!stores[i]->shared)
            continue;
        snprintf(path, sizeof(path), "%s/s", test_tmp_dir());
        assert_ok(stores[i]->open(&s, path, &spec, true, &err), &err);
        bti_storage_close(s);
        for (int round = 0; round < 20; round++) {
            int fds[2];
            assert_int_equal(pipe(fds), 0);
            pid_t child = fork();
            if (!child)
                child_until_killed(stores[i], path, round, fds[1]);
            close(fds[1]);
            usleep(10000 + (useconds_t)round * 1713);
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
            while (n_promised < 65536 &&
                   read(fds[0], &promised[n_promised], sizeof(int64_t)) == sizeof(int64_t))
                n_promised++;
            close(fds[0]);
        }
        assert_true(n_promised > 0);
        assert_ok(stores[i]->open(&s, path, &spec, false, &err), &err);
        check_after_kills(s, promised, n_promised);
        bti_storage_close(s);
        if (!strcmp(stores[i]->scheme, "sqlite"))
            check_integrity(path);
    }
}

/* ---- how people write a study ---- */

static void a_study_is_found_as_people_write_it(void **state)
{
    (void)state;
    char dir[300], text[400], cwd[300];
    bti_storage *s;
    snprintf(dir, sizeof(dir), "%s/run", test_tmp_dir());
    assert_ok(bti_storage_open(&s, dir, &spec, true, &err), &err);
    bti_storage_close(s);
    snprintf(text, sizeof(text), "%s/study.db", dir);
    assert_true(bti_is_file(text));
    assert_ok(bti_storage_open(&s, text, NULL, false, &err), &err);
    bti_storage_close(s);
    snprintf(text, sizeof(text), "sqlite:///%s/study.db#t", dir);
    assert_ok(bti_storage_open(&s, text, NULL, false, &err), &err);
    assert_string_equal(s->name, "t");
    bti_storage_close(s);
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_int_equal(chdir(dir), 0);
    assert_ok(bti_storage_open(&s, "sqlite:///study.db", NULL, false, &err), &err);
    bti_storage_close(s);
    assert_ok(bti_storage_open(&s, ".#t", NULL, false, &err), &err);
    bti_storage_close(s);
    assert_int_equal(chdir(cwd), 0);
}

static void what_is_no_study_is_refused_with_a_sentence(void **state)
{
    (void)state;
    char text[400];
    bti_storage *s;
    const char *dir = test_tmp_dir();
    assert_int_equal(bti_storage_open(&s, dir, NULL, false, &err), BT_IO);
    assert_non_null(strstr(err.text, "no study"));
    assert_int_equal(bti_storage_open(&s, "sqlte:///x.db", NULL, false, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "'sqlite'"));
    assert_int_equal(bti_storage_open(&s, "postgresql://u@h/db", NULL, false, &err), BT_NOSUPP);
    assert_int_equal(bti_storage_open(&s, "sqlite://x.db", NULL, false, &err), BT_INVAL);
    assert_int_equal(bti_storage_open(&s, "", NULL, false, &err), BT_INVAL);
    snprintf(text, sizeof(text), "%s/x.db", dir);
    assert_ok(bti_file_write(text, "not a database at all, but long enough", 38, &err), &err);
    assert_int_equal(bti_storage_open(&s, text, NULL, false, &err), BT_FORMAT);
    snprintf(text, sizeof(text), "%s/y.db", dir);
    assert_ok(bti_file_write(text, "", 0, &err), &err);
    assert_int_equal(bti_storage_open(&s, text, NULL, false, &err), BT_FORMAT);
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_handles_see_the_same_study),
        cmocka_unit_test(two_studies_live_in_one_file),
        cmocka_unit_test(two_processes_never_claim_the_same_trial),
        cmocka_unit_test(killing_a_worker_at_any_moment_loses_no_finished_trial),
        cmocka_unit_test(a_study_is_found_as_people_write_it),
        cmocka_unit_test(what_is_no_study_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
