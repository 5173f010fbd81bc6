/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#define SHA256_BLOCK 64

static const uint32_t sha256_rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t sha256_turn(uint32_t word, unsigned int bits)
{
	return word >> bits | word << (32 - bits);
}

static void sha256_expand(const unsigned char block[SHA256_BLOCK], uint32_t words[64])
{
	for (size_t n = 0; n < 16; n++)
		words[n] = (uint32_t)block[4 * n] << 24 | (uint32_t)block[4 * n + 1] << 16 |
			   (uint32_t)block[4 * n + 2] << 8 | block[4 * n + 3];
	for (size_t n = 16; n < 64; n++) {
		uint32_t a = words[n - 15], b = words[n - 2];

		a = sha256_turn(a, 7) ^ sha256_turn(a, 18) ^ a >> 3;
		b = sha256_turn(b, 17) ^ sha256_turn(b, 19) ^ b >> 10;
		words[n] = words[n - 16] + a + words[n - 7] + b;
	}
}

static void sha256_add(uint32_t state[8], const unsigned char block[SHA256_BLOCK])
{
	uint32_t words[64], s[8];

	sha256_expand(block, words);
	memcpy(s, state, sizeof(s));
	for (size_t n = 0; n < 64; n++) {
		uint32_t big1 =
			sha256_turn(s[4], 6) ^ sha256_turn(s[4], 11) ^ sha256_turn(s[4], 25);
		uint32_t big0 =
			sha256_turn(s[0], 2) ^ sha256_turn(s[0], 13) ^ sha256_turn(s[0], 22);
		uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint32_t most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint32_t one = s[7] + big1 + choice + sha256_rounds[n] + words[n];

		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += one;
		s[0] = one + big0 + most;
	}
	for (size_t n = 0; n < 8; n++)
		state[n] += s[n];
}

void sha256(struct slice bytes, unsigned char hash[SHA256_BYTES])
{
	uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	unsigned char end[2 * SHA256_BLOCK] = { 0 };
	uint64_t bits = (uint64_t)bytes.bytes * 8;
	size_t end_bytes;

	for (; bytes.bytes >= SHA256_BLOCK; bytes = slice_skip(bytes, SHA256_BLOCK))
		sha256_add(state, (const unsigned char *)bytes.at);
	if (bytes.bytes)
		memcpy(end, bytes.at, bytes.bytes);
	end[bytes.bytes] = 0x80;
	end_bytes = bytes.bytes + 9 <= SHA256_BLOCK ? SHA256_BLOCK : 2 * SHA256_BLOCK;
	for (size_t n = 0; n < 8; n++)
		end[end_bytes - 1 - n] = (unsigned char)(bits >> 8 * n);
	for (size_t at = 0; at < end_bytes; at += SHA256_BLOCK)
		sha256_add(state, end + at);
	for (size_t n = 0; n < SHA256_BYTES; n++)
		hash[n] = (unsigned char)(state[n / 4] >> (24 - 8 * (n % 4)));
}

void sha256_hex(struct slice bytes, char hex[SHA256_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[SHA256_BYTES];

	sha256(bytes, hash);
	for (size_t n = 0; n < SHA256_BYTES; n++) {
		hex[2 * n] = digits[hash[n] >> 4];
		hex[2 * n + 1] = digits[hash[n] & 15];
	}
	hex[SHA256_HEX_BYTES - 1] = '\0';
}
