/* SPDX-License-Identifier: Apache-2.0
 *
 * Files. A write goes to a temporary file in the same folder, which then takes the final name; both
 * the file and its folder reach the disk before a commit returns, so a crash leaves the old or the
 * new.
 */
#include "base/files.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Only tests set these. */
static atomic_int_least64_t steps_left; /* 0: off; 1: fail from now on */
static atomic_int step_error;

void bti_files_fail_at(int64_t n, int number)
{
    atomic_store(&step_error, number);
    atomic_store(&steps_left, n);
}

bool bti_files_step_fails(void)
{
    int_least64_t left = atomic_load_explicit(&steps_left, memory_order_relaxed);
    if (left == 0)
        return false;
    if (left > 1) {
        atomic_fetch_sub_explicit(&steps_left, 1, memory_order_relaxed);
        return false;
    }
    errno = atomic_load(&step_error);
    return true;
}

static bt_status read_stream(FILE *f, const char *path, size_t limit, bti_str *text, bt_error *err)
{
    char buf[1 << 14];
    size_t got;

    bti_str_add(text, "");
    while ((got = fread(buf, 1, sizeof(buf), f)) > 0) {
        if (got > limit - text->len)
            return bti_fail(err, BT_FORMAT, path, "is larger than the limit of %zu bytes", limit);
        bti_str_addn(text, buf, got);
    }
    if (ferror(f))
        return bti_fail_errno(err, path, "cannot read");
    return text->failed ? bti_fail_nomem(err) : BT_OK;
}

bt_status bti_file_read(const char *path, size_t limit, char **out, size_t *n, bt_error *err)
{
    bti_str text = {0};

    *out = NULL;
    *n = 0;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return bti_fail_errno(err, path, "cannot open");
    bt_status rc = read_stream(f, path, limit, &text, err);
    fclose(f);
    if (!rc) {
        *n = text.len;
        *out = bti_str_take(&text);
    }
    bti_str_release(&text);
    return rc;
}

bt_status bti_file_write(const char *path, const void *data, size_t n, bt_error *err)
{
    bti_writer w;
    bt_status rc = bti_writer_open(&w, path, err);

    if (rc)
        return rc;
    if (n && (bti_files_step_fails() || fwrite(data, 1, n, w.f) != n)) {
        rc = bti_fail_errno(err, path, "cannot write");
        bti_writer_abort(&w);
        return rc;
    }
    return bti_writer_commit(&w, err);
}

/* ---- writers ---- */

/* Creates path.PID.K.tmp for the first free K, with the umask's rights (mkstemp's 0600 would hide
 * results from others). -1 with errno on failure; *tmp is the caller's. */
static int create_beside(const char *path, char **tmp)
{
    int fd = -1;

    *tmp = NULL;
    for (int k = 0; k < 1000 && fd < 0; k++) {
        bti_str name = {0};
        bti_str_addf(&name, "%s.%d.%d.tmp", path, (int)getpid(), k);
        bti_free(*tmp);
        *tmp = bti_str_take(&name);
        if (!*tmp) {
            errno = ENOMEM;
            return -1;
        }
        if (bti_files_step_fails())
            break;
        fd = open(*tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

static void release_writer(bti_writer *w)
{
    bti_free(w->tmp);
    bti_free(w->path);
    *w = (bti_writer){0};
}

bt_status bti_writer_open(bti_writer *w, const char *path, bt_error *err)
{
    bt_status rc;

    *w = (bti_writer){.path = bti_strdup(path)};
    if (!w->path)
        return bti_fail_nomem(err);
    int fd = create_beside(path, &w->tmp);
    if (fd >= 0)
        w->f = fdopen(fd, "wb");
    if (w->f)
        return BT_OK;
    rc = w->tmp ? bti_fail_errno(err, path, "cannot create") : bti_fail_nomem(err);
    if (fd >= 0) {
        close(fd);
        unlink(w->tmp);
    }
    release_writer(w);
    return rc;
}

/* A rename is on disk only when the folder is. Some file systems cannot sync folders: not an error.
 */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = bti_strdup(slash ? path : ".");
    if (!dir)
        return;
    if (slash)
        dir[slash == path ? 1 : slash - path] = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    bti_free(dir);
}

bt_status bti_writer_commit(bti_writer *w, bt_error *err)
{
    bt_status rc = BT_OK;

    if (bti_files_step_fails() || fflush(w->f) || ferror(w->f) || bti_files_step_fails() ||
        fsync(fileno(w->f)))
        rc = bti_fail_errno(err, w->path, "cannot write");
    int bad_close = fclose(w->f);
    w->f = NULL;
    if (!rc && (bad_close || bti_files_step_fails() || rename(w->tmp, w->path)))
        rc = bti_fail_errno(err, w->path, "cannot write");
    if (rc)
        unlink(w->tmp);
    else
        sync_folder_of(w->path);
    release_writer(w);
    return rc;
}

void bti_writer_abort(bti_writer *w)
{
    if (!w || !w->f)
        return;
    fclose(w->f);
    unlink(w->tmp);
    release_writer(w);
}

/* ---- folders and names ---- */

bt_status bti_make_dirs(const char *path, bt_error *err)
{
    char *p = bti_strdup(path);
    bt_status rc = BT_OK;

    if (!p)
        return bti_fail_nomem(err);
    size_t n = strlen(p);
    for (size_t i = 1; i <= n && !rc; i++) {
        if (p[i] != '/' && p[i] != 0)
            continue;
        char keep = p[i];
        p[i] = 0;
        if ((bti_files_step_fails() || mkdir(p, 0777)) && errno != EEXIST)
            rc = bti_fail_errno(err, p, "cannot create the folder");
        p[i] = keep;
    }
    if (!rc && n && !bti_is_dir(path))
        rc = bti_fail(err, BT_IO, path, "cannot create the folder: a file has this name");
    bti_free(p);
    return rc;
}

bool bti_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool bti_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int64_t bti_file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

/* Removes the entry `name` of the folder `at`; never follows a link. -1 with errno on failure. */
static int remove_entry(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -1;
    }
    int bad = 0;
    struct dirent *e;
    while (!bad && (e = readdir(dir))) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            bad = remove_entry(fd, e->d_name);
    }
    int number = errno;
    closedir(dir);
    errno = number;
    return bad ? -1 : unlinkat(at, name, AT_REMOVEDIR);
}

bt_status bti_remove_tree(const char *path, bt_error *err)
{
    if (remove_entry(AT_FDCWD, path))
        return bti_fail_errno(err, path, "cannot remove");
    return BT_OK;
}

char *bti_path_join(const char *a, const char *b)
{
    bti_str s = {0};
    size_t n = strlen(a);

    bti_str_add(&s, a);
    if (n && a[n - 1] != '/')
        bti_str_add(&s, "/");
    bti_str_add(&s, b);
    return bti_str_take(&s);
}

const char *bti_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bt_status collect_names(DIR *dir, const char *path, bti_names *out, bt_error *err)
{
    size_t cap = 0;

    for (;;) {
        errno = 0;
        struct dirent *e = readdir(dir);
        if (!e)
            return errno ? bti_fail_errno(err, path, "cannot read the folder") : BT_OK;
        if (e->d_name[0] == '.')
            continue;
        if (out->n == cap) {
            cap = cap ? 2 * cap : 64;
            char **grown = bti_regrow(out->name, cap, sizeof(*grown));
            if (!grown)
                return bti_fail_nomem(err);
            out->name = grown;
        }
        out->name[out->n] = bti_strdup(e->d_name);
        if (!out->name[out->n])
            return bti_fail_nomem(err);
        out->n++;
    }
}

bt_status bti_list_dir(const char *path, bti_names *out, bt_error *err)
{
    *out = (bti_names){0};
    DIR *dir = opendir(path);
    if (!dir)
        return bti_fail_errno(err, path, "cannot open the folder");
    bt_status rc = collect_names(dir, path, out, err);
    closedir(dir);
    if (rc)
        bti_names_free(out);
    else if (out->n)
        qsort(out->name, out->n, sizeof(*out->name), by_bytes);
    return rc;
}

void bti_names_free(bti_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->n; i++)
        bti_free(names->name[i]);
    bti_free(names->name);
    *names = (bti_names){0};
}

/* ---- maps and disks ---- */

bt_status bti_map_open(bti_map *m, const char *path, bt_error *err)
{
    struct stat st;
    bt_status rc = BT_OK;

    *m = (bti_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bti_fail_errno(err, path, "cannot open");
    if (fstat(fd, &st)) {
        rc = bti_fail_errno(err, path, "cannot read");
    } else if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        rc = bti_fail(err, BT_FORMAT, path, "is %s",
                      S_ISREG(st.st_mode) ? "empty" : "not a regular file");
    } else {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
            rc = bti_fail_errno(err, path, "cannot map");
        else
            *m = (bti_map){p, (size_t)st.st_size};
    }
    close(fd);
    return rc;
}

void bti_map_close(bti_map *m)
{
    if (m && m->p)
        munmap((void *)(uintptr_t)m->p, m->n);
    if (m)
        *m = (bti_map){0};
}

int64_t bti_disk_free(const char *path)
{
    struct statvfs fs;
    if (statvfs(path, &fs))
        return -1;
    return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}
