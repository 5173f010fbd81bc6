/* SPDX-License-Identifier: Apache-2.0 */
/* pack - what is sent, made smaller. */
#ifndef SINK_PACK_H
#define SINK_PACK_H

#include "base/text.h"

/* gzip, as RFC 1952; Zstandard, as RFC 8878. `packed` is emptied first. False when memory is out.
 */
bool pack_gzip(struct slice body, struct text *packed);
bool pack_zstd(struct slice body, struct text *packed);

#endif
