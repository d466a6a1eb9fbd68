/* SPDX-License-Identifier: Apache-2.0
 *
 * A Cortex-M4 from reset to a classified image, without a library: vectors, FPU, and semihosting to
 * say what came out. Counts instructions by SysTick: under `qemu -icount shift=0` one instruction
 * takes one nanosecond, and the counter of this board steps at 25 MHz: 40 instructions a step.
 */
#include "model.h"
#include "vectors.h" /* test_image, test_logits, N_TESTS, LOGIT */

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CTRL REGISTER(0xE000E010)
#define SYST_LOAD REGISTER(0xE000E014)
#define SYST_NOW REGISTER(0xE000E018)
#define CPACR REGISTER(0xE000ED88)
#define COUNTER 0xFFFFFFu
#define INSTRUCTIONS_A_STEP 40u

extern uint32_t __stack;
void reset(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {&__stack,
                                                                                  (void *)reset};

static int host(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void say(const char *text)
{
    host(4 /* SYS_WRITE0 */, text);
}

static void say_number(uint32_t v)
{
    char buf[11], *p = buf + 10;
    *p = 0;
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    say(p);
}

static int near(LOGIT a, LOGIT b)
{
    const LOGIT d = a > b ? a - b : b - a;
    return d <= NEAR;
}

static __attribute__((noinline, noreturn)) void run(void)
{
    LOGIT logits[MODEL_CLASSES];
    uint32_t steps = 0;
    int bad = 0;

    SYST_LOAD = COUNTER;
    SYST_CTRL = 5;
    for (int t = 0; t < N_TESTS; t++) {
        SYST_NOW = 0;
        const uint32_t before = SYST_NOW;
        model_run(test_image[t], logits);
        steps = (before - SYST_NOW) & COUNTER;
        for (int c = 0; c < MODEL_CLASSES; c++)
            bad += !near(logits[c], test_logits[t][c]);
    }
    say(bad ? "logits differ" : "logits equal");
    say(", ");
    say_number(steps * INSTRUCTIONS_A_STEP);
    say(" instructions an image\n");
    static const uint32_t stop[2] = {0x20026 /* ADP_Stopped_ApplicationExit */, 0};
    host(0x18 /* SYS_EXIT */, (const void *)(uintptr_t)stop[0]);
    for (;;)
        ;
}

void reset(void)
{
    CPACR |= 0xFu << 20; /* the FPU, before the first function that may use it */
    __asm__ volatile("dsb\n\tisb");
    run();
}

/* Called by compilers for copies and clears of arrays. */
void *memcpy(void *to, const void *from, unsigned n);
void *memset(void *to, int value, unsigned n);
void *memcpy(void *to, const void *from, unsigned n)
{
    char *t = to;
    const char *f = from;
    while (n--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int value, unsigned n)
{
    char *t = to;
    while (n--)
        *t++ = (char)value;
    return to;
}
