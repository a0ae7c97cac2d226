/* sha1.h -- SHA-1 (RFC 3174), for the accept value of the WebSocket's opening
 * handshake and nothing else. */
#ifndef BENCH_SHA1_H
#define BENCH_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20, SHA1_INPUT_MAX = 119 };

/* The digest of at most SHA1_INPUT_MAX bytes: two blocks with their padding. */
void sha1(uint8_t digest[SHA1_BYTES], const uint8_t *data, size_t len);

#endif
