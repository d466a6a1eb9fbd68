/* SPDX-License-Identifier: Apache-2.0
 *
 * Status codes, the error a person reads, and progress events.
 * Every fallible call returns a bt_status; results leave through pointers.
 */
#ifndef BANTAM_STATUS_H
#define BANTAM_STATUS_H

#include <stddef.h>
#include <stdint.h>

#define BT_API __attribute__((visibility("default")))
#define BT_MUST_USE __attribute__((warn_unused_result))
#define BT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define BT_STATUS_LIST(X)                                                                          \
    X(OK, 0, "success")                                                                            \
    X(NOMEM, 1, "out of memory")                                                                   \
    X(INVAL, 2, "invalid argument or configuration")                                               \
    X(IO, 3, "input or output failed")                                                             \
    X(FORMAT, 4, "file is damaged or of another format")                                           \
    X(BUSY, 5, "locked by another process")                                                        \
    X(STOPPED, 6, "stopped by the budget or by a signal")                                          \
    X(DIVERGED, 7, "training produced a non-finite number")                                        \
    X(NOSUPP, 8, "not available in this build or on this CPU")                                     \
    X(EMPTY, 9, "the budget ended with no feasible model")

typedef enum bt_status {
#define X(name, value, text) BT_##name = value,
    BT_STATUS_LIST(X)
#undef X
} bt_status;

/* Why a call failed, for people. Filled only on failure; NULL is allowed. */
typedef struct bt_error {
    bt_status code;
    int line;        /* 1-based line in `where`, 0 if there is none */
    char where[256]; /* file, table or option the text is about; may be empty */
    char text[512];  /* one sentence, no newline: what, and what was expected */
} bt_error;

/* The fixed text of a status ("success", "out of memory", ...). Never NULL. */
BT_API const char *bt_status_text(bt_status code);

/* What a long call reports while it works. `kind` says which fields are set. */
typedef enum bt_event_kind {
    BT_EVENT_NOTE,   /* text: one line worth telling a person */
    BT_EVENT_WARN,   /* text: one line that a person should read */
    BT_EVENT_FETCH,  /* done, total: bytes downloaded; text: of what */
    BT_EVENT_DECODE, /* done, total: images decoded to the cache; text: the split */
    BT_EVENT_TRAIN,  /* epoch of epochs (from 1), done of total steps in it, loss, accuracy, rate,
                        left_s */
    BT_EVENT_RECORD, /* text: one JSON object without newline, {"event": ..., ...}, for programs:
                        docs/format/events.md */
    BT_EVENT_SEARCH, /* text: one plain line; table: several lines for a terminal; left_s */
} bt_event_kind;

typedef struct bt_event {
    bt_event_kind kind;
    const char *text;  /* borrowed for the call */
    const char *table; /* borrowed for the call, NULL if none */
    int64_t done, total;
    int epoch, epochs;
    double loss;     /* mean loss of the epoch so far */
    double accuracy; /* newest validation accuracy 0..1, negative if none yet */
    double rate;     /* images per second */
    double left_s;   /* estimated seconds left, negative if unknown */
} bt_event;

/* Called from the thread that made the library call; may be {NULL, NULL}. */
typedef struct bt_progress {
    void (*report)(void *user, const bt_event *event);
    void *user;
} bt_progress;

/* A flag that stops a long call at its next safe point, and a deadline.
 * The flag is set from a signal handler; the deadline is in bt_now() seconds, 0: none. */
typedef struct bt_stop {
    const volatile int *flag; /* NULL: never */
    double deadline_s;
} bt_stop;

/* Frees text that a bt_ call returned. NULL is fine. */
BT_API void bt_free(void *p);

/* Monotonic clock in seconds, the scale of every `deadline_s`. */
BT_API double bt_now(void);

#endif
