/* SPDX-License-Identifier: Apache-2.0
 *
 * The parent's side of a decoding process. Questions are sent several at a time; when the process
 * ends over them, what has no answer yet is asked again one by one, and the image that ends a
 * process which was asked about it alone is the guilty one.
 */
#include "data/decoder.h"

#include "base/error.h"
#include "data/decoder_int.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 50 /* how often a stop is looked for while nothing comes */
#define END_S 5.0  /* for a process whose socket has closed */

/* How waiting for bytes ended. */
typedef enum outcome { GOT, GONE, LATE, STOPPED } outcome;

static outcome receive(const bti_decoder *d, void *dst, size_t n, double until)
{
    for (size_t got = 0; got < n;) {
        ssize_t r = recv(d->fd, (char *)dst + got, n - got, 0);
        if (r > 0) {
            got += (size_t)r;
            continue;
        }
        if (r == 0 || (errno != EINTR && errno != EAGAIN)) /* EAGAIN: LOOK_MS have passed */
            return GONE;
        if (bti_stopped(d->stop))
            return STOPPED;
        if (bt_now() > until)
            return LATE;
    }
    return GOT;
}

/* A process that has gone is noticed by whoever waits for its answer. */
static void send_all(const bti_decoder *d, const void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t w = send(d->fd, (const char *)p + done, n - done, MSG_NOSIGNAL);
        if (w < 0 && errno != EINTR)
            return;
        done += w > 0 ? (size_t)w : 0;
    }
}

static void end_process(bti_decoder *d, bool kill_it)
{
    if (!d->child.pid)
        return;
    if (kill_it)
        bti_child_signal(&d->child, SIGKILL);
    close(d->fd);
    if (!bti_child_wait(&d->child, END_S)) {
        bti_child_signal(&d->child, SIGKILL);
        bti_child_wait(&d->child, END_S);
    }
}

void bti_decoder_close(bti_decoder *d)
{
    end_process(d, true);
}

static bt_status fail_stopped(bt_error *err)
{
    return bti_fail(err, BT_STOPPED, NULL, "stopped while images were decoded");
}

static bt_status start(bti_decoder *d, bt_error *err)
{
    char program[BTI_DECODER_PATH], verb[] = "decoder", option[] = "--memory", memory[24];
    char hello[sizeof(BTI_DECODER_HELLO)];
    snprintf(program, sizeof(program), "%s", d->program);
    snprintf(memory, sizeof(memory), "%" PRId64, d->memory);
    char *argv[] = {program, verb, option, memory, NULL};
    bt_status rc = bti_spawn_connected(&d->child, argv, &d->fd, err);
    if (rc)
        return rc;
    const struct timeval look = {.tv_usec = LOOK_MS * 1000};
    setsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
    outcome how = receive(d, hello, sizeof(hello), bt_now() + d->patience_s);
    if (how == GOT && !memcmp(hello, BTI_DECODER_HELLO, sizeof(hello)))
        return BT_OK;
    end_process(d, true);
    if (how == STOPPED)
        return fail_stopped(err);
    return bti_fail(err, BT_IO, program, "it does not decode images: another version of bantam?");
}

static void ask_all(const bti_decoder *d, const bti_ask *ask, const char *const *path, int n)
{
    char text[BTI_DECODER_BATCH * (sizeof(bti_request) + BTI_DECODER_PATH)];
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        size_t length = strnlen(path[i], BTI_DECODER_PATH - 1);
        bti_request head = {.ask = *ask, .path_bytes = (uint32_t)length};
        memcpy(text + at, &head, sizeof(head));
        memcpy(text + at + sizeof(head), path[i], length);
        at += sizeof(head) + length;
    }
    send_all(d, text, at);
}

static outcome take_answer(const bti_decoder *d, const bti_ask *ask, uint8_t *px, bti_answer *out)
{
    bti_reply r;
    double until = bt_now() + d->patience_s;
    outcome how = receive(d, &r, sizeof(r), until);
    if (how != GOT)
        return how;
    *out = (bti_answer){.rc = (bt_status)r.rc, .w = r.w, .h = r.h, .c = r.c};
    if (!r.rc) {
        memcpy(out->hash, r.hash, sizeof(out->hash) - 1);
        return receive(d, px, bti_ask_bytes(ask), until);
    }
    if (r.text_bytes >= sizeof(out->error.text))
        return GONE; /* it has lost its mind */
    how = receive(d, out->error.text, r.text_bytes, until);
    out->error.code = out->rc;
    return how;
}

/* Why the process that was reading an image is no more. */
static void blame(const bti_decoder *d, outcome how, bti_answer *out)
{
    int status = d->child.status;
    *out = (bti_answer){.rc = BT_FORMAT};
    if (how == LATE)
        bti_fail(&out->error, BT_FORMAT, NULL, "it was not decoded within %.0f s", d->patience_s);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        bti_fail(&out->error, BT_FORMAT, NULL,
                 "its decoding was killed, perhaps because the machine has no memory left");
    else if (WIFSIGNALED(status))
        bti_fail(&out->error, BT_FORMAT, NULL, "its decoding crashed: %s",
                 sigdescr_np(WTERMSIG(status)));
    else
        bti_fail(&out->error, BT_FORMAT, NULL, "its decoding ended with status %d",
                 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* Asks about n files; *done counts those that were answered. */
static outcome ask_some(const bti_decoder *d, const bti_ask *ask, const char *const *path,
                        uint8_t *const *px, int n, bti_answer *out, int *done)
{
    outcome how = GOT;
    ask_all(d, ask, path, n);
    for (int i = 0; i < n && how == GOT; i++) {
        how = bti_stopped(d->stop) ? STOPPED : take_answer(d, ask, px ? px[i] : NULL, &out[i]);
        *done += how == GOT;
    }
    return how;
}

bt_status bti_decoder_ask(bti_decoder *d, const bti_ask *ask, const char *const *path,
                          uint8_t *const *px, int n, bti_answer *out, bt_error *err)
{
    bool alone = false; /* one by one, since a process has ended */
    for (int done = 0; done < n;) {
        bt_status rc = d->child.pid ? BT_OK : start(d, err);
        if (rc)
            return rc;
        outcome how = ask_some(d, ask, path + done, px ? px + done : NULL, alone ? 1 : n - done,
                               out + done, &done);
        if (how == GOT)
            continue;
        end_process(d, how != GONE);
        if (how == STOPPED)
            return fail_stopped(err);
        if (alone)
            blame(d, how, &out[done++]);
        alone = true;
    }
    return BT_OK;
}
