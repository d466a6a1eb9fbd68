/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a decoding process: asked by its parent, it reads image files within a limit of
 * memory until its socket closes. Whatever an image does to it, it does to nothing else.
 */
#include "data/decoder_int.h"

#include "bantam/data.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define FLUSH_EVERY_S 0.05 /* answers of slow images are not kept back */

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

static bool put_now(int fd, const char *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t w = write(fd, p + done, n - done);
        if (w < 0 && errno != EINTR)
            return false;
        done += w > 0 ? (size_t)w : 0;
    }
    return true;
}

static bool flush(bti_decoder_end *e)
{
    size_t n = e->out_n;
    e->out_n = 0;
    e->flushed_s = bt_now();
    return put_now(e->fd, e->out, n);
}

static bool put(bti_decoder_end *e, const void *p, size_t n)
{
    if (n > sizeof(e->out) - e->out_n && !flush(e))
        return false;
    if (n > sizeof(e->out))
        return put_now(e->fd, p, n);
    memcpy(e->out + e->out_n, p, n);
    e->out_n += n;
    return true;
}

static bool get(bti_decoder_end *e, void *p, size_t n)
{
    for (size_t got = 0; got < n;) {
        size_t here = e->in_n - e->in_at < n - got ? e->in_n - e->in_at : n - got;
        memcpy((char *)p + got, e->in + e->in_at, here);
        e->in_at += here;
        got += here;
        if (got == n)
            break;
        if (e->out_n && !flush(e)) /* before we wait for the parent, who may wait for us */
            return false;
        ssize_t r = read(e->fd, e->in, sizeof(e->in));
        if (r == 0 || (r < 0 && errno != EINTR))
            return false;
        e->in_at = 0;
        e->in_n = r > 0 ? (size_t)r : 0;
    }
    return true;
}

bool bti_decoder_greet(bti_decoder_end *e)
{
    return put(e, BTI_DECODER_HELLO, sizeof(BTI_DECODER_HELLO)) && flush(e);
}

bool bti_decoder_take(bti_decoder_end *e, bti_request *request, char path[BTI_DECODER_PATH])
{
    if (!get(e, request, sizeof(*request)) || request->path_bytes >= BTI_DECODER_PATH)
        return false;
    path[request->path_bytes] = 0;
    return get(e, path, request->path_bytes);
}

static void explain_memory(bti_answer *a)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_AS, &limit);
    if (limit.rlim_cur == RLIM_INFINITY)
        a->rc = bti_fail(&a->error, BT_FORMAT, NULL, "there is no memory to decode it");
    else
        a->rc = bti_fail(&a->error, BT_FORMAT, NULL,
                         "decoding it takes more than the allowed %llu MiB of memory",
                         (unsigned long long)(limit.rlim_cur >> 20));
}

bool bti_decoder_reply(bti_decoder_end *e, const bti_request *request, const char *path)
{
    bti_answer a = {0};
    size_t n = bti_ask_bytes(&request->ask);
    uint8_t *px = bti_malloc(n);
    if (px)
        bti_answer_file(&a, &request->ask, path, px);
    if (!px || a.rc == BT_NOMEM)
        explain_memory(&a);
    bti_reply reply = {.rc = (int32_t)a.rc, .w = a.w, .h = a.h, .c = a.c};
    memcpy(reply.hash, a.hash, sizeof(reply.hash));
    reply.text_bytes = a.rc ? (uint32_t)strlen(a.error.text) : 0;
    bool ok = put(e, &reply, sizeof(reply)) &&
              (a.rc ? put(e, a.error.text, reply.text_bytes) : put(e, px, n));
    bti_free(px);
    return ok && (bt_now() - e->flushed_s < FLUSH_EVERY_S || flush(e));
}

/* ASan reserves terabytes of addresses, so that any limit would end it. */
static bt_status limit_memory(int64_t bytes, bt_error *err)
{
#ifdef UNDER_ASAN
    (void)bytes;
    (void)err;
#else
    struct rlimit limit = {.rlim_cur = (rlim_t)bytes, .rlim_max = (rlim_t)bytes};
    if (bytes > 0 && setrlimit(RLIMIT_AS, &limit))
        return bti_fail_errno(err, NULL, "cannot limit the memory of this process");
#endif
    return BT_OK;
}

bt_status bt_decoder(int64_t memory_bytes, bt_error *err)
{
    static bti_decoder_end parent = {.fd = BTI_WIRE_FD};
    char path[BTI_DECODER_PATH];
    bti_request request;
    const struct rlimit none = {0};
    bt_status rc = limit_memory(memory_bytes, err);
    if (rc)
        return rc;
    setrlimit(RLIMIT_CORE, &none);
    /* The parent decides when this ends: then the socket closes. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (!bti_decoder_greet(&parent))
        return bti_fail(err, BT_IO, NULL, "a decoder is started by bantam itself");
    while (bti_decoder_take(&parent, &request, path) && bti_decoder_reply(&parent, &request, path))
        continue;
    return BT_OK;
}
