/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/address.h"

#include <arpa/inet.h>
#include <string.h>

bool address_is_ip4(const uint8_t address[ADDRESS_BYTES])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static char *address_write_byte(char *at, unsigned int byte)
{
	if (byte >= 100)
		*at++ = (char)('0' + byte / 100);
	if (byte >= 10)
		*at++ = (char)('0' + byte / 10 % 10);
	*at++ = (char)('0' + byte % 10);
	return at;
}

/* inet_ntop(3) takes a printf for each byte; these come by the ten thousand a second. */
static char *address_write_ip4(char *at, const uint8_t *bytes)
{
	for (int n = 0; n < 4; n++) {
		if (n)
			*at++ = '.';
		at = address_write_byte(at, bytes[n]);
	}
	return at;
}

char *address_write(char *at, const uint8_t address[ADDRESS_BYTES])
{
	if (address_is_ip4(address))
		return address_write_ip4(at, address + 12);
	if (!inet_ntop(AF_INET6, address, at, ADDRESS_ROOM))
		return at;
	return at + strlen(at);
}
