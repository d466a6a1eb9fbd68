/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of day.
 */
#ifndef BTI_CLOCK_TEXT_H
#define BTI_CLOCK_TEXT_H

/* Local time of day now, in seconds from midnight. */
double bti_wall_seconds_local(void);
/* Seconds from `now_s` (seconds from midnight) to the next "HH:MM"; negative if the text is not a
 * time of day. */
double bti_seconds_until(const char *hhmm, double now_s);

#endif
