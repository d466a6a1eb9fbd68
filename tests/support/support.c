/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 8
static char tmp_made[64][256];
static int n_tmp;

/* BT_TEST_ISA: the test runs as if the CPU had no more than this. */
__attribute__((constructor)) static void cap_isa(void)
{
    bti_isa isa;
    const char *name = getenv("BT_TEST_ISA");
    if (name && bti_isa_parse(name, &isa) == 0)
        bti_cpu_cap_isa(isa);
}

static void remove_all(void)
{
    for (int i = 0; i < n_tmp; i++)
        test_shell(NULL, 0, "rm -rf '%s'", tmp_made[i]);
}

static const char *make_tmp(const char *below)
{
    if (n_tmp == 64)
        return NULL;
    if (!n_tmp)
        atexit(remove_all);
    snprintf(tmp_made[n_tmp], sizeof(tmp_made[0]), "%s/bantam-test-XXXXXX", below);
    if (!mkdtemp(tmp_made[n_tmp]))
        return NULL;
    return tmp_made[n_tmp++];
}

const char *test_tmp_dir(void)
{
    return make_tmp("/tmp");
}

const char *test_ram_dir(void)
{
    return make_tmp(access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
}

const char *test_source(const char *rel)
{
    static char buf[SLOTS][512];
    static int slot;
    slot = (slot + 1) % SLOTS;
    snprintf(buf[slot], sizeof(buf[slot]), "%s/%s", BT_TEST_SOURCE_DIR, rel);
    return buf[slot];
}

const char *test_shared(const char *rel)
{
    static char buf[SLOTS][512];
    static int slot;
    struct stat st;
    slot = (slot + 1) % SLOTS;
    snprintf(buf[slot], sizeof(buf[slot]), "%s/../shared/%s", BT_TEST_SOURCE_DIR, rel);
    return stat(buf[slot], &st) ? NULL : buf[slot];
}

int test_shell(char *out, size_t cap, const char *fmt, ...)
{
    char cmd[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cmd, sizeof(cmd), fmt, ap);
    va_end(ap);
    FILE *f = popen(cmd, "r");
    if (!f)
        return -1;
    size_t n = 0;
    char sink[4096];
    for (;;) {
        size_t got = fread(sink, 1, sizeof(sink), f);
        if (!got)
            break;
        for (size_t i = 0; out && i < got && n + 1 < cap; i++)
            out[n++] = sink[i];
    }
    if (out && cap)
        out[n] = 0;
    int st = pclose(f);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128;
}
