/* message.h -- a shared, immutable message: one packet of the layer above, in
 * each encoding made once.
 *
 * A message is one or more parts that are always sent together: a Socket.IO
 * header and its attachments. It is stored as the WebSocket frames of its parts.
 * Frames of a server are not masked, so every payload stands there as it is, and
 * the polling encoding (Engine.IO revision 4) is made from it on first need:
 *
 *     ws        81 len |4|2[...]          82 len |attachment
 *     polling          |4|2[...]|  1e  b      | base64 of the attachment
 *
 * For clients of other dialects there are further forms, see message_forms.h.
 *
 * Life: a message is made with one reference, its maker adds the parts, and it must not
 * change once it is shared or another encoding was made.
 *
 * Threads: a reactor flushes while other threads run, and gives references back; one of those
 * threads may do the same, because connections that share the message are freed there. So
 * references are counted atomically. All else is for one thread at a time: making a
 * message, its parts, forms and other encodings happens only while no flush runs.
 */
#ifndef TSIO_MESSAGE_H
#define TSIO_MESSAGE_H

#include <stdatomic.h>

#include "buf.h"

typedef struct tsio_message {
    atomic_uint refs;
    uint32_t parts;
    uint64_t key;     /* what TSIO_POLICY_LATEST_PER_EVENT compares; 0 = none */
    tsio_buf ws;      /* the frames */
    tsio_buf polling; /* empty until it is needed */
    struct tsio_message_forms *forms; /* NULL until one is needed */
    bool binary;      /* has a binary part */
    bool never_compress; /* set by the maker: is sent uncompressed */
    bool futile;         /* compressing it was tried, and made it no smaller */
} tsio_message;

/* A message without parts, owned by the caller through one reference. Frames of
 * `reserve_bytes` bytes will fit without another allocation. NULL: no memory. */
tsio_message *tsio_message_new(size_t reserve_bytes, uint64_t key);

/* Adds a text frame: the Engine.IO packet type digit, then the text. Without a
 * digit (0) the text stands alone and must not be empty, for no packet is.
 * The text is UTF-8 without the separator 0x1e (JSON escapes it), neither is
 * checked; it is borrowed, and may be NULL when len is 0. TSIO_E_NO_MEMORY leaves
 * the message as it was. O(len). */
tsio_status tsio_message_add_text(tsio_message *message, uint8_t type_digit, const uint8_t *text, size_t len);

/* A stretch of bytes; borrowed, and may be NULL when len is 0. */
typedef struct {
    const uint8_t *data;
    size_t len;
} tsio_piece;

/* The same with a text that comes in pieces, the type digit in front of the first. */
tsio_status tsio_message_add_pieces(tsio_message *message, const tsio_piece *pieces, size_t count);

/* Adds a binary frame, which has no packet type. `data` is borrowed, and may be
 * NULL when len is 0. TSIO_E_NO_MEMORY leaves the message as it was. O(len). */
tsio_status tsio_message_add_binary(tsio_message *message, const uint8_t *data, size_t len);

/* The beginning of either: a frame's header. Room for the `len` bytes behind it is
 * reserved, and the caller appends them to the frames. */
tsio_status tsio_message_begin_part(tsio_message *message, uint8_t opcode, size_t len);

/* A part as it stands in its frame. */
typedef struct {
    const uint8_t *data;
    size_t len;
    bool binary;
} tsio_message_part;

/* The part whose frame begins at *at, which then stands behind it. There must be one:
 * the first begins with the frames, and there are `parts`. */
tsio_message_part tsio_message_next_part(const uint8_t **at);

/* Takes another reference. From any thread. */
static inline void tsio_message_ref(tsio_message *message)
{
    atomic_fetch_add_explicit(&message->refs, 1, memory_order_relaxed);
}

/* The same at a tenth of the cost, for the many references that a broadcast takes. Precondition: no
 * other thread takes references to the message, or gives them back, before this returns. */
static inline void tsio_message_ref_alone(tsio_message *message)
{
    const unsigned refs = atomic_load_explicit(&message->refs, memory_order_relaxed);
    atomic_store_explicit(&message->refs, refs + 1, memory_order_relaxed);
}

/* Gives a reference back; the last one frees the message. NULL is ignored. From any thread. */
void tsio_message_unref(tsio_message *message);

/* The parts as they stand in a payload, without a separator at either end. The
 * bytes are the message's own and live as long as it does. O(bytes) the first
 * time, O(1) after it. TSIO_E_NO_MEMORY: *data and *len are untouched, the message
 * is as it was, and a later call may succeed. */
tsio_status tsio_message_polling(tsio_message *message, const uint8_t **data, size_t *len);

/* What an outbox counts: the length of the frames, for both transports alike. */
size_t tsio_message_bytes(const tsio_message *message);

#endif
