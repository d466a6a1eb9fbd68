/* SPDX-License-Identifier: Apache-2.0
 *
 * Talk to the person at the terminal: bars that redraw, plain lines when piped, Ctrl-C as a flag,
 * errors as one line with an exit status.
 */
#include "cli/cli.h"

#include "base/cpu.h"
#include "base/json.h"
#include "base/process.h"
#include "base/str.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

static struct {
    bool quiet, terminal, open, json;
    int lines;     /* of the open drawing */
    double next_s; /* redraw or print not before */
    int last_epoch;
} out;

static void close_drawing(void)
{
    if (out.open)
        fputc('\n', stderr);
    out.open = false;
    out.lines = 0;
}

void cli_progress_end(void)
{
    close_drawing();
    fflush(stderr);
}

static void draw_decode(const bt_event *e)
{
    bool done = e->done >= e->total;
    if (!done && bt_now() < out.next_s)
        return;
    out.next_s = bt_now() + (out.terminal ? 0.1 : 5.0);
    if (out.terminal)
        fprintf(stderr, "\r\033[Kdecoding %s: %lld of %lld images", e->text ? e->text : "",
                (long long)e->done, (long long)e->total);
    else
        fprintf(stderr, "decoding %s: %lld of %lld images\n", e->text ? e->text : "",
                (long long)e->done, (long long)e->total);
    out.open = out.terminal;
    if (done)
        close_drawing();
}

static void draw_fetch(const bt_event *e)
{
    double mb = 1e-6;
    if (bt_now() < out.next_s)
        return;
    out.next_s = bt_now() + (out.terminal ? 0.1 : 5.0);
    fprintf(stderr, "%sdownloading %s: %.1f of %.1f MB%s", out.terminal ? "\r\033[K" : "",
            e->text ? e->text : "", mb * (double)e->done, mb * (double)e->total,
            out.terminal ? "" : "\n");
    out.open = out.terminal;
}

static void draw_train(const bt_event *e)
{
    bool epoch_end = e->done >= e->total;
    char left[24] = "", acc[32] = "";
    if (e->left_s >= 0)
        bti_format_duration(left, e->left_s);
    if (e->accuracy >= 0)
        snprintf(acc, sizeof(acc), "  val %.2f%%", 100 * e->accuracy);
    if (!out.terminal) {
        if (!epoch_end || e->epoch == out.last_epoch)
            return;
        out.last_epoch = e->epoch;
        fprintf(stderr, "epoch %d/%d  loss %.4f%s  %.0f images/s  %s left\n", e->epoch, e->epochs,
                e->loss, acc, e->rate, left);
        return;
    }
    if (!epoch_end && bt_now() < out.next_s)
        return;
    out.next_s = bt_now() + 0.1;
    char bar[25];
    int full = e->total ? (int)(24 * e->done / e->total) : 0;
    for (int i = 0; i < 24; i++)
        bar[i] = i < full ? '#' : '.';
    bar[24] = '\0';
    fprintf(stderr, "\r\033[Kepoch %d/%d [%s] loss %.4f%s  %.0f images/s  %s left", e->epoch,
            e->epochs, bar, e->loss, acc, e->rate, left);
    out.open = true;
}

static void draw_search(const bt_event *e)
{
    if (!out.terminal || !e->table) {
        if (e->text && *e->text) {
            close_drawing();
            fprintf(stderr, "%s\n", e->text);
        }
        return;
    }
    if (out.lines) /* back to the first line of the last drawing */
        fprintf(stderr, "\r\033[%dA\033[J", out.lines);
    else
        fputs("\r\033[J", stderr);
    int lines = 0;
    for (const char *p = e->table; *p; p++)
        lines += *p == '\n';
    fputs(e->table, stderr);
    out.lines = lines;
    out.open = false;
}

/* Events of other calls get the same form. */
static void print_json(const bt_event *e)
{
    bti_json *o = NULL;
    if (e->kind == BT_EVENT_RECORD) {
        fprintf(stderr, "%s\n", e->text);
    } else if (e->kind == BT_EVENT_NOTE || e->kind == BT_EVENT_WARN) {
        o = bti_json_object();
        bti_json_set_str(o, "event", e->kind == BT_EVENT_NOTE ? "note" : "warning");
        bti_json_set_str(o, "text", e->text);
    } else if (e->kind == BT_EVENT_DECODE && e->done >= e->total) {
        o = bti_json_object();
        bti_json_set_str(o, "event", "decoded");
        bti_json_set_str(o, "split", e->text ? e->text : "");
        bti_json_set_int(o, "images", e->total);
    }
    char *text = o ? bti_json_text(o, 0) : NULL;
    if (text)
        fprintf(stderr, "%s\n", text);
    bt_free(text);
    bti_json_free(o);
    fflush(stderr);
}

static void report(void *user, const bt_event *e)
{
    (void)user;
    if (out.json) {
        print_json(e);
        return;
    }
    if (e->kind == BT_EVENT_WARN) {
        close_drawing();
        fprintf(stderr, "bantam: warning: %s\n", e->text);
    }
    if (out.quiet)
        return;
    switch (e->kind) {
    case BT_EVENT_NOTE:
        close_drawing();
        fprintf(stderr, "%s\n", e->text);
        break;
    case BT_EVENT_WARN:
    case BT_EVENT_RECORD:
        break;
    case BT_EVENT_FETCH:
        draw_fetch(e);
        break;
    case BT_EVENT_DECODE:
        draw_decode(e);
        break;
    case BT_EVENT_TRAIN:
        draw_train(e);
        break;
    case BT_EVENT_SEARCH:
        draw_search(e);
        break;
    }
    fflush(stderr);
}

bt_progress cli_progress(bool quiet)
{
    const char *term = getenv("TERM");
    out.quiet = quiet;
    out.terminal = isatty(STDERR_FILENO) && !(term && bti_streq(term, "dumb"));
    return (bt_progress){report, NULL};
}

void cli_progress_json(void)
{
    out.json = true;
}

static volatile int stop_flag;

static void on_signal(int signo)
{
    (void)signo;
    if (stop_flag)
        _exit(130);
    stop_flag = 1;
}

bt_stop cli_stop(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    struct sigaction was;
    if (!sigaction(SIGHUP, NULL, &was) && was.sa_handler != SIG_IGN) /* nohup ignores it */
        sigaction(SIGHUP, &sa, NULL);
    return (bt_stop){&stop_flag, 0};
}

int cli_fail(const bt_error *err)
{
    close_drawing();
    const char *text = err->text[0] ? err->text : bt_status_text(err->code);
    if (err->where[0] && err->line)
        fprintf(stderr, "bantam: %s:%d: %s\n", err->where, err->line, text);
    else if (err->where[0])
        fprintf(stderr, "bantam: %s: %s\n", err->where, text);
    else
        fprintf(stderr, "bantam: %s\n", text);
    if (err->code == BT_EMPTY)
        return 3;
    return err->code == BT_INVAL && bti_has_prefix(err->where, "--") ? 2 : 1;
}

const char *cli_cache_dir(void)
{
    static char dir[1024];
    const char *own = getenv("BANTAM_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    if (own && *own)
        snprintf(dir, sizeof(dir), "%s", own);
    else if (xdg && *xdg)
        snprintf(dir, sizeof(dir), "%s/bantam", xdg);
    else
        snprintf(dir, sizeof(dir), "%s/.cache/bantam", home && *home ? home : "/tmp");
    return dir;
}

/* An environment variable; NULL if it is empty. */
static const char *variable(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

bt_data_options cli_data_options(int size, const char *data_dir, bt_progress progress)
{
    bt_data_options o = bt_data_defaults();
    o.cache_dir = cli_cache_dir();
    o.data_dir = data_dir ? data_dir : variable("BANTAM_DATA_DIR");
    o.data_url = variable("BANTAM_DATA_URL");
    o.program = bti_self_path();
    o.size = size;
    o.progress = progress;
    return o;
}

bool cli_is_data_file(const char *data)
{
    return bti_has_suffix_nocase(data, ".yaml") || bti_has_suffix_nocase(data, ".yml");
}

int cli_print(char *text)
{
    if (!text)
        return 1;
    size_t n = strlen(text);
    fputs(text, stdout);
    if (n && text[n - 1] != '\n')
        fputc('\n', stdout);
    bt_free(text);
    return fflush(stdout) ? 1 : 0;
}

bti_json *cli_json(char *text)
{
    bti_json *o = NULL;
    bt_error err = {0};
    if (bti_json_parse(&o, text, strlen(text), "result", &err))
        cli_fail(&err);
    bt_free(text);
    return o;
}
