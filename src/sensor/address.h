/* SPDX-License-Identifier: Apache-2.0 */
/* address - IP addresses in words (RFC 5952); IPv4 comes as ::ffff:a.b.c.d and is written a.b.c.d.
 */
#ifndef SENSOR_ADDRESS_H
#define SENSOR_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_BYTES 16
#define ADDRESS_ROOM  46

bool address_is_ip4(const uint8_t address[ADDRESS_BYTES]);

/* Writes it at `at`, which has ADDRESS_ROOM bytes, and returns the place behind; not terminated. */
char *address_write(char *at, const uint8_t address[ADDRESS_BYTES]);

#endif
