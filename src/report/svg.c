/* SPDX-License-Identifier: Apache-2.0
 *
 * Small pieces of a picture.
 */
#include "report/svg.h"

#include <math.h>
#include <stdio.h>

void bti_svg_escape(bti_str *out, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&':
            bti_str_add(out, "&amp;");
            break;
        case '<':
            bti_str_add(out, "&lt;");
            break;
        case '>':
            bti_str_add(out, "&gt;");
            break;
        case '"':
            bti_str_add(out, "&quot;");
            break;
        default:
            if ((unsigned char)*s >= 0x20) /* XML has no control characters */
                bti_str_addn(out, s, 1);
        }
    }
}

/* Viridis at u in 0..1, by linear pieces; its yellow end is left out, it vanishes on white. */
const char *bti_svg_ramp(double u, char buf[8])
{
    static const double stop[5][3] = {
        {68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {220, 225, 50}};
    double at = 4 * 0.94 * fmin(fmax(u, 0), 1);
    int k = (int)at > 3 ? 3 : (int)at;
    int rgb[3];
    for (int c = 0; c < 3; c++)
        rgb[c] = (int)lround(stop[k][c] + (at - k) * (stop[k + 1][c] - stop[k][c]));
    snprintf(buf, 8, "#%02x%02x%02x", rgb[0] & 255, rgb[1] & 255, rgb[2] & 255);
    return buf;
}

/* For axes: exact for the round numbers there, where bti_format_count would say 5.00k. */
const char *bti_svg_count(double v, char buf[16])
{
    static const char *const unit[] = {"", "k", "M", "G", "T"};
    int k = 0;
    for (; v >= 999.5 && k < 4; k++)
        v /= 1000;
    snprintf(buf, 16, "%.4g%s", v, unit[k]);
    return buf;
}

void bti_svg_text(bti_str *out, double x, double y, const char *style, const char *text)
{
    bti_str_addf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, style);
    bti_svg_escape(out, text);
    bti_str_add(out, "</text>\n");
}
