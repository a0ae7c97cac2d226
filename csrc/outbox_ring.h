/* outbox_ring.h -- the ring of an outbox, private to the outbox*.c files. */
#ifndef TSIO_OUTBOX_RING_H
#define TSIO_OUTBOX_RING_H

#include "outbox.h"

enum { TSIO_OUTBOX_FIRST_CAP = 16 }; /* may be generous, because the ring is freed as soon as it is empty */

/* Returns the queued entry with this index; 0 is the oldest. */
static inline tsio_outbox_entry *tsio_outbox_at(const tsio_outbox *outbox, uint32_t index)
{
    return &outbox->entries[(outbox->head + index) & (outbox->cap - 1)];
}

/* Updates `confirmed`. Messages in flight are older than queued ones, so it does not change while
 * there are any. The queue holds far fewer than 2^32 messages, so the low half of the first
 * one's number is enough to compute the whole number. */
static inline void tsio_outbox_update_confirmed(tsio_outbox *outbox)
{
    if (outbox->inflight_packets > 0)
        return;
    outbox->confirmed = outbox->pushed;
    if (outbox->count > 0)
        outbox->confirmed -= (uint32_t)outbox->pushed - tsio_outbox_at(outbox, 0)->number + UINT64_C(1);
}

/* Frees the ring. Precondition: its entries are released or copied. */
static inline void tsio_outbox_free_ring(tsio_outbox *outbox)
{
    if (outbox->entries != &outbox->first)
        tsio_alloc.free(outbox->entries);
    outbox->entries = NULL;
    outbox->head = outbox->cap = 0;
}

/* Releases the messages that are kept for put_back. */
static inline void tsio_outbox_free_polled(tsio_outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->polled_count; i++)
        tsio_message_unref(outbox->polled[i].message);
    tsio_alloc.free(outbox->polled);
    outbox->polled = NULL;
    outbox->polled_count = 0;
}

#endif
