/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate - how often a program crashes, and how often it usually does.
 *
 * What is usual is an exponentially weighted mean over windows, learnt slowly, and slower from
 * windows that are themselves unusual, so that an attack doesn't teach that it is normal.
 */
#ifndef DETECT_RATE_H
#define DETECT_RATE_H

#include "detect/settings.h"
#include "detect/sketch.h"

struct rate {
	struct pace pace;
	double usual; /* crashes in one rate_window */
};

void rate_add(struct rate *rate, uint64_t at_ns, uint64_t count,
	      const struct detect_settings *settings);

/* Crashes in the window that ends now, and what is usual in one. */
uint64_t rate_recent(const struct rate *rate, uint64_t now_ns,
		     const struct detect_settings *settings, double *ret_usual);

/* The number that the recent crashes have to exceed to be unusual. */
double rate_limit(double usual, const struct detect_settings *settings);

#endif
