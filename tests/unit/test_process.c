/* SPDX-License-Identifier: Apache-2.0
 *
 * Children: started with an environment and a log, waited for, signalled; clocks; content hashes;
 * what the processor is capped to.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/threads.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void a_child_has_its_environment_and_writes_to_its_log(void **state)
{
    (void)state;
    bt_error e;
    bti_child c;
    char *log = bti_path_join(test_tmp_dir(), "log"), *text;
    char sh[] = "/bin/sh", c_flag[] = "-c", script[] = "echo $BT_A $PATH; echo err >&2; exit 7";
    char a[] = "BT_A=1", search[] = "PATH=/bin:/usr/bin";
    char *argv[] = {sh, c_flag, script, NULL};
    char *env[] = {a, search, NULL};
    size_t n;
    for (int round = 0; round < 2; round++) {
        assert_ok(bti_spawn(&c, argv, env, log, &e), &e);
        assert_true(bti_child_wait(&c, 20));
        assert_true(WIFEXITED(c.status));
        assert_int_equal(WEXITSTATUS(c.status), 7);
        assert_true(bti_child_poll(&c));
    }
    assert_ok(bti_file_read(log, 1000, &text, &n, &e), &e);
    assert_string_equal(text, "1 /bin:/usr/bin\nerr\n1 /bin:/usr/bin\nerr\n");
    bti_free(text);
    bti_free(log);
}

static void a_child_that_hangs_can_be_ended(void **state)
{
    (void)state;
    bt_error e;
    bti_child c;
    char sleep_path[] = "/bin/sleep", minute[] = "60";
    char *argv[] = {sleep_path, minute, NULL};
    assert_ok(bti_spawn(&c, argv, NULL, NULL, &e), &e);
    assert_false(bti_child_wait(&c, 0.05));
    bti_child_signal(&c, SIGTERM);
    assert_true(bti_child_wait(&c, 20));
    assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGTERM);
    bti_child_signal(&c, SIGTERM); /* it is gone: nothing happens */
}

static void a_program_that_is_missing_is_an_error(void **state)
{
    (void)state;
    bt_error e;
    bti_child c;
    char missing[] = "/no/such/program";
    char *argv[] = {missing, NULL};
    assert_int_equal(bti_spawn(&c, argv, NULL, NULL, &e), BT_IO);
    assert_string_equal(e.where, "/no/such/program");
    assert_int_equal(c.pid, 0);
}

static void clocks_and_sizes_are_plausible(void **state)
{
    (void)state;
    assert_true(bti_cpu_seconds() > 0);
    assert_true(bti_peak_rss_bytes() > 1 << 20);
    assert_true(bti_wall_seconds() > 1.6e9);
    assert_true(bti_is_file(bti_self_path()));
    assert_true(bti_cpu_count() >= 1);
}

static void a_hash_is_xxh3_of_128_bits(void **state)
{
    (void)state;
    char whole[BTI_HASH_HEX], parts[BTI_HASH_HEX];
    bti_hash h;
    bti_hash_buffer("", 0, whole);
    assert_string_equal(whole, "99aa06d3014798d86001c324468d497f"); /* xxHash's own test vector */
    bti_hash_buffer("abcdef", 6, whole);
    assert_int_equal(bti_hash_init(&h), 0);
    bti_hash_add(&h, "abc", 3);
    bti_hash_hex(&h, parts);
    assert_string_not_equal(parts, whole);
    bti_hash_add(&h, "def", 3);
    bti_hash_hex(&h, parts);
    assert_string_equal(parts, whole);
    bti_hash_release(&h);
}

static void the_instruction_set_can_only_be_lowered(void **state)
{
    (void)state;
    bti_isa isa;
    assert_int_equal(bti_isa_parse("sse9", &isa), -1);
    assert_int_equal(bti_isa_parse("avx512", &isa), 0);
    assert_int_equal(isa, BTI_ISA_AVX512);
    bti_cpu_cap_isa(BTI_ISA_PORTABLE);
    bti_cpu_cap_isa(BTI_ISA_AVX2);
    assert_string_equal(bti_isa_name(bti_cpu_isa()), "portable");
}

static void count(void *ctx, int64_t i, int thread)
{
    int *seen = ctx;
    seen[i] += thread >= 0 && thread < 3;
}

static void a_parallel_loop_visits_everything_once(void **state)
{
    (void)state;
    int seen[1000] = {0};
    bti_parallel_for(3, 1000, count, seen);
    bti_parallel_for(1, 10, count, seen);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(seen[i], i < 10 ? 2 : 1);
}

static void a_process_knows_its_age(void **state)
{
    (void)state;
    double before = bti_process_age();
    usleep(50000);
    double after = bti_process_age();
    assert_true(before >= -0.01 && before < 600); /* ticks of 0.01 s, rounded down */
    assert_true(after - before >= 0.05 && after - before < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_has_its_environment_and_writes_to_its_log),
        cmocka_unit_test(a_child_that_hangs_can_be_ended),
        cmocka_unit_test(a_program_that_is_missing_is_an_error),
        cmocka_unit_test(clocks_and_sizes_are_plausible),
        cmocka_unit_test(a_process_knows_its_age),
        cmocka_unit_test(a_hash_is_xxh3_of_128_bits),
        cmocka_unit_test(the_instruction_set_can_only_be_lowered),
        cmocka_unit_test(a_parallel_loop_visits_everything_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
