/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that do not compile here (after git's banned.h): no bounds, hidden state, or silent errors.
 * Included by the compiler for every file (-include), after the system headers it needs.
 */
#ifndef BTI_BANNED_H
#define BTI_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof rand srand gmtime localtime

#endif
