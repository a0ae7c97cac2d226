/* outbox.h -- the messages that one connection still has to send: a bounded queue
 * of references to shared messages.
 *
 *     pushed -->  [ queued: a ring, oldest at head ]  --take-->  [ in flight ]  --confirm-->  gone
 *                 may be dropped by the policy    |              never dropped, bytes are the taker's
 *                                                 +--peek, advance-->  gone
 *
 * There are two ways to write. A writer that waits takes a copy of messages, which are
 * then in flight, and confirms them when they are written. A non-blocking send() returns
 * at once how many bytes were sent; its caller peeks, sends and advances, and no message
 * is ever in flight. The first message may then be half sent, and is not dropped.
 *
 * The outbox keeps the messages that a poll takes, so that they can be put back until
 * they are confirmed.
 *
 * Both limits, packets and bytes, count queued messages and those in flight. A message
 * that exceeds max_bytes by itself is accepted when nothing is queued or in flight.
 *
 * A single message is queued in the outbox itself. The push of a second one allocates
 * the ring, which is freed when it becomes empty. So an outbox that is idle, or always
 * flushed at once, owns no memory. Not thread-safe, and must not be moved.
 */
#ifndef TSIO_OUTBOX_H
#define TSIO_OUTBOX_H

#include "message_forms.h"

/* Flags of a push. A protected message (CONNECT, DISCONNECT, acks, control) is accepted
 * regardless of the limits and the policy, even when the outbox is closed, and is never
 * dropped. It takes up room like any other. The layer above bounds their number. */
enum {
    TSIO_SEND_PROTECTED = 1,
    TSIO_SEND_VOLATILE = 2, /* see tsio_conn_send() */
    TSIO_SEND_BULK = 4,     /* see tsio_conn_send() */
    TSIO_SEND_STARTED = 8   /* set by the outbox: some bytes of the message are sent */
};

/* What a push does when there is no room. */
typedef enum {
    TSIO_POLICY_DISCONNECT,  /* TSIO_E_OUTBOX_FULL: the caller disconnects */
    TSIO_POLICY_BLOCK,       /* TSIO_E_OUTBOX_FULL: the caller waits */
    TSIO_POLICY_DROP_OLDEST, /* drops queued messages, the oldest first, until there is room */
    TSIO_POLICY_DROP_NEWEST, /* TSIO_E_DROPPED */
    /* A message with a key first removes the queued messages with the same key, even if
     * there is room, and is appended to the queue. Then the same as DROP_OLDEST. */
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
    uint32_t head, count, cap;  /* of the queue; cap is 0 or a power of two */
    uint32_t inflight_packets;  /* taken, but not confirmed */
    size_t bytes, inflight_bytes;
    size_t head_sent; /* bytes of the first queued message that are sent already */
    size_t max_bytes;
    uint32_t max_packets;
    uint8_t policy;
    bool compressible; /* at least one message of the last poll may be compressed */
    bool closed; /* every push is refused with TSIO_E_DROPPED, except a protected one */
    /* Messages are numbered from 1 as they are accepted. */
    uint64_t pushed;    /* number of the last accepted message */
    uint64_t confirmed; /* the message with this number and all before it are written or dropped. To
                         * wait for a flush, wait until `confirmed` reaches the current `pushed` */
    uint64_t dropped;   /* messages lost here: dropped from the queue, or refused with TSIO_E_DROPPED */
    tsio_outbox_entry first; /* the ring while at most one message is queued */
    tsio_outbox_entry *polled; /* messages in flight for polling, oldest first; NULL: none */
    uint32_t polled_count;
} tsio_outbox;

void tsio_outbox_init(tsio_outbox *outbox, uint32_t max_packets, size_t max_bytes, tsio_policy policy);

/* Releases all messages and frees the memory. The outbox is then empty and confirmed, with its
 * limits and counters as they were, and may be used again. */
void tsio_outbox_free(tsio_outbox *outbox);

/* Returns whether a message of this size fits without dropping another message. Does not
 * look at `closed`. O(1). */
bool tsio_outbox_has_room(const tsio_outbox *outbox, size_t bytes);

/* Queues a message. On TSIO_OK the outbox holds a reference of its own; the caller
 * keeps its reference. On an error only `dropped` may change:
 *
 *     TSIO_E_OUTBOX_FULL   no room, and the policy is DISCONNECT or BLOCK: the caller handles it
 *     TSIO_E_DROPPED       closed, or the policy cannot make room, because messages in flight or
 *                          protected take it up (then no queued message is dropped)
 *     TSIO_E_NO_MEMORY     the ring cannot grow
 *
 * O(1) amortised; dropping costs O(the queue up to the last one dropped), a key O(queue). */
tsio_status tsio_outbox_push(tsio_outbox *outbox, tsio_message *message, uint32_t flags);

/* Counts `sent` messages that were accepted and sent without the outbox, and queues `next`
 * (NULL: none), whose reference it takes over. Cannot fail.
 * Precondition: nothing is queued or in flight. */
void tsio_outbox_catch_up(tsio_outbox *outbox, uint32_t sent, tsio_message *next, uint32_t flags);

/* Take messages: append whole messages to `dst` until it holds max_bytes or more, at least
 * one if there is one. These messages are then in flight. For a WebSocket, their frames are
 * appended. For polling, their packets are appended, with 0x1e between all packets,
 * those that `dst` holds already included. Both may be called on the same outbox, because
 * messages are queued independently of the transport. TSIO_E_NO_MEMORY: no message was
 * taken, and nothing has changed. When memory is short only after the first message, the
 * result is TSIO_OK, and the others stay queued. O(bytes appended). Precondition of both:
 * no message is half sent (head_sent is 0). */
tsio_status tsio_outbox_take_ws(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes);
tsio_status tsio_outbox_take_polling(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes);

/* The same for polling in revision 3. max_bytes limits the size of the messages as the
 * outbox counts it. *binary chooses a binary body; it becomes true if a message with a
 * binary part is taken. Precondition: `dst` is empty. */
tsio_status tsio_outbox_take_polling3(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes, bool *binary);

/* Puts the messages that polls have taken, and that are not confirmed, back at the head of
 * the queue. TSIO_E_NO_MEMORY: nothing has changed. O(queue). Precondition: no message is
 * half sent (head_sent is 0). */
tsio_status tsio_outbox_put_back(tsio_outbox *outbox);

/* Confirms all messages in flight: they have been written. */
void tsio_outbox_confirm(tsio_outbox *outbox);

/* Copies the next bytes for a WebSocket, at most `cap`, and returns how many. The last
 * message may be cut. O(bytes copied). */
size_t tsio_outbox_peek_ws(const tsio_outbox *outbox, uint8_t *dst, size_t cap);

/* Returns how many bytes of the first queued message are still to be sent. Precondition: there is one. */
size_t tsio_outbox_head_rest(const tsio_outbox *outbox);

/* Removes the first `sent` bytes that tsio_outbox_peek_ws() would copy; at most all of them. */
void tsio_outbox_advance(tsio_outbox *outbox, size_t sent);

#endif
