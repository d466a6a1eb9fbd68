/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors and progress lines are formatted here and nowhere else; and the monotonic clock that
 * deadlines are compared with.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>

const char *bt_status_text(bt_status code)
{
    switch (code) {
#define X(name, value, text)                                                                       \
    case BT_##name:                                                                                \
        return text;
        BT_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

double bt_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Everything but the text; false when nobody wants to know. */
static int start_error(bt_error *err, bt_status code, const char *where, int line)
{
    if (!err)
        return 0;
    err->code = code;
    err->line = line;
    snprintf(err->where, sizeof(err->where), "%s", where ? where : "");
    err->text[0] = 0;
    return 1;
}

/* One line: a newline from a library's message or a file name becomes a space. */
static void finish_error(bt_error *err)
{
    for (char *p = err->text; *p; p++) {
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    }
}

bt_status bti_fail(bt_error *err, bt_status code, const char *where, const char *fmt, ...)
{
    va_list ap;

    if (!start_error(err, code, where, 0))
        return code;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    finish_error(err);
    return code;
}

bt_status bti_fail_at(bt_error *err, bt_status code, const char *where, int line, const char *fmt,
                      ...)
{
    va_list ap;

    if (!start_error(err, code, where, line))
        return code;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    finish_error(err);
    return code;
}

bt_status bti_fail_errno(bt_error *err, const char *where, const char *fmt, ...)
{
    int number = errno;
    size_t used;
    va_list ap;

    if (!start_error(err, BT_IO, where, 0))
        return BT_IO;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    used = strlen(err->text);
    /* GNU strerror_r: thread-safe, and the text may not be in the buffer that it was given. */
    char buf[128];
    snprintf(err->text + used, sizeof(err->text) - used, ": %s",
             strerror_r(number, buf, sizeof(buf)));
    finish_error(err);
    return BT_IO;
}

bt_status bti_fail_nomem(bt_error *err)
{
    return bti_fail(err, BT_NOMEM, NULL, "out of memory");
}

static void send_line(const bt_progress *p, bt_event_kind kind, const char *text)
{
    bt_event event = {.kind = kind, .text = text, .accuracy = -1, .left_s = -1};
    p->report(p->user, &event);
}

void bti_note(const bt_progress *p, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (!p || !p->report)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    send_line(p, BT_EVENT_NOTE, text);
}

void bti_warn(const bt_progress *p, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (!p || !p->report)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    send_line(p, BT_EVENT_WARN, text);
}

int bti_stopped(const bt_stop *stop)
{
    if (!stop)
        return 0;
    if (stop->flag && *stop->flag)
        return 1;
    return stop->deadline_s > 0 && bt_now() >= stop->deadline_s;
}
