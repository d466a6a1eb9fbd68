/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of day for --until.
 */
#include "base/clock_text.h"

#include <ctype.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

double bti_wall_seconds_local(void)
{
    struct timeval tv;
    struct tm tm;
    gettimeofday(&tv, NULL);
    localtime_r(&tv.tv_sec, &tm);
    return tm.tm_hour * 3600.0 + tm.tm_min * 60.0 + tm.tm_sec + (double)tv.tv_usec * 1e-6;
}

double bti_seconds_until(const char *hhmm, double now_s)
{
    int part[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        int digits = 0;
        for (; isdigit((unsigned char)*hhmm) && digits < 2; digits++)
            part[i] = part[i] * 10 + (*hhmm++ - '0');
        if (!digits || (i == 0 && *hhmm++ != ':'))
            return -1;
    }
    if (*hhmm || part[0] > 23 || part[1] > 59)
        return -1;
    double left = part[0] * 3600.0 + part[1] * 60.0 - now_s;
    return left > 0 ? left : left + 24 * 3600;
}
