/* SPDX-License-Identifier: Apache-2.0
 *
 * Small pieces that SVG pictures are made of; each appends to *out.
 */
#ifndef BTI_SVG_H
#define BTI_SVG_H

#include "base/str.h"

/* Text with what XML gives a meaning escaped; control characters are left out. */
void bti_svg_escape(bti_str *out, const char *s);
/* A text element at (x, y); style: its further attributes. */
void bti_svg_text(bti_str *out, double x, double y, const char *style, const char *text);
/* "#rrggbb" of viridis at u in 0..1, without its yellow end. Returns buf. */
const char *bti_svg_ramp(double u, char buf[8]);
/* "20k": exact for the round numbers of axes, where bti_format_count would say 20.0k. Returns buf.
 */
const char *bti_svg_count(double v, char buf[16]);

#endif
