/* One seeded non-cryptographic hash for our own tables (64-bit multiply-mix over 8-byte words).
 * Input comes from the operator's files and the balancer's replies, and every table that uses it
 * has a load cap, so a chosen collision costs time only.
 */
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t hash_u64(uint64_t v, uint64_t seed)
{
	return hash_mix(v ^ UINT64_C(0x9e3779b97f4a7c15), seed ^ UINT64_C(0xd6e8feb86659fd93));
}

static inline uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t h = seed ^ (uint64_t)len, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		h = hash_u64(word ^ h, h);
	}
	word = 0;
	if (len > 0)
		memcpy(&word, p, len);
	return hash_u64(word ^ h, h);
}
