/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 - the hash of FIPS 180-4. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/slice.h"

#define SHA256_BYTES	 32
#define SHA256_HEX_BYTES 65 /* with the end */

void sha256(struct slice bytes, unsigned char hash[SHA256_BYTES]);
/* In lower-case hexadecimal, terminated. */
void sha256_hex(struct slice bytes, char hex[SHA256_HEX_BYTES]);

#endif
