/* SPDX-License-Identifier: Apache-2.0
 *
 * Between json.c and json_text.c.
 */
#ifndef BTI_JSON_INT_H
#define BTI_JSON_INT_H

#include "base/json.h"
#include "base/str.h"

/* The mark left in a parent whose child could not be stored. */
bool bti_json_is_broken(const bti_json *v);

#endif
