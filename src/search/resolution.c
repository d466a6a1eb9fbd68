/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolution rule: a pure function of sizes and means.
 */
#include "search/resolution.h"

#include "base/str.h"

#define ABOVE_NATIVE 1.25 /* enlarged further, pixels cost and tell nothing */
#define PIXEL_MACS 1000.0 /* a pixel; small networks that do well spend 600 to 5,000 */

static const int sides[] = {32, 48, 64, 96, 128, 224};

int bti_resolution_choose(const bti_image_sizes *s, double macs, char *why, size_t cap)
{
    int native = 0, affordable = 0, last = (int)(sizeof(sides) / sizeof(sides[0])) - 1;
    char count[16];
    while (native < last && s->shorter && sides[native + 1] <= ABOVE_NATIVE * s->shorter)
        native++;
    while (affordable < last && PIXEL_MACS * sides[affordable + 1] * sides[affordable + 1] <= macs)
        affordable++;
    int side = sides[native < affordable ? native : affordable];
    bti_format_count(count, macs);
    if (s->own && (s->own <= side || native <= affordable)) {
        snprintf(why, cap, "all images have this size");
        return s->own;
    }
    if (native <= affordable)
        snprintf(why, cap, "the images' shorter side is %d pixels in the median", s->shorter);
    else
        snprintf(why, cap,
                 "the budget can train networks of about %s MACs well; the images' shorter side is "
                 "%d pixels in the median",
                 count, s->shorter);
    return side;
}
