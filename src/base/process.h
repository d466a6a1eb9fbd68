/* SPDX-License-Identifier: Apache-2.0
 *
 * Child processes of our own binary (posix_spawn, never a bare fork), signals as a flag, CPU time.
 */
#ifndef BTI_PROCESS_H
#define BTI_PROCESS_H

#include "bantam/status.h"
#include <stdbool.h>
#include <sys/types.h>

typedef struct bti_child {
    pid_t pid;  /* 0: not running */
    int status; /* wait status once ended */
} bti_child;

/* Starts argv[0] (a path) with argv; env_extra is NULL-terminated "K=V" strings added to the
 * environment (NULL: none). stdin is /dev/null, stdout and stderr are inherited unless log_path is
 * given (appended). The child gets SIGTERM when the parent dies only if it asks for it itself:
 * bti_die_with_parent(). */
bt_status bti_spawn(bti_child *child, char *const argv[], char *const env_extra[],
                    const char *log_path, bt_error *err);
/* The same with a stream socket: *fd (yours, close it) is our end, the child's BTI_WIRE_FD is the
 * other. Its stdin is ours (an image may be /dev/stdin), its stdout goes nowhere. The child reads
 * an end of file when *fd is closed or when we die. */
#define BTI_WIRE_FD 3
bt_status bti_spawn_connected(bti_child *child, char *const argv[], int *fd, bt_error *err);
bool bti_child_poll(bti_child *child); /* true once it has ended (status is set, pid 0) */
bool bti_child_wait(bti_child *child, double timeout_s); /* true if ended within the time */
void bti_child_signal(bti_child *child, int signo);      /* nothing if it is not running */
void bti_die_with_parent(int signo); /* PR_SET_PDEATHSIG for the calling process */

const char *bti_self_path(void);     /* absolute path of the running binary; static */
double bti_cpu_seconds(void);        /* user + system of this process, all threads */
double bti_thread_cpu_seconds(void); /* of the calling thread; to the nanosecond */
double bti_process_age(void);        /* wall seconds since this process was made; to 0.01 */
double bti_child_cpu_seconds(void);  /* user + system of all waited-for children */
int64_t bti_peak_rss_bytes(void);    /* of this process */
double bti_wall_seconds(void);       /* UTC epoch seconds */

#endif
