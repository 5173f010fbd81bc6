/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment - the variables that alone run ingraind, as pipelines:
 *
 *	CONSOLE			measurements on standard output; "json", "text", ...: events, so
 *	AWS_BUCKET		sums into this S3 bucket, every AWS_INTERVAL seconds (60)
 *	STATSD_HOST		numbers to this StatsD server, at STATSD_PORT (8125)
 */
#ifndef INGRAIND_ENVIRONMENT_H
#define INGRAIND_ENVIRONMENT_H

#include "base/error.h"
#include "base/text.h"

/* The settings file that the environment stands for, empty when it says nothing. */
must_check int ingraind_environment(struct text *toml, struct error *err);

#endif
