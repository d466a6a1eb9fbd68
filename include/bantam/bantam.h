/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything bantam promises, for programs that embed it.
 */
#ifndef BANTAM_H
#define BANTAM_H

#include "bantam/augment.h"
#include "bantam/data.h"
#include "bantam/engine.h"
#include "bantam/export.h"
#include "bantam/model.h"
#include "bantam/policy.h"
#include "bantam/search.h"
#include "bantam/space.h"
#include "bantam/status.h"
#include "bantam/study.h"
#include "bantam/train.h"

#define BANTAM_VERSION "0.1.0"

#endif
