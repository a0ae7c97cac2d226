/* pongs.h -- the pong frames that wait to be sent, in the order of their pings.
 *
 * A connection has a pointer to them, which is NULL while no pong waits. The frames lie
 * one behind the other in one block, which is freed when the last frame is sent.
 */
#ifndef TSIO_PONGS_H
#define TSIO_PONGS_H

#include "buf.h"

typedef struct {
    size_t len, cap; /* bytes of `frames` in use; bytes allocated */
    size_t start;    /* offset of the first frame that is not sent whole */
    size_t sent;     /* bytes sent; more than `start` if that frame is half sent */
    uint8_t frames[];
} tsio_pongs;

/* Queues the pong for a ping with this payload of at most 125 bytes, which is copied.
 * TSIO_E_TOO_MANY_PINGS: more than max_bytes would wait. This and TSIO_E_NO_MEMORY
 * change nothing. O(1) amortised. */
tsio_status tsio_pongs_add(tsio_pongs **pongs, const uint8_t *payload, size_t len, size_t max_bytes);

/* Returns the bytes that are still to be sent, *len in all; NULL and 0 if `pongs` is NULL. */
const uint8_t *tsio_pongs_rest(const tsio_pongs *pongs, size_t *len);

/* Removes the first `sent` bytes. O(frames sent). */
void tsio_pongs_advance(tsio_pongs **pongs, size_t sent);

/* Frees all pongs and sets the pointer to NULL. */
void tsio_pongs_free(tsio_pongs **pongs);

#endif
