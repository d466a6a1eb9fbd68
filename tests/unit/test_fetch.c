/* SPDX-License-Identifier: Apache-2.0
 *
 * Downloads from a server of our own (tests/support/file_server.py): whole, resumed, refused,
 * wrong.
 */
#include "support.h"

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "base/str.h"
#include "data/reader.h"
#include "fetch/fetch.h"
#include "make_data.h"

#include <signal.h>
#include <unistd.h>

#define FILE_BYTES 300000

static struct {
    bti_child server;
    char root[256], url[64];
    char sha256[BTI_SHA256_HEX]; /* of root/file */
    uint8_t bytes[FILE_BYTES];
} at_server;

/* A download of `from` into a fresh folder. */
typedef struct place {
    char url[300], path[300];
    bti_fetch f;
} place;

static place *fresh(const char *from)
{
    static place p;
    p = (place){0};
    snprintf(p.url, sizeof(p.url), "%s/%s", at_server.url, from);
    snprintf(p.path, sizeof(p.path), "%s/below/file", test_tmp_dir());
    p.f = (bti_fetch){.name = "some-data",
                      .url = p.url,
                      .path = p.path,
                      .sha256 = at_server.sha256,
                      .size_max = FILE_BYTES};
    return &p;
}

static int start_server(void **state)
{
    (void)state;
    char port_file[300], script[512], python[] = "/usr/bin/env", name[] = "python3", *port;
    size_t n;
    bt_error err;
    if (test_shell(NULL, 0, "python3 -c 'import http.server' 2>/dev/null"))
        return 0;
    unsetenv("http_proxy"); /* libcurl would ask it */
    snprintf(at_server.root, sizeof(at_server.root), "%s", test_tmp_dir());
    for (int i = 0; i < FILE_BYTES; i++)
        at_server.bytes[i] = (uint8_t)(i * 7 + i / 251);
    const char *file = at(at_server.root, "file");
    assert_ok(bti_file_write(file, at_server.bytes, FILE_BYTES, &err), &err);
    assert_ok(bti_file_sha256(file, at_server.sha256, &err), &err);
    snprintf(port_file, sizeof(port_file), "%s/port", test_tmp_dir());
    snprintf(script, sizeof(script), "%s", test_source("tests/support/file_server.py"));
    char *argv[] = {python, name, script, at_server.root, port_file, NULL};
    assert_ok(bti_spawn(&at_server.server, argv, NULL, NULL, &err), &err);
    for (double end = bt_now() + 20; bt_now() < end && !bti_is_file(port_file);)
        usleep(20000);
    assert_ok(bti_file_read(port_file, 16, &port, &n, &err), &err);
    snprintf(at_server.url, sizeof(at_server.url), "http://127.0.0.1:%s", port);
    bti_free(port);
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    bti_child_signal(&at_server.server, SIGTERM);
    bti_child_wait(&at_server.server, 10);
    return 0;
}

static void need_server(void)
{
    if (at_server.url[0])
        return;
    print_message("skipped: no python3 to serve files\n");
    skip();
}

/* What the server was asked last. */
static void expect_asked(const char *text)
{
    char log[8192];
    assert_int_equal(test_shell(log, sizeof(log),
                                "python3 -c \"import urllib.request as u; "
                                "print(u.urlopen('%s/log').read().decode().splitlines()[-1])\"",
                                at_server.url),
                     0);
    if (strncmp(log, text, strlen(text)))
        fail_msg("asked for %s instead of %s", log, text);
}

static void expect_file(const place *p)
{
    char *bytes, part[320];
    size_t n;
    bt_error err;
    assert_ok(bti_file_read(p->path, FILE_BYTES, &bytes, &n, &err), &err);
    assert_int_equal(n, FILE_BYTES);
    assert_memory_equal(bytes, at_server.bytes, FILE_BYTES);
    bti_free(bytes);
    snprintf(part, sizeof(part), "%s.part", p->path);
    assert_false(bti_is_file(part));
}

static void expect_failure(place *p, bt_status code, const char *text, int64_t part_bytes)
{
    char part[320];
    bt_error err = {0};
    assert_int_equal(bti_fetch_file(&p->f, &err), code);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" does not contain \"%s\"", err.text, text);
    snprintf(part, sizeof(part), "%s.part", p->path);
    assert_int_equal(bti_file_size(part), part_bytes);
    assert_false(bti_is_file(p->path));
}

static void checksums_are_those_of_fips_180(void **state)
{
    (void)state;
    char hex[BTI_SHA256_HEX];
    bt_error err;
    const char *path = at(test_tmp_dir(), "abc");
    assert_ok(bti_file_write(path, "abc", 3, &err), &err);
    assert_ok(bti_file_sha256(path, hex, &err), &err);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(bti_file_write(path, "", 0, &err), &err);
    assert_int_equal(bti_file_sha256(path, hex, &err), BT_FORMAT); /* nobody sends that */
}

static void a_file_is_downloaded_once(void **state)
{
    (void)state;
    need_server();
    bt_error err;
    place *p = fresh("file");
    assert_ok(bti_fetch_file(&p->f, &err), &err);
    expect_file(p);
    snprintf(p->url, sizeof(p->url), "http://127.0.0.1:1/file");
    assert_ok(bti_fetch_file(&p->f, &err), &err); /* it is there */
}

static void what_was_cut_off_goes_on_from_there(void **state)
{
    (void)state;
    need_server();
    bt_error err;
    place *p = fresh("cut/file");
    expect_failure(p, BT_IO, "the download was cut off after 0 MB", FILE_BYTES / 2);
    expect_failure(p, BT_IO, "the same command goes on from there", FILE_BYTES * 3 / 4);
    expect_asked("/cut/file bytes=150000-");
    snprintf(p->url, sizeof(p->url), "%s/file", at_server.url);
    assert_ok(bti_fetch_file(&p->f, &err), &err);
    expect_asked("/file bytes=225000-");
    expect_file(p);
}

static void a_server_without_ranges_sends_it_all_again(void **state)
{
    (void)state;
    need_server();
    bt_error err;
    place *p = fresh("cut/file");
    expect_failure(p, BT_IO, "cut off", FILE_BYTES / 2);
    snprintf(p->url, sizeof(p->url), "%s/whole/file", at_server.url);
    assert_ok(bti_fetch_file(&p->f, &err), &err);
    expect_file(p);
}

static void a_part_of_another_file_is_replaced(void **state)
{
    (void)state;
    need_server();
    char part[320];
    bt_error err;
    static const int sizes[] = {1000, FILE_BYTES}; /* the second is all, but not yet renamed */
    for (int i = 0; i < 2; i++) {
        place *p = fresh("file");
        snprintf(part, sizeof(part), "%s.part", p->path);
        assert_int_equal(test_shell(NULL, 0, "mkdir -p '%s' && rmdir '%s'", p->path, p->path), 0);
        assert_int_equal(test_shell(NULL, 0, "head -c %d /dev/zero >'%s'", sizes[i], part), 0);
        assert_ok(bti_fetch_file(&p->f, &err), &err);
        expect_file(p);
    }
}

static void a_wrong_checksum_removes_the_download(void **state)
{
    (void)state;
    need_server();
    char wrong[BTI_SHA256_HEX];
    place *p = fresh("file");
    memset(wrong, '0', sizeof(wrong) - 1);
    wrong[sizeof(wrong) - 1] = 0;
    p->f.sha256 = wrong;
    expect_failure(p, BT_FORMAT, "is not the file it should be (SHA-256 ", -1);
}

static void a_server_that_sends_too_much_is_cut_off(void **state)
{
    (void)state;
    need_server();
    place *p = fresh("file");
    p->f.size_max = FILE_BYTES - 1;
    expect_failure(p, BT_FORMAT, "sends more than 0 MB", -1);
}

static void what_cannot_be_had_says_what_to_do(void **state)
{
    (void)state;
    need_server();
    static volatile int flag = 1;
    bt_stop stop = {.flag = &flag};
    place *p = fresh("nothing");
    expect_failure(p, BT_IO, "error: 404", 0);
    p = fresh("file");
    snprintf(p->url, sizeof(p->url), "http://127.0.0.1:1/file");
    expect_failure(p, BT_IO, "without a network put the file there by hand: /", 0);
    snprintf(p->url, sizeof(p->url), "file://%s/file", at_server.root);
    expect_failure(p, BT_IO, "cannot download file:", 0);
    p = fresh("file");
    p->f.stop = &stop;
    expect_failure(p, BT_STOPPED, "stopped after 0 MB", 0);
}

/* The name of a data set, whose archive our server has instead of its own. */
static void a_known_name_is_found_or_downloaded(void **state)
{
    (void)state;
    need_server();
    static const char *const places[] = {"file", "folder", NULL};
    char path[PATH_MAX], cache[256], dir[256];
    bt_error err;
    bt_data_options opt = bt_data_defaults();
    bti_known k = {.name = "some-data", .place = places};
    k.download.site = "http://127.0.0.1:1";
    k.download.file = "file";
    k.download.sha256 = at_server.sha256;
    snprintf(cache, sizeof(cache), "%s", test_tmp_dir());
    snprintf(dir, sizeof(dir), "%s", test_tmp_dir());
    opt.cache_dir = cache;
    opt.data_dir = dir;
    assert_int_equal(bti_known_locate(path, &k, &opt, &err), BT_IO);
    opt.data_url = at_server.url;
    assert_ok(bti_known_locate(path, &k, &opt, &err), &err);
    assert_string_equal(path, at(cache, "downloads/file"));
    opt.data_url = NULL;
    assert_ok(bti_known_locate(path, &k, &opt, &err), &err); /* from the cache */
    assert_ok(bti_make_dirs(at(dir, "folder"), &err), &err);
    assert_ok(bti_known_locate(path, &k, &opt, &err), &err);
    assert_string_equal(path, at(dir, "folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_those_of_fips_180),
        cmocka_unit_test(a_file_is_downloaded_once),
        cmocka_unit_test(what_was_cut_off_goes_on_from_there),
        cmocka_unit_test(a_server_without_ranges_sends_it_all_again),
        cmocka_unit_test(a_part_of_another_file_is_replaced),
        cmocka_unit_test(a_wrong_checksum_removes_the_download),
        cmocka_unit_test(a_server_that_sends_too_much_is_cut_off),
        cmocka_unit_test(what_cannot_be_had_says_what_to_do),
        cmocka_unit_test(a_known_name_is_found_or_downloaded),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}
