/* pongs.h -- the pong frames that wait to be sent, in the order of their pings.
 *
 * A connection has a pointer to them, NULL as long as none waits. They lie in one
 * block behind each other, and are given back when the last one is sent.
 */
#ifndef TSIO_PONGS_H
#define TSIO_PONGS_H

#include "buf.h"

typedef struct {
    size_t len, cap; /* bytes of `frames` that are used, and that there are */
    size_t start;    /* where the first frame begins that is not sent whole */
    size_t sent;     /* bytes sent; past `start` if that frame is half sent */
    uint8_t frames[];
} tsio_pongs;

/* Queues the answer to a ping with this payload, at most 125 bytes, which is copied.
 * TSIO_E_TOO_MANY_PINGS: more than max_bytes would wait; TSIO_E_NO_MEMORY. Both
 * change nothing. O(1) amortised. */
tsio_status tsio_pongs_add(tsio_pongs **pongs, const uint8_t *payload, size_t len, size_t max_bytes);

/* What is to be sent next, *len bytes; NULL and 0 if `pongs` is NULL. */
const uint8_t *tsio_pongs_rest(const tsio_pongs *pongs, size_t *len);

/* Whether the first frame is half sent; false if `pongs` is NULL. */
bool tsio_pongs_is_begun(const tsio_pongs *pongs);

/* So many of these bytes are sent. O(frames sent). */
void tsio_pongs_advance(tsio_pongs **pongs, size_t sent);

/* Forgets all of them. */
void tsio_pongs_free(tsio_pongs **pongs);

#endif
