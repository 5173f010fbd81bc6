/* SPDX-License-Identifier: Apache-2.0 */
/* banned - calls that have no bound or hide their failure; included by force before every file. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The headers that declare the calls come first: their own text must still compile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef __cplusplus
#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof localtime gmtime ctime asctime
#endif

#endif
