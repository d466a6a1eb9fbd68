/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker processes: posix_spawn of our own binary, one log each in work/.
 */
#include "search/crew.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"

#include <signal.h>

#define QUICK_S 2.0
#define QUICK_DEATHS_MAX 3

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
    bt_status rc = bti_spawn(&p->child, argv, env, log, err);
    bti_free(log);
    return rc;
}

bt_status bti_crew_start(bti_crew *c, const char *dir, int jobs, int threads, bt_error *err)
{
    *c = (bti_crew){.dir = dir, .jobs = jobs, .threads = threads};
    c->post = bti_calloc((size_t)jobs, sizeof(bti_post));
    if (!c->post)
        return bti_fail_nomem(err);
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

/* The trials of a dead worker need not wait for their lease to run out. */
static void give_back(const char *id, bti_storage *study, const bti_trials *trials)
{
    for (int i = 0; i < trials->n; i++) {
        const bti_trial *t = &trials->trial[i];
        if (t->state != BTI_RUNNING)
            continue;
        if (study->ops->yield(study, t->id, id, t->attempt, NULL) == BT_OK)
            return;
    }
}

static void last_line(const bti_crew *c, int k, char *out, size_t cap)
{
    char *text = NULL, *path = log_path(c, k);
    size_t n = 0;
    out[0] = '\0';
    if (path && bti_file_read(path, 1 << 20, &text, &n, NULL) == BT_OK) {
        while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
            text[--n] = '\0';
        const char *line = strrchr(text, '\n');
        snprintf(out, cap, "%s", line ? line + 1 : text);
    }
    bti_free(text);
    bti_free(path);
}

bt_status bti_crew_watch(bti_crew *c, bti_storage *study, const bti_trials *trials,
                         const bt_progress *progress, bt_error *err)
{
    for (int k = 0; k < c->jobs; k++) {
        bti_post *p = &c->post[k];
        if (!p->child.pid || !bti_child_poll(&p->child))
            continue;
        give_back(p->id, study, trials);
        p->quick_deaths = bt_now() - p->started_s < QUICK_S ? p->quick_deaths + 1 : 0;
        last_line(c, k, c->why, sizeof(c->why));
        if (p->quick_deaths >= QUICK_DEATHS_MAX)
            return bti_fail(err, BT_IO, "worker", "workers keep ending at once: %s",
                            c->why[0] ? c->why : "no message in work/worker-*.log");
        bti_warn(progress, "worker %d ended unexpectedly (%s); started again", k,
                 c->why[0] ? c->why : "killed");
        bt_status rc = start_one(c, k, err);
        if (rc)
            return rc;
    }
    return BT_OK;
}

int bti_crew_alive(bti_crew *c)
{
    int n = 0;
    for (int k = 0; k < c->jobs; k++)
        n += c->post[k].child.pid && !bti_child_poll(&c->post[k].child);
    return n;
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
