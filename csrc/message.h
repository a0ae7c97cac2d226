/* message.h -- a shared, immutable message: one packet of the layer above. Each
 * encoding of it is made once.
 *
 * A message is one or more parts that are always sent together: a Socket.IO
 * header and its attachments. It is stored as the WebSocket frames of its parts.
 * Frames of a server are not masked, so they contain every payload unchanged. The
 * polling encoding (Engine.IO revision 4) is made from them when it is first needed:
 *
 *     ws        81 len |4|2[...]          82 len |attachment
 *     polling          |4|2[...]|  1e  b      | base64 of the attachment
 *
 * For clients of other dialects there are further forms, see message_forms.h.
 *
 * Life: a new message has one reference. Its maker adds the parts. A message must not
 * change once it is shared, or another encoding was made.
 *
 * Threads: a reactor flushes while other threads run, and releases references. Meanwhile
 * another thread may free connections, which releases references to the same messages. So
 * references are counted atomically. All else is for one thread at a time: messages, their
 * parts, forms and other encodings are made only while no flush runs.
 */
#ifndef TSIO_MESSAGE_H
#define TSIO_MESSAGE_H

#include <stdatomic.h>

#include "buf.h"

typedef struct tsio_message {
    atomic_uint refs;
    uint32_t parts;
    uint64_t key;     /* TSIO_POLICY_LATEST_PER_EVENT compares it; 0: none */
    tsio_buf ws;      /* the frames */
    tsio_buf polling; /* the polling encoding; empty until it is needed */
    struct tsio_message_forms *forms; /* NULL until a form is needed */
    bool binary;      /* has a binary part */
    bool never_compress; /* set by the maker: is sent uncompressed */
    bool futile;         /* compression was tried, and no frame became smaller */
} tsio_message;

/* Makes a message without parts. The caller owns one reference. Frames of
 * `reserve_bytes` bytes fit without another allocation. NULL: no memory. */
tsio_message *tsio_message_new(size_t reserve_bytes, uint64_t key);

/* Adds a text frame: the Engine.IO packet type digit, then the text. If the digit
 * is 0, the frame contains only the text, which must not be empty, because no
 * packet is. The text must be UTF-8 without the separator 0x1e (JSON escapes it);
 * neither is checked. It is borrowed, and may be NULL when len is 0.
 * TSIO_E_NO_MEMORY leaves the message as it was. O(len). */
tsio_status tsio_message_add_text(tsio_message *message, uint8_t type_digit, const uint8_t *text, size_t len);

/* A stretch of bytes; borrowed, and may be NULL when len is 0. */
typedef struct {
    const uint8_t *data;
    size_t len;
} tsio_piece;

/* The same for a text in several pieces. The first one begins with the type digit. */
tsio_status tsio_message_add_pieces(tsio_message *message, const tsio_piece *pieces, size_t count);

/* Adds a binary frame, which has no packet type. `data` is borrowed, and may be
 * NULL when len is 0. TSIO_E_NO_MEMORY leaves the message as it was. O(len). */
tsio_status tsio_message_add_binary(tsio_message *message, const uint8_t *data, size_t len);

/* Adds only the header of a frame, and reserves room for `len` bytes behind it. The
 * caller appends these bytes to `ws`. TSIO_E_NO_MEMORY leaves the message as it was. */
tsio_status tsio_message_begin_part(tsio_message *message, uint8_t opcode, size_t len);

/* The payload of a part, inside its frame. */
typedef struct {
    const uint8_t *data;
    size_t len;
    bool binary;
} tsio_message_part;

/* Returns the part whose frame begins at *at, and moves *at behind that frame. The first
 * frame begins at `ws.data`. Precondition: a frame begins there; there are `parts` frames. */
tsio_message_part tsio_message_next_part(const uint8_t **at);

/* Takes another reference. From any thread. */
static inline void tsio_message_ref(tsio_message *message)
{
    atomic_fetch_add_explicit(&message->refs, 1, memory_order_relaxed);
}

/* The same at a tenth of the cost, for the many references that a broadcast takes. Precondition: no
 * other thread takes or releases references to the message before this returns. */
static inline void tsio_message_ref_alone(tsio_message *message)
{
    const unsigned refs = atomic_load_explicit(&message->refs, memory_order_relaxed);
    atomic_store_explicit(&message->refs, refs + 1, memory_order_relaxed);
}

/* Releases a reference, and frees the message with the last one. NULL is ignored. From any thread. */
void tsio_message_unref(tsio_message *message);

/* Returns the polling encoding: the parts as packets of a payload, without a separator
 * at either end. The message owns the bytes, which are valid as long as it exists.
 * O(bytes) the first time, then O(1). TSIO_E_NO_MEMORY: *data, *len and the message do
 * not change, and a later call may succeed. */
tsio_status tsio_message_polling(tsio_message *message, const uint8_t **data, size_t *len);

/* Returns the size of the message as an outbox counts it: the length of its frames, for both transports. */
size_t tsio_message_bytes(const tsio_message *message);

#endif
