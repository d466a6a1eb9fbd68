/* SPDX-License-Identifier: Apache-2.0
 *
 * Optuna's spellings: distributions as its json.dumps writes them, and datetimes as SQLAlchemy
 * keeps them in SQLite. Shared by every store that speaks Optuna's schema.
 */
#ifndef BTI_OPTUNA_TEXT_H
#define BTI_OPTUNA_TEXT_H

#include "base/str.h"
#include "space/space.h"

/* repr(float) of Python: shortest digits that read back equal, an exponent below 1e-4 and from
 * 1e16. JSON spellings Infinity, -Infinity, NaN for the rest. Returns buf. */
char *bti_python_float(char buf[40], double v);

/* {"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 10}} and
 * its kin. A log domain is written without a step, which Optuna refuses there. */
void bti_optuna_distribution(bti_str *out, const bti_domain *d);
/* What a parameter must keep within a study: class, log flag and choices, as short text. */
void bti_optuna_signature(bti_str *out, const bti_domain *d);

/* "2026-01-31 23:59:59.000001", local time (libraries 3 and 4) or UTC (5). */
#define BTI_OPTUNA_TIME_CAP 40
char *bti_optuna_time(char buf[BTI_OPTUNA_TIME_CAP], double epoch_s, bool utc);
/* Back to UTC epoch seconds; 0 for NULL or text of another form. The six digits may be missing. */
double bti_optuna_time_parse(const char *text, bool utc);

#endif
