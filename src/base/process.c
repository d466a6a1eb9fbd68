/* SPDX-License-Identifier: Apache-2.0
 *
 * Children through posix_spawn (a fork of a process with OpenMP threads must not run code), and the
 * clocks of processes.
 */
#include "base/process.h"

#include "base/alloc.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static size_t count(char *const list[])
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* Same variable name? Both are "K=V". */
static bool same_key(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return strncmp(a, b, n) == 0 && b[n] == '=';
}

/* The environment without the variables that extra sets, then extra. Yours: bti_free the array. */
static char **merge_env(char *const extra[])
{
    size_t n = 0, n_old = count(environ), n_extra = count(extra);
    char **env = bti_array(n_old + n_extra + 1, sizeof(*env));

    if (!env)
        return NULL;
    for (size_t i = 0; i < n_old; i++) {
        bool replaced = false;
        for (size_t j = 0; j < n_extra; j++)
            replaced |= same_key(extra[j], environ[i]);
        if (!replaced)
            env[n++] = environ[i];
    }
    for (size_t j = 0; j < n_extra; j++)
        env[n++] = extra[j];
    env[n] = NULL;
    return env;
}

/* `wire` becomes the child's BTI_WIRE_FD; -1: it has none, and no stdin either. */
static int add_files(posix_spawn_file_actions_t *files, int wire, const char *log_path)
{
    int bad = wire < 0 ? posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0)
                       : posix_spawn_file_actions_adddup2(files, wire, BTI_WIRE_FD);
    if (!bad && wire >= 0)
        bad = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
    if (!bad && log_path) {
        bad = posix_spawn_file_actions_addopen(files, 1, log_path, O_WRONLY | O_CREAT | O_APPEND,
                                               0666);
        if (!bad)
            bad = posix_spawn_file_actions_adddup2(files, 1, 2);
    }
    return bad;
}

/* The child starts with every signal unblocked and the default action for those we may have caught.
 */
static int add_signals(posix_spawnattr_t *attr)
{
    sigset_t none, ours;

    sigemptyset(&none);
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGPIPE);
    int bad = posix_spawnattr_setsigmask(attr, &none);
    if (!bad)
        bad = posix_spawnattr_setsigdefault(attr, &ours);
    if (!bad)
        bad = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return bad;
}

static bt_status spawn(bti_child *child, char *const argv[], char *const env_extra[], int wire,
                       const char *log_path, bt_error *err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    char **env;
    int bad;

    *child = (bti_child){0};
    env = merge_env(env_extra);
    if (!env)
        return bti_fail_nomem(err);
    bad = posix_spawn_file_actions_init(&files);
    if (bad)
        goto no_files;
    bad = posix_spawnattr_init(&attr);
    if (bad)
        goto no_attr;
    bad = add_files(&files, wire, log_path);
    if (!bad)
        bad = add_signals(&attr);
    if (!bad)
        bad = posix_spawn(&child->pid, argv[0], &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
no_attr:
    posix_spawn_file_actions_destroy(&files);
no_files:
    bti_free(env);
    if (!bad)
        return BT_OK;
    child->pid = 0;
    errno = bad;
    return bti_fail_errno(err, argv[0], "cannot start the program");
}

bt_status bti_spawn(bti_child *child, char *const argv[], char *const env_extra[],
                    const char *log_path, bt_error *err)
{
    return spawn(child, argv, env_extra, -1, log_path, err);
}

bt_status bti_spawn_connected(bti_child *child, char *const argv[], int *fd, bt_error *err)
{
    int end[2];
    *child = (bti_child){0};
    *fd = -1;
    /* Closed on exec: a sibling that inherits our end would keep this child from seeing it close.
     */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end))
        return bti_fail_errno(err, argv[0], "cannot make a socket");
    bt_status rc = spawn(child, argv, NULL, end[1], NULL, err);
    close(end[1]);
    if (rc)
        close(end[0]);
    else
        *fd = end[0];
    return rc;
}

bool bti_child_poll(bti_child *child)
{
    if (!child->pid)
        return true;
    pid_t got = waitpid(child->pid, &child->status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return false;
    if (got < 0) /* somebody else waited for it: nothing is known but that it ended */
        child->status = -1;
    child->pid = 0;
    return true;
}

bool bti_child_wait(bti_child *child, double timeout_s)
{
    double end = bt_now() + timeout_s;
    long pause_ns = 1000000;

    while (!bti_child_poll(child)) {
        double left = end - bt_now();
        if (left <= 0)
            return false;
        long ns = left < 1e-9 * (double)pause_ns ? (long)(left * 1e9) + 1 : pause_ns;
        nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
        if (pause_ns < 20000000)
            pause_ns *= 2;
    }
    return true;
}

void bti_child_signal(bti_child *child, int signo)
{
    if (child->pid > 0)
        kill(child->pid, signo);
}

void bti_die_with_parent(int signo)
{
    prctl(PR_SET_PDEATHSIG, signo);
}

const char *bti_self_path(void)
{
    static _Thread_local char path[4096]; /* per thread: filled without a lock */
    if (!path[0]) {
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = 0;
    }
    return path;
}

static double cpu_seconds_of(int who)
{
    struct rusage u;
    if (getrusage(who, &u))
        return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

double bti_cpu_seconds(void)
{
    return cpu_seconds_of(RUSAGE_SELF);
}

double bti_thread_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bti_child_cpu_seconds(void)
{
    return cpu_seconds_of(RUSAGE_CHILDREN);
}

/* The moment of its making is the 22nd field of /proc/self/stat, in ticks since the machine's
 * start; fields are counted from the end of the program's name, which may hold anything. */
double bti_process_age(void)
{
    char line[1024];
    unsigned long long ticks = 0;
    struct timespec now;
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;

    if (f)
        fclose(f);
    line[n] = '\0';
    char *at = strrchr(line, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at)
        ticks = strtoull(at, NULL, 10);
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec -
           (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

int64_t bti_peak_rss_bytes(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (int64_t)u.ru_maxrss * 1024;
}

double bti_wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
