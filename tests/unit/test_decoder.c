/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding processes: the same answers as without them, and what happens when an image crashes,
 * hangs or bloats one. This program is also the decoder of some tests: it misbehaves as the names
 * of the images say.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "data/dataset.h"
#include "data/decoder.h"
#include "data/decoder_int.h"
#include "data/reading.h"

#include <signal.h>
#include <unistd.h>

#define WAIT_S 20.0 /* until a test gives up */

static int misbehave(void)
{
    static bti_decoder_end parent = {.fd = BTI_WIRE_FD};
    static char path[BTI_DECODER_PATH];
    bti_request request;
    bti_decoder_greet(&parent);
    while (bti_decoder_take(&parent, &request, path)) {
        if (strstr(path, "crash"))
            abort();
        if (strstr(path, "killed"))
            raise(SIGKILL);
        if (strstr(path, "leave"))
            _exit(3);
        while (strstr(path, "hang"))
            pause();
        if (!bti_decoder_reply(&parent, &request, path))
            break;
    }
    return 0;
}

static bti_decoder decoder(const char *program)
{
    return (bti_decoder){
        .program = program, .memory = BTI_DECODER_MEMORY, .patience_s = WAIT_S, .fd = -1};
}

static const char *golden(const char *name)
{
    char rel[128];
    snprintf(rel, sizeof(rel), "tests/golden/image/%s", name);
    return test_source(rel);
}

static void a_process_answers_as_this_one_does(void **state)
{
    (void)state;
    const char *const path[4] = {golden("exif6.jpg"), golden("deep.png"), golden("clear.webp"),
                                 golden("files.txt")};
    uint8_t there[4][12 * 12 * 3], here[12 * 12 * 3];
    uint8_t *px[4] = {there[0], there[1], there[2], there[3]};
    bti_decoder d = decoder(BT_TEST_PROGRAM);
    bt_error err;
    for (int kind = BTI_ASK_SIZE; kind <= BTI_ASK_PIXELS; kind++) {
        bti_ask ask = {.kind = (bti_ask_kind)kind, .side = 12, .channels = 3};
        bti_answer a[4], b;
        assert_ok(bti_decoder_ask(&d, &ask, path, px, 4, a, &err), &err);
        for (int i = 0; i < 4; i++) {
            bti_answer_file(&b, &ask, path[i], here);
            assert_int_equal(a[i].rc, b.rc);
            assert_true(a[i].w == b.w && a[i].h == b.h && a[i].c == b.c);
            if (b.rc)
                assert_string_equal(a[i].error.text, b.error.text);
            else
                assert_string_equal(a[i].hash, b.hash);
            if (!b.rc && kind == BTI_ASK_PIXELS)
                assert_memory_equal(there[i], here, sizeof(here));
        }
        assert_int_equal(a[3].rc, BT_FORMAT);
    }
    bti_decoder_close(&d);
}

static void copy_file(const char *from, const char *to)
{
    assert_int_equal(test_shell(NULL, 0, "cp '%s' '%s'", from, to), 0);
}

/* Classes a and b of 60 images each. */
static const char *good_folder(void)
{
    const char *dir = test_tmp_dir();
    assert_int_equal(test_shell(NULL, 0,
                                "mkdir -p '%s/a' '%s/b' && cd '%s' && for i in $(seq 60); do cp "
                                "'%s' a/$i.png; cp '%s' b/$i.png; done",
                                dir, dir, dir, golden("rgb.png"), golden("grey.png")),
                     0);
    return dir;
}

static void an_image_that_ends_its_decoder_is_skipped_and_the_others_are_not(void **state)
{
    (void)state;
    const char *dir = good_folder();
    char path[512];
    bt_error err;
    bt_data_options opt = bt_data_defaults();
    bti_data *d;
    opt.program = bti_self_path();
    opt.cache_dir = test_tmp_dir();
    opt.threads = 2;
    snprintf(path, sizeof(path), "%s/a/30crash.png", dir);
    copy_file(golden("rgb.png"), path);
    assert_ok(bti_data_open(&d, dir, &opt, &err), &err);
    assert_int_equal(d->train.n, 120);
    bti_data_close(d);

    opt.strict = true; /* now from the cache */
    assert_int_equal(bti_data_open(&d, dir, &opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "1 images are unreadable"));
    opt.cache_dir = test_tmp_dir();
    assert_int_equal(bti_data_open(&d, dir, &opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "first a/30crash.png: its decoding crashed: Aborted"));
}

/* What is said about one image of this name by a decoder that misbehaves. */
static void expect_said(const char *name, double patience_s, const char *text)
{
    char path[512];
    const char *asked[3];
    bti_ask ask = {.kind = BTI_ASK_SIZE};
    bti_decoder d = decoder(bti_self_path());
    bti_answer a[3];
    bt_error err;
    snprintf(path, sizeof(path), "/nowhere/%s", name);
    asked[0] = asked[2] = golden("rgb.png");
    asked[1] = path;
    d.patience_s = patience_s;
    assert_ok(bti_decoder_ask(&d, &ask, asked, NULL, 3, a, &err), &err);
    assert_true(!a[0].rc && !a[2].rc && a[1].rc == BT_FORMAT);
    assert_string_equal(a[1].error.text, text);
    bti_decoder_close(&d);
}

static void the_reason_says_how_the_decoder_ended(void **state)
{
    (void)state;
    expect_said("crash", WAIT_S, "its decoding crashed: Aborted");
    expect_said("leave", WAIT_S, "its decoding ended with status 3");
    expect_said("killed", WAIT_S,
                "its decoding was killed, perhaps because the machine has no memory left");
    expect_said("hang", 1, "it was not decoded within 1 s");
}

static void a_decoder_that_somebody_killed_is_replaced(void **state)
{
    (void)state;
    const char *path = golden("rgb.png");
    bti_ask ask = {.kind = BTI_ASK_SIZE};
    bti_decoder d = decoder(BT_TEST_PROGRAM);
    bti_answer a;
    bt_error err;
    for (int i = 0; i < 2; i++) {
        assert_ok(bti_decoder_ask(&d, &ask, &path, NULL, 1, &a, &err), &err);
        assert_int_equal(a.rc, BT_OK);
        kill(d.child.pid, SIGKILL);
    }
    bti_decoder_close(&d);
}

static void a_stop_ends_the_wait_for_an_image(void **state)
{
    (void)state;
    static volatile int flag;
    bt_stop stop = {.flag = &flag};
    const char *path = "/nowhere/hang";
    bti_ask ask = {.kind = BTI_ASK_SIZE};
    bti_decoder d = decoder(bti_self_path());
    bti_answer a;
    bt_error err;
    double began = bt_now();
    d.stop = &stop;
    stop.deadline_s = began + 0.3;
    assert_int_equal(bti_decoder_ask(&d, &ask, &path, NULL, 1, &a, &err), BT_STOPPED);
    assert_true(bt_now() - began < 3);
    bti_decoder_close(&d);

    flag = 1;
    bti_reading r = {.path = &path, .n = 1, .ask = ask, .threads = 1, .stop = &stop};
    assert_int_equal(bti_read_images(&r, &err), BT_STOPPED); /* also without a decoder */
}

static void a_program_that_is_no_decoder_is_refused(void **state)
{
    (void)state;
    const char *path = golden("rgb.png");
    bti_ask ask = {.kind = BTI_ASK_SIZE};
    bti_answer a;
    bt_error err;
    bti_decoder d = decoder("/bin/true");
    assert_int_equal(bti_decoder_ask(&d, &ask, &path, NULL, 1, &a, &err), BT_IO);
    assert_non_null(strstr(err.text, "it does not decode images"));
    bti_decoder_close(&d);
    d = decoder("/nowhere/bantam");
    assert_int_equal(bti_decoder_ask(&d, &ask, &path, NULL, 1, &a, &err), BT_IO);
    bti_decoder_close(&d);
}

/* ASan cannot live within a limit, so this asks the release program, if it is there. */
static void an_image_that_needs_too_much_memory_is_skipped(void **state)
{
    (void)state;
    static const uint8_t head[] = {
        /* 8000x8000 RGB: 192 MB */
        0x89, 'P',  'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13,   'I',  'H',  'D',  'R', 0, 0,
        0x1f, 0x40, 0,   0,   0x1f, 0x40, 8,    2,    0, 0, 0, 0x89, 0x93, 0x3a, 0xa3, 0,   0, 0,
        8,    'I',  'D', 'A', 'T',  1,    2,    3,    4, 5, 6, 7,    8,    0,    0,    0,   0};
    const char *program = test_source("build/release/bantam");
    if (access(program, X_OK)) {
        print_message("skipped: build/release/bantam is not built\n");
        skip();
    }
    const char *dir = test_tmp_dir();
    char path[512];
    const char *asked[2] = {path, golden("rgb.png")};
    bti_ask ask = {.kind = BTI_ASK_HASH};
    bti_decoder d = decoder(program);
    bti_answer a[2];
    bt_error err;
    snprintf(path, sizeof(path), "%s/huge.png", dir);
    assert_ok(bti_file_write(path, head, sizeof(head), &err), &err);
    assert_ok(bti_decoder_ask(&d, &ask, asked, NULL, 2, a, &err), &err);
    assert_non_null(strstr(a[0].error.text, "the PNG is damaged")); /* within the usual limit */
    bti_decoder_close(&d);
    d.memory = (int64_t)192 << 20;
    assert_ok(bti_decoder_ask(&d, &ask, asked, NULL, 2, a, &err), &err);
    assert_string_equal(a[0].error.text,
                        "decoding it takes more than the allowed 192 MiB of memory");
    assert_int_equal(a[1].rc, BT_OK);
    bti_decoder_close(&d);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_answers_as_this_one_does),
        cmocka_unit_test(an_image_that_ends_its_decoder_is_skipped_and_the_others_are_not),
        cmocka_unit_test(the_reason_says_how_the_decoder_ended),
        cmocka_unit_test(a_decoder_that_somebody_killed_is_replaced),
        cmocka_unit_test(a_stop_ends_the_wait_for_an_image),
        cmocka_unit_test(a_program_that_is_no_decoder_is_refused),
        cmocka_unit_test(an_image_that_needs_too_much_memory_is_skipped),
    };
    if (argc > 1 && bti_streq(argv[1], "decoder"))
        return misbehave();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
