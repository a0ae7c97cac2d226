#include "mask.h"
#include "ws_frame_bits.h"

enum {
    BITS_RSV = 0x70,
    BIT_CONTROL = 0x08, /* of the opcode */
    BIT_MASK = 0x80,
    BITS_LENGTH = 0x7f,
    KEY_LEN = 4
};

void tsio_ws_reader_init(tsio_ws_reader *reader, uint64_t max_message_bytes, uint32_t max_fragments)
{
    *reader = (tsio_ws_reader){.max_message_bytes = max_message_bytes, .max_fragments = max_fragments};
}

/* --- the header --------------------------------------------------------- */

static bool is_control(uint8_t opcode)
{
    return (opcode & BIT_CONTROL) != 0;
}

static bool is_known(uint8_t opcode)
{
    return opcode <= TSIO_WS_BINARY || (opcode >= TSIO_WS_CLOSE && opcode <= TSIO_WS_PONG);
}

/* Returns how many bytes the extended length has, from the second byte of the header. */
static size_t extended_len(uint8_t byte)
{
    const uint8_t length = byte & BITS_LENGTH;
    return length == TSIO_WS_LENGTH_64 ? 8 : length == TSIO_WS_LENGTH_16 ? 2 : 0;
}

/* Returns whether these reserved bits are allowed: none, or RSV1 if compression was negotiated. */
static bool may_reserve(const tsio_ws_reader *reader, uint8_t bits)
{
    const bool starts_message = reader->opcode == TSIO_WS_TEXT || reader->opcode == TSIO_WS_BINARY;
    return bits == 0 || (bits == TSIO_WS_RSV1 && reader->deflate && starts_message);
}

static tsio_status check_first_two(tsio_ws_reader *reader)
{
    const uint8_t first = reader->held[0], second = reader->held[1];
    reader->fin = (first & TSIO_WS_BIT_FIN) != 0;
    reader->opcode = first & TSIO_WS_BITS_OPCODE;
    if (!may_reserve(reader, first & BITS_RSV))
        return TSIO_E_RESERVED_BITS;
    if (!is_known(reader->opcode))
        return TSIO_E_RESERVED_OPCODE;
    if (is_control(reader->opcode)) {
        if (!reader->fin)
            return TSIO_E_CONTROL_FRAGMENTED;
        if ((second & BITS_LENGTH) > TSIO_WS_CONTROL_MAX)
            return TSIO_E_CONTROL_TOO_LONG;
    }
    if ((second & BIT_MASK) == 0)
        return TSIO_E_UNMASKED;
    if (is_control(reader->opcode))
        return TSIO_OK; /* allowed anywhere, even between the fragments of a message */
    if (reader->opcode == TSIO_WS_CONTINUATION)
        return reader->message_opcode != 0 ? TSIO_OK : TSIO_E_UNEXPECTED_CONTINUATION;
    if (reader->message_opcode != 0)
        return TSIO_E_EXPECTED_CONTINUATION;
    reader->compressed = (first & TSIO_WS_RSV1) != 0;
    return TSIO_OK;
}

/* Returns the limit of a message's payload. Compression may enlarge a message: deflate adds
 * 5 bytes to each block that it stores uncompressed. */
static uint64_t max_payload(const tsio_ws_reader *reader)
{
    const uint64_t max = reader->max_message_bytes, spare = max / 8 + 64;
    if (!reader->compressed)
        return max;
    return max <= UINT64_MAX - spare ? max + spare : UINT64_MAX;
}

/* Checks that the length is in its shortest form and below 2^63, and that the message is
 * within its limits. The sum of lengths cannot overflow: it never exceeds max_payload(). */
static tsio_status check_length(tsio_ws_reader *reader)
{
    const uint8_t short_len = reader->held[1] & BITS_LENGTH;
    uint64_t len = short_len;
    if (short_len == TSIO_WS_LENGTH_16) {
        len = tsio_load_be16(reader->held + 2);
        if (len < TSIO_WS_LENGTH_16)
            return TSIO_E_LENGTH_NOT_MINIMAL;
    } else if (short_len == TSIO_WS_LENGTH_64) {
        len = tsio_load_be64(reader->held + 2);
        if (len <= UINT16_MAX)
            return TSIO_E_LENGTH_NOT_MINIMAL;
        if (len >> 63 != 0)
            return TSIO_E_LENGTH_TOP_BIT;
    }
    reader->payload_len = len;
    if (is_control(reader->opcode))
        return TSIO_OK;
    if (len > max_payload(reader) - reader->message_bytes)
        return TSIO_E_MESSAGE_TOO_BIG;
    if (reader->fragments == reader->max_fragments)
        return TSIO_E_TOO_MANY_FRAGMENTS;
    return TSIO_OK;
}

static void start_payload(tsio_ws_reader *reader)
{
    memcpy(reader->key, reader->held + reader->held_len - KEY_LEN, KEY_LEN);
    reader->in_payload = true;
    reader->payload_pos = 0;
    reader->held_len = 0;
    if (is_control(reader->opcode))
        return;
    if (reader->opcode != TSIO_WS_CONTINUATION) {
        reader->message_opcode = reader->opcode;
        reader->text = (tsio_utf8){0};
        reader->spanned = false;
    }
    reader->message_bytes += reader->payload_len;
    reader->fragments++;
}

/* Moves bytes from the input to `held` until it has `want` bytes; returns whether it has. */
static bool hold(tsio_ws_reader *reader, const uint8_t *in, size_t len, size_t *used, size_t want)
{
    const size_t lacking = want - reader->held_len, left = len - *used;
    const size_t count = lacking < left ? lacking : left;
    if (count > 0)
        memcpy(reader->held + reader->held_len, in + *used, count);
    *used += count;
    reader->held_len = (uint8_t)(reader->held_len + count);
    return count == lacking;
}

/* Reads the header in three steps, and checks it after the first two: the first two bytes,
 * the extended length, the masking key. TSIO_OK with in_payload still false means that the
 * input ended before the header did. */
static tsio_status read_header(tsio_ws_reader *reader, const uint8_t *in, size_t len, size_t *used)
{
    tsio_status status;
    if (reader->held_len < 2) {
        if (!hold(reader, in, len, used, 2))
            return TSIO_OK;
        if ((status = check_first_two(reader)) != TSIO_OK)
            return status;
    }
    const size_t without_key = 2 + extended_len(reader->held[1]);
    if (reader->held_len <= without_key) {
        if (!hold(reader, in, len, used, without_key))
            return TSIO_OK;
        if ((status = check_length(reader)) != TSIO_OK)
            return status;
    }
    if (hold(reader, in, len, used, without_key + KEY_LEN))
        start_payload(reader);
    return TSIO_OK;
}

/* --- the payload -------------------------------------------------------- */

static void end_frame(tsio_ws_reader *reader)
{
    reader->in_payload = false;
    reader->held_len = 0;
}

static void end_message(tsio_ws_reader *reader)
{
    reader->message_opcode = 0;
    reader->message_bytes = reader->fragments = 0;
}

/* Unmasks and validates the part of a data frame's payload that is in the input. */
static tsio_status read_data(tsio_ws_reader *reader, uint8_t *in, size_t len, size_t *used, tsio_ws_event *event)
{
    const uint64_t lacking = reader->payload_len - reader->payload_pos;
    const size_t left = len - *used;
    const size_t count = lacking < left ? (size_t)lacking : left;
    const bool whole = count == lacking, final = whole && reader->fin;
    uint8_t *span = in + *used;

    tsio_mask(span, count, reader->key, (size_t)(reader->payload_pos % KEY_LEN));
    *used += count;
    reader->payload_pos += count;
    if (reader->message_opcode == TSIO_WS_TEXT && !reader->compressed) {
        if (!tsio_utf8_feed(&reader->text, span, count) || (final && !tsio_utf8_complete(&reader->text)))
            return TSIO_E_INVALID_UTF8;
    }
    if (count > 0 || final) {
        *event = (tsio_ws_event){
            .kind = TSIO_WS_EV_DATA,
            .opcode = reader->message_opcode,
            .first = !reader->spanned,
            .final = final,
            .compressed = reader->compressed,
            .data = span,
            .len = count,
        };
        reader->spanned = true;
    }
    if (whole)
        end_frame(reader);
    if (final)
        end_message(reader);
    return TSIO_OK;
}

/* Returns whether a close frame may have this code: RFC 6455 section 7.4.1 as extended
 * by IANA's registry (1012-1014), and the ranges of section 7.4.2. */
static bool may_be_sent(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static tsio_status read_close(tsio_ws_reader *reader, tsio_ws_event *event)
{
    reader->closed = true;
    event->kind = TSIO_WS_EV_CLOSE;
    event->close_code = TSIO_WS_CLOSE_NO_STATUS;
    if (event->len == 0)
        return TSIO_OK;
    if (event->len == 1)
        return TSIO_E_CLOSE_LENGTH;
    event->close_code = tsio_load_be16(event->data);
    event->data += 2;
    event->len -= 2;
    if (!may_be_sent(event->close_code))
        return TSIO_E_CLOSE_CODE;
    return tsio_utf8_valid(event->data, event->len) ? TSIO_OK : TSIO_E_CLOSE_REASON;
}

/* Collects a control frame in the reader, so that it gives one event however it was
 * split. The copy is cheap, because control frames are short and rare. */
static tsio_status read_control(tsio_ws_reader *reader, const uint8_t *in, size_t len, size_t *used, tsio_ws_event *event)
{
    const size_t payload_len = (size_t)reader->payload_len;
    if (!hold(reader, in, len, used, payload_len))
        return TSIO_OK;
    end_frame(reader);
    tsio_mask(reader->held, payload_len, reader->key, 0);
    event->data = reader->held;
    event->len = payload_len;
    if (reader->opcode == TSIO_WS_CLOSE)
        return read_close(reader, event);
    event->kind = reader->opcode == TSIO_WS_PING ? TSIO_WS_EV_PING : TSIO_WS_EV_PONG;
    return TSIO_OK;
}

/* --- the whole ---------------------------------------------------------- */

/* Reads one header and the part of its payload that is in the input; gives at most one event. */
static tsio_status read_frame(tsio_ws_reader *reader, uint8_t *in, size_t len, size_t *used, tsio_ws_event *event)
{
    if (!reader->in_payload) {
        const tsio_status status = read_header(reader, in, len, used);
        if (status != TSIO_OK || !reader->in_payload)
            return status;
    }
    return is_control(reader->opcode) ? read_control(reader, in, len, used, event)
                                      : read_data(reader, in, len, used, event);
}

tsio_status tsio_ws_reader_next(tsio_ws_reader *reader, uint8_t *in, size_t len, size_t *used, tsio_ws_event *event)
{
    *used = 0;
    *event = (tsio_ws_event){.kind = TSIO_WS_EV_NEED_MORE};
    while (*used < len && event->kind == TSIO_WS_EV_NEED_MORE) {
        if (reader->closed || reader->failed != TSIO_OK) {
            *used = len;
            break;
        }
        reader->failed = read_frame(reader, in, len, used, event);
        if (reader->failed != TSIO_OK)
            *event = (tsio_ws_event){.kind = TSIO_WS_EV_NEED_MORE};
    }
    return reader->failed;
}
