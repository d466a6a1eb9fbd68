/* SPDX-License-Identifier: Apache-2.0
 *
 * A download by libcurl into a locked .part file.
 *
 * States: none -> part (locked while somebody works on it) -> whole and verified. Only the rename
 * makes `path`, and only its owner's checksum allows it, so whatever is at `path` is right.
 */
#include "fetch/fetch.h"

#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_S 20L
#define SILENCE_S 60L /* without a byte, until a server counts as gone */
#define LOCK_LOOK_NS 200000000L
#define REPORT_EVERY_S 0.1
#define HTTP_RANGE_BEYOND_END 416

/* One transfer. */
typedef struct transfer {
    const bti_fetch *f;
    CURL *curl;
    int fd;
    int64_t begin, done; /* bytes in the part before and now */
    int write_errno;     /* 0: none */
    bool too_large;
    double reported_s;
    char curl_says[CURL_ERROR_SIZE];
} transfer;

static size_t on_data(char *p, size_t one, size_t n, void *user)
{
    transfer *t = user;
    size_t size = one * n;
    t->too_large = (int64_t)size > t->f->size_max - t->done;
    for (size_t at = 0; at < size && !t->too_large;) {
        ssize_t w = write(t->fd, p + at, size - at);
        if (w < 0 && errno != EINTR) {
            t->write_errno = errno;
            return 0;
        }
        at += w > 0 ? (size_t)w : 0;
        t->done += w > 0 ? w : 0;
    }
    return t->too_large ? 0 : size;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    transfer *t = user;
    const bt_progress *p = t->f->progress;
    (void)up_total;
    (void)up_now;
    if (p && p->report && total > 0 && bt_now() - t->reported_s > REPORT_EVERY_S) {
        bt_event e = {.kind = BT_EVENT_FETCH,
                      .text = t->f->name,
                      .done = t->begin + now,
                      .total = t->begin + total,
                      .left_s = -1,
                      .accuracy = -1};
        t->reported_s = bt_now();
        p->report(p->user, &e);
    }
    return bti_stopped(t->f->stop); /* not 0 ends the transfer */
}

static CURLcode configure(transfer *t)
{
    CURL *c = t->curl;
    bool plain = bti_has_prefix(t->f->url, "http://");
    CURLcode code = curl_easy_setopt(c, CURLOPT_URL, t->f->url);
    if (!code)
        code = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    if (!code)
        code = curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->curl_says);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->begin);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    return code;
}

static bt_status explain(transfer *t, CURLcode code, bt_error *err)
{
    const bti_fetch *f = t->f;
    const char *says = t->curl_says[0] ? t->curl_says : curl_easy_strerror(code);
    if (code == CURLE_OUT_OF_MEMORY)
        return bti_fail_nomem(err);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return bti_fail(err, BT_STOPPED, f->name,
                        "stopped after %" PRId64 " MB: the same command goes on from there",
                        t->done / 1000000);
    if (t->too_large)
        return bti_fail(err, BT_FORMAT, f->name, "%s sends more than %" PRId64 " MB: not this file",
                        f->url, f->size_max / 1000000);
    if (t->write_errno) {
        errno = t->write_errno;
        return bti_fail_errno(err, f->path, "cannot write");
    }
    if (t->done > t->begin)
        return bti_fail(err, BT_IO, f->name,
                        "the download was cut off after %" PRId64
                        " MB (%s): the same command goes on from there",
                        t->done / 1000000, says);
    return bti_fail(err, BT_IO, f->name,
                    "cannot download %s (%s); without a network put the file there by hand: %s",
                    f->url, says, f->path);
}

/* Everything from the end of the part on. *again: the part does not belong to the server's file, or
 * the server sends whole files only; begin from nothing. */
static bt_status receive(const bti_fetch *f, int fd, bool *again, bt_error *err)
{
    transfer t = {.f = f, .fd = fd, .curl = curl_easy_init()};
    long http = 0;
    *again = false;
    if (!t.curl)
        return bti_fail_nomem(err);
    t.begin = t.done = lseek(fd, 0, SEEK_END);
    CURLcode code = configure(&t);
    if (!code)
        code = curl_easy_perform(t.curl);
    curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &http);
    curl_easy_cleanup(t.curl);
    if (!code || (t.begin > 0 && http == HTTP_RANGE_BEYOND_END)) /* it was whole already */
        return BT_OK;
    *again = t.begin > 0 && code == CURLE_RANGE_ERROR;
    return *again ? BT_OK : explain(&t, code, err);
}

static bt_status verify(const bti_fetch *f, const char *part, bool *right, bt_error *err)
{
    char hex[BTI_SHA256_HEX];
    bt_status rc = bti_file_sha256(part, hex, err);
    *right = !rc && bti_streq(hex, f->sha256);
    if (rc || *right)
        return rc;
    return bti_fail(err, BT_FORMAT, f->name,
                    "%s is not the file it should be (SHA-256 %.12s..., expected %.12s...); what "
                    "was downloaded is removed",
                    f->url, hex, f->sha256);
}

static bt_status empty(int fd, const char *part, bt_error *err)
{
    return ftruncate(fd, 0) ? bti_fail_errno(err, part, "cannot empty the file") : BT_OK;
}

/* The part, whole and verified. What was resumed and is wrong is tried once more from nothing. */
static bt_status complete(const bti_fetch *f, const char *part, int fd, bt_error *err)
{
    for (;;) {
        bool resumed = lseek(fd, 0, SEEK_END) > 0, again, right = false;
        bt_status rc = receive(f, fd, &again, err);
        if (!rc && !again) {
            rc = verify(f, part, &right, err);
            again = rc == BT_FORMAT && resumed;
        }
        if (!again) {
            if (rc == BT_FORMAT)
                unlink(part);
            return rc;
        }
        rc = empty(fd, part, err);
        if (rc)
            return rc;
    }
}

/* *fd of the part, locked; -1 if another process has finished it meanwhile. */
static bt_status lock_part(const bti_fetch *f, const char *part, int *fd, bt_error *err)
{
    for (;;) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        struct stat mine, named;
        *fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (*fd < 0)
            return bti_fail_errno(err, part, "cannot open");
        while (fcntl(*fd, F_OFD_SETLK, &whole)) {
            bool taken = errno == EAGAIN || errno == EACCES;
            if (taken && !bti_stopped(f->stop)) {
                nanosleep(&(struct timespec){.tv_nsec = LOCK_LOOK_NS}, NULL);
                continue;
            }
            bt_status rc = taken ? bti_fail(err, BT_STOPPED, f->name,
                                            "stopped while another process was downloading it")
                                 : bti_fail_errno(err, part, "cannot lock");
            close(*fd);
            return rc;
        }
        /* The name may belong to another file by now: the one we waited for was renamed. */
        bool same = !fstat(*fd, &mine) && !stat(part, &named) && mine.st_ino == named.st_ino &&
                    mine.st_dev == named.st_dev;
        if (same && !bti_is_file(f->path))
            return BT_OK;
        if (same) /* made by our own open */
            unlink(part);
        close(*fd);
        *fd = -1;
        if (bti_is_file(f->path))
            return BT_OK;
    }
}

static bt_status publish(const bti_fetch *f, const char *part, const char *folder, int fd,
                         bt_error *err)
{
    if (fsync(fd) || rename(part, f->path))
        return bti_fail_errno(err, f->path, "cannot put the download in its place");
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = dir >= 0 && !fsync(dir);
    bt_status rc = synced ? BT_OK : bti_fail_errno(err, folder, "cannot sync the folder");
    if (dir >= 0)
        close(dir);
    return rc;
}

static bt_status fetch_into(const bti_fetch *f, const char *part, const char *folder, bt_error *err)
{
    int fd;
    bt_status rc = bti_make_dirs(folder, err);
    if (!rc)
        rc = lock_part(f, part, &fd, err);
    if (rc || fd < 0)
        return rc;
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        close(fd);
        return bti_fail_nomem(err);
    }
    rc = complete(f, part, fd, err);
    if (!rc)
        rc = publish(f, part, folder, fd, err);
    curl_global_cleanup();
    close(fd);
    return rc;
}

bt_status bti_fetch_file(const bti_fetch *f, bt_error *err)
{
    bti_str part = {0}, folder = {0};
    if (bti_is_file(f->path))
        return BT_OK;
    bti_str_addf(&part, "%s.part", f->path);
    bti_str_addn(&folder, f->path, (size_t)(bti_path_base(f->path) - f->path));
    if (!folder.len)
        bti_str_add(&folder, ".");
    bt_status rc = part.failed || folder.failed
                       ? bti_fail_nomem(err)
                       : fetch_into(f, bti_str_c(&part), bti_str_c(&folder), err);
    bti_str_release(&part);
    bti_str_release(&folder);
    return rc;
}
