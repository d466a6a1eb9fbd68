/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker processes: posix_spawn of our own binary, one log each in work/.
 */
#include "search/crew.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <signal.h>
#include <sys/wait.h>

#define QUICK_S 2.0

static char *log_path(const bti_crew *c, int k)
{
    char rel[48];
    snprintf(rel, sizeof(rel), "work/worker-%d.log", k);
    return bti_path_join(c->dir, rel);
}

static bt_status start_one(bti_crew *c, int k, bt_error *err)
{
    bti_post *p = &c->post[k];
    char omp[48];
    char *log = log_path(c, k);

    if (!log)
        return bti_fail_nomem(err);
    snprintf(p->id, sizeof(p->id), "w%d.%d.%ld", k, ++p->starts,
             (long)(bti_wall_seconds() * 10) % 1000000000);
    snprintf(omp, sizeof(omp), "OMP_NUM_THREADS=%d", c->threads);
    char self[4096], dir[4096];
    snprintf(self, sizeof(self), "%s", bti_self_path());
    snprintf(dir, sizeof(dir), "%s", c->dir);
    char verb[] = "worker", option[] = "--id", wait[] = "OMP_WAIT_POLICY=passive";
    char *argv[] = {self, verb, dir, option, p->id, NULL};
    char *env[] = {omp, wait, NULL};
    p->started_s = bt_now();
    p->log_at = bti_file_size(log);
    bt_status rc = bti_spawn(&p->child, argv, env, log, err);
    bti_free(log);
    return rc;
}

bt_status bti_crew_start(bti_crew *c, const char *dir, int jobs, int threads, bt_error *err)
{
    *c = (bti_crew){.dir = dir, .threads = threads};
    c->post = bti_calloc((size_t)jobs, sizeof(bti_post));
    if (!c->post)
        return bti_fail_nomem(err);
    c->jobs = jobs;
    bt_status rc = BT_OK;
    for (int k = 0; k < jobs && !rc; k++) {
        char *log = log_path(c, k); /* of an earlier session */
        if (log && bti_is_file(log) && remove(log))
            rc = bti_fail_errno(err, log, "cannot remove the old log");
        bti_free(log);
        if (!rc)
            rc = start_one(c, k, err);
    }
    return rc;
}

/* The trial of a dead worker need not wait for its lease to run out. The lease ends now, it is not
 * yielded: a trial that kills its workers must use up its attempts. */
static void give_back(const char *id, bti_storage *study, const bti_trials *trials)
{
    for (int i = 0; i < trials->n; i++) {
        const bti_trial *t = &trials->trial[i];
        if (t->state == BTI_RUNNING &&
            study->ops->renew(study, t->id, id, t->attempt, 0, NULL) == BT_OK)
            return;
    }
}

/* The last line that worker k wrote since it started. */
static void last_line(const bti_crew *c, int k, char *out, size_t cap)
{
    char *text = NULL, *path = log_path(c, k);
    size_t n = 0, from = c->post[k].log_at > 0 ? (size_t)c->post[k].log_at : 0;
    out[0] = '\0';
    if (path && bti_file_read(path, 1 << 20, &text, &n, NULL) == BT_OK && from < n) {
        while (n > from && (text[n - 1] == '\n' || text[n - 1] == ' '))
            text[--n] = '\0';
        const char *line = strrchr(text + from, '\n');
        line = line ? line + 1 : text + from;
        snprintf(out, cap, "%s", bti_has_prefix(line, "bantam: ") ? line + 8 : line);
    }
    bti_free(text);
    bti_free(path);
}

/* Why a worker ended that left no line in its log. */
static void silent_end(const bti_child *child, char *out, size_t cap)
{
    if (WIFSIGNALED(child->status))
        snprintf(out, cap, "killed by signal %d", WTERMSIG(child->status));
    else
        snprintf(out, cap, "its message could not be written: is the disk full?");
}

/* So many failures and no trial ended: it is not the trials. One that kills its workers is FAIL
 * after BTI_ATTEMPTS_MAX of them, and all workers may hold such a one. */
static int failures_max(const bti_crew *c)
{
    return BTI_ATTEMPTS_MAX * c->jobs + 1;
}

static bool has_failed(const bti_post *p)
{
    bool error = WIFEXITED(p->child.status) && WEXITSTATUS(p->child.status);
    return error || bt_now() - p->started_s < QUICK_S;
}

static int count_finished(const bti_trials *trials)
{
    int n = 0;
    for (int i = 0; i < trials->n; i++)
        n += bti_trial_state_finished(trials->trial[i].state);
    return n;
}

bt_status bti_crew_watch(bti_crew *c, bti_storage *study, const bti_trials *trials,
                         const bt_progress *progress, bt_error *err)
{
    char why[256];
    int finished = count_finished(trials);
    if (finished != c->finished)
        c->failures = 0;
    c->finished = finished;
    for (int k = 0; k < c->jobs; k++) {
        bti_post *p = &c->post[k];
        if (!p->child.pid || !bti_child_poll(&p->child))
            continue;
        give_back(p->id, study, trials);
        c->failures += has_failed(p);
        last_line(c, k, why, sizeof(why));
        if (!*why)
            silent_end(&p->child, why, sizeof(why));
        if (c->failures > failures_max(c))
            return bti_fail(err, BT_IO, "worker", "workers keep failing: %s", why);
        bti_warn(progress, "worker %d ended unexpectedly (%s); started again", k, why);
        bt_status rc = start_one(c, k, err);
        if (rc)
            return rc;
    }
    return BT_OK;
}

void bti_crew_stop(bti_crew *c, double seconds)
{
    double until = bt_now() + seconds;
    for (int k = 0; k < c->jobs; k++)
        bti_child_signal(&c->post[k].child, SIGTERM);
    for (int k = 0; k < c->jobs; k++) {
        bti_child *child = &c->post[k].child;
        double left = until - bt_now();
        if (child->pid && !bti_child_wait(child, left > 0.05 ? left : 0.05)) {
            bti_child_signal(child, SIGKILL);
            bti_child_wait(child, 5);
        }
    }
}

void bti_crew_release(bti_crew *c)
{
    bti_free(c->post);
    *c = (bti_crew){0};
}
