/* base.h -- status codes, and loads and stores of integers, for all files of csrc.
 *
 * A status is zero or negative. TSIO_STATUS_MAP declares each status in one line.
 * The enum, the texts and the close codes are made from it, so that no status can
 * lack a text.
 *
 *     X(NAME, value, close_code, text)
 *
 * close_code is the WebSocket close code (RFC 6455 section 7.4.1) with which the
 * connection is failed on this status. 0 means that the status is not about the
 * WebSocket, and that the layer above decides.
 */
#ifndef TSIO_BASE_H
#define TSIO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TSIO_STATUS_MAP(X)                                                                       \
    X(OK, 0, 0, "ok")                                                                            \
    X(E_NO_MEMORY, -1, 1011, "out of memory")                                                    \
    X(E_RESERVED_BITS, -2, 1002, "reserved bits of a frame are set")                             \
    X(E_RESERVED_OPCODE, -3, 1002, "reserved opcode")                                            \
    X(E_UNMASKED, -4, 1002, "frame from a client is not masked")                                 \
    X(E_LENGTH_NOT_MINIMAL, -5, 1002, "payload length is not in its shortest form")              \
    X(E_LENGTH_TOP_BIT, -6, 1002, "top bit of a 64-bit payload length is set")                   \
    X(E_CONTROL_FRAGMENTED, -7, 1002, "control frame is fragmented")                             \
    X(E_CONTROL_TOO_LONG, -8, 1002, "control frame payload exceeds 125 bytes")                   \
    X(E_UNEXPECTED_CONTINUATION, -9, 1002, "continuation frame outside a message")               \
    X(E_EXPECTED_CONTINUATION, -10, 1002, "new message before the last fragment of another one") \
    X(E_INVALID_UTF8, -11, 1007, "text message is not UTF-8")                                    \
    X(E_MESSAGE_TOO_BIG, -12, 1009, "message exceeds the size limit")                            \
    X(E_TOO_MANY_FRAGMENTS, -13, 1008, "message has too many fragments")                         \
    X(E_CLOSE_CODE, -14, 1002, "close code is not allowed in a frame")                           \
    X(E_CLOSE_LENGTH, -15, 1002, "close frame payload of one byte")                              \
    X(E_CLOSE_REASON, -16, 1007, "close reason is not UTF-8")                                    \
    X(E_EMPTY_PACKET, -17, 0, "empty packet in a payload")                                       \
    X(E_BASE64, -18, 0, "binary packet is not base64")                                           \
    X(E_PACKET_TYPE, -20, 0, "missing or unknown packet type")                                   \
    X(E_ATTACHMENT_COUNT, -21, 0, "illegal attachments")                                         \
    X(E_TOO_MANY_ATTACHMENTS, -22, 0, "too many attachments")                                    \
    X(E_ACK_ID, -23, 0, "ack id exceeds 2^53-1")                                                 \
    X(E_OUTBOX_FULL, -24, 0, "outbox is full")                                                   \
    X(E_DROPPED, -25, 0, "message refused by the drop policy")                                   \
    X(E_SYSTEM, -26, 1011, "a system call failed")                                               \
    X(E_INFLATE, -27, 1007, "message cannot be inflated")                                        \
    X(E_PACKET_LENGTH, -28, 0, "wrong length of a packet in a payload")                          \
    X(E_TOO_MANY_PINGS, -29, 1008, "too many pings wait for a pong: the peer does not read")

typedef enum {
#define TSIO_X(name, value, close_code, text) TSIO_##name = (value),
    TSIO_STATUS_MAP(TSIO_X)
#undef TSIO_X
} tsio_status;

/* Returns the English text of a status, without a final stop. The text is static, and
 * never NULL, even for an unknown value. */
const char *tsio_status_text(tsio_status status);

/* Returns the close code of a status (see above); 0 for an unknown value. */
uint16_t tsio_status_close_code(tsio_status status);

/* Loads and stores. `p` needs no alignment. The big-endian ones use shifts, which
 * compilers turn into one load and a byte swap on any machine. */

static inline uint16_t tsio_load_be16(const uint8_t *p)
{
    return (uint16_t)((uint32_t)p[0] << 8 | p[1]);
}

static inline uint32_t tsio_load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t tsio_load_be64(const uint8_t *p)
{
    return (uint64_t)tsio_load_be32(p) << 32 | tsio_load_be32(p + 4);
}

static inline void tsio_store_be16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void tsio_store_be64(uint8_t *p, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* Eight bytes in the machine's own order, for operations that treat all bytes alike. */

static inline uint64_t tsio_load_word(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline void tsio_store_word(uint8_t *p, uint64_t word)
{
    memcpy(p, &word, sizeof word);
}

#endif
