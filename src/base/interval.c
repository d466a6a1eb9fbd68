/* SPDX-License-Identifier: Apache-2.0
 *
 * The Wilson score interval.
 */
#include "base/interval.h"

#include <math.h>

void bti_wilson(double p, double n, double *lo, double *hi)
{
    const double z = 1.959963984540054;
    double scale = 1 + z * z / n;
    double middle = (p + z * z / (2 * n)) / scale;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;

    *lo = fmax(0, fmin(p, middle - half)); /* p itself is inside, whatever rounding says */
    *hi = fmin(1, fmax(p, middle + half));
}
