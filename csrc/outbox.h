/* outbox.h -- what one connection still has to be sent: a bounded queue of
 * references to shared messages.
 *
 *     pushed -->  [ queued: a ring, oldest at head ]  --take-->  [ in flight ]  --confirm-->  gone
 *                 may be dropped by the policy    |              never dropped, bytes are the taker's
 *                                                 +--peek, advance-->  gone
 *
 * A writer that waits takes a copy and confirms it. A writer that knows at once how
 * much was sent (a non-blocking send) peeks and advances by that, and nothing is ever in
 * flight; the first message may then be half sent, and is not dropped.
 *
 * What a poll takes can be put back until it is confirmed: the outbox keeps it.
 *
 * Both limits, packets and bytes, count what is queued and what is in flight.
 * A message that exceeds max_bytes by itself is accepted when there is neither.
 *
 * A single message is queued in the outbox itself. The ring is allocated by the push
 * of a second one and given back when it runs empty: an idle outbox owns no memory,
 * nor does one that is always flushed at once. Not thread-safe, and not to be moved.
 */
#ifndef TSIO_OUTBOX_H
#define TSIO_OUTBOX_H

#include "message_forms.h"

/* Flags of a push. A protected message (CONNECT, DISCONNECT, acks, control) is
 * accepted whatever the limits and the policy say, also when the outbox is
 * closed, and is never dropped; it takes up room like any other. How many of them
 * there can be is bounded by the layer above. */
enum {
    TSIO_SEND_PROTECTED = 1,
    TSIO_SEND_VOLATILE = 2, /* see tsio_conn_send() */
    TSIO_SEND_BULK = 4,     /* the same */
    TSIO_SEND_STARTED = 8   /* the outbox's own: some of its bytes are sent */
};

/* What a push does that finds no room. */
typedef enum {
    TSIO_POLICY_DISCONNECT,  /* TSIO_E_OUTBOX_FULL: the caller disconnects */
    TSIO_POLICY_BLOCK,       /* TSIO_E_OUTBOX_FULL: the caller waits */
    TSIO_POLICY_DROP_OLDEST, /* drops queued messages, the oldest first, as many as it takes */
    TSIO_POLICY_DROP_NEWEST, /* TSIO_E_DROPPED */
    /* A message with a key first replaces the queued ones of the same key, room or
     * no room, and goes to the end of the queue; then as DROP_OLDEST. */
    TSIO_POLICY_LATEST_PER_EVENT
} tsio_policy;

typedef struct {
    tsio_message *message; /* one reference */
    uint32_t flags;
    uint32_t number; /* low half of `pushed` when it was accepted */
} tsio_outbox_entry;

/* The fields are public for reading; only `closed` may be written. */
typedef struct {
    tsio_outbox_entry *entries; /* ring of cap entries, NULL while cap is 0, &first while it is 1 */
    uint32_t head, count, cap;  /* queued; cap is 0 or a power of two */
    uint32_t inflight_packets;  /* taken, not confirmed */
    size_t bytes, inflight_bytes;
    size_t head_sent; /* bytes of the first queued message that are sent already */
    size_t max_bytes;
    uint32_t max_packets;
    uint8_t policy;
    bool compressible; /* one of the messages that were taken last for polling may be compressed */
    bool closed; /* every push but a protected one is refused with TSIO_E_DROPPED */
    /* Messages are numbered from 1 as they are accepted. */
    uint64_t pushed;    /* the last number given */
    uint64_t confirmed; /* this one and all before it are written or dropped: a flush waits until
                         * this reaches the `pushed` it saw */
    uint64_t dropped;   /* messages lost here: dropped from the queue, or refused with TSIO_E_DROPPED */
    tsio_outbox_entry first; /* the ring, as long as one message is all there is */
    tsio_outbox_entry *polled; /* in flight for polling, oldest first; NULL if nothing is */
    uint32_t polled_count;
} tsio_outbox;

void tsio_outbox_init(tsio_outbox *outbox, uint32_t max_packets, size_t max_bytes, tsio_policy policy);

/* Gives everything back. The outbox is then empty and confirmed, with its limits
 * and counters as they were, and may be used again. */
void tsio_outbox_free(tsio_outbox *outbox);

/* Whether a push of so many bytes is accepted without dropping another message.
 * Says nothing about `closed`. O(1). */
bool tsio_outbox_has_room(const tsio_outbox *outbox, size_t bytes);

/* The same if `queued` packets of `queued_bytes` bytes were queued. O(1). */
bool tsio_outbox_fits(const tsio_outbox *outbox, uint32_t queued, size_t queued_bytes, size_t bytes);

/* Queues a message. On TSIO_OK the outbox holds a reference of its own; the
 * caller's stays the caller's. Otherwise nothing changes but `dropped`:
 *
 *     TSIO_E_OUTBOX_FULL   no room, and the policy leaves it to the caller
 *     TSIO_E_DROPPED       closed, or the policy could make no room: what is in flight or protected
 *                          takes it up (then nothing is dropped in vain)
 *     TSIO_E_NO_MEMORY     the ring cannot grow
 *
 * O(1) amortised; dropping costs O(the queue up to the last one dropped), a key O(queue). */
tsio_status tsio_outbox_push(tsio_outbox *outbox, tsio_message *message, uint32_t flags);

/* So many messages were accepted and sent without it, and `next` (NULL: none), whose
 * reference it takes over, was accepted and is to be sent. Cannot fail.
 * Precondition: nothing is queued or in flight. */
void tsio_outbox_catch_up(tsio_outbox *outbox, uint32_t sent, tsio_message *next, uint32_t flags);

/* Appends whole messages to `dst` (the caller's) until it holds max_bytes or more,
 * in any case one if there is one; they are in flight from then on. For a
 * WebSocket: their frames. For polling: their packets, joined by 0x1e among
 * themselves and to what `dst` holds already. The two may be mixed over time, since
 * a message is the same to both. TSIO_E_NO_MEMORY: none could be taken, and
 * nothing has changed; when memory fails after the first, it is TSIO_OK and the
 * others stay queued. O(bytes appended). Precondition of both: no message is half
 * sent (head_sent is 0). */
tsio_status tsio_outbox_take_ws(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes);
tsio_status tsio_outbox_take_polling(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes);

/* The same for polling in revision 3, where max_bytes is compared with what the
 * outbox counts. *binary: whether all of them stand in the binary form; it is set
 * where there are binary parts among them, and otherwise stays what the caller wants.
 * Precondition: `dst` is empty. */
tsio_status tsio_outbox_take_polling3(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes, bool *binary);

/* What polls have taken and was not confirmed is the oldest of the queue again.
 * TSIO_E_NO_MEMORY: nothing has changed. O(queue). Precondition: no message is half
 * sent (head_sent is 0). */
tsio_status tsio_outbox_put_back(tsio_outbox *outbox);

/* Everything in flight has been written. */
void tsio_outbox_confirm(tsio_outbox *outbox);

/* Copies the next bytes for a WebSocket, at most `cap`, and returns how many; a
 * message may be cut. Nothing changes. O(bytes copied). */
size_t tsio_outbox_peek_ws(const tsio_outbox *outbox, uint8_t *dst, size_t cap);

/* Bytes of the first queued message that are still to be sent. Precondition: there is one. */
size_t tsio_outbox_head_rest(const tsio_outbox *outbox);

/* So many of the bytes that peek would give are sent; at most all of them. */
void tsio_outbox_advance(tsio_outbox *outbox, size_t sent);

#endif
