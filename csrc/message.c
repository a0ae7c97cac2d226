#include "message.h"

#include "base64.h"
#include "eio_payload.h"
#include "message_forms.h"
#include "ws_frame.h"

tsio_message *tsio_message_new(size_t reserve_bytes, uint64_t key)
{
    tsio_message *message = tsio_alloc.realloc(NULL, sizeof *message);
    if (message == NULL)
        return NULL;
    *message = (tsio_message){.key = key};
    atomic_init(&message->refs, 1);
    if (tsio_buf_reserve(&message->ws, reserve_bytes) != TSIO_OK) {
        tsio_message_unref(message);
        return NULL;
    }
    return message;
}

void tsio_message_unref(tsio_message *message)
{
    if (message == NULL)
        return;
    /* For the last reference, skip the atomic subtraction, which costs 5 ns: no other thread has a reference. */
    const bool is_last = atomic_load_explicit(&message->refs, memory_order_acquire) == 1;
    if (!is_last && atomic_fetch_sub_explicit(&message->refs, 1, memory_order_acq_rel) > 1)
        return;
    tsio_buf_free(&message->ws);
    tsio_buf_free(&message->polling);
    tsio_message_forms_free(message->forms);
    tsio_alloc.free(message);
}

size_t tsio_message_bytes(const tsio_message *message)
{
    return message->ws.len;
}

/* --- parts to frames ---------------------------------------------------- */

enum { HEADER_MAX = 10 };

tsio_status tsio_message_begin_part(tsio_message *message, uint8_t opcode, size_t len)
{
    uint8_t header[HEADER_MAX];
    const size_t header_len = tsio_ws_header_build(header, opcode, len);
    const tsio_status status = tsio_buf_reserve(&message->ws, header_len + len);
    if (status != TSIO_OK)
        return status;
    tsio_buf_append(&message->ws, header, header_len); /* there is room */
    message->parts++;
    message->binary = message->binary || opcode == TSIO_WS_BINARY;
    return TSIO_OK;
}

static tsio_status add_frame(tsio_message *message, uint8_t opcode, const tsio_piece *pieces, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len > SIZE_MAX / 2 - len)
            return TSIO_E_NO_MEMORY;
        len += pieces[i].len;
    }
    const tsio_status status = tsio_message_begin_part(message, opcode, len);
    for (size_t i = 0; i < count && status == TSIO_OK; i++)
        tsio_buf_append(&message->ws, pieces[i].data, pieces[i].len);
    return status;
}

tsio_status tsio_message_add_text(tsio_message *message, uint8_t type_digit, const uint8_t *text, size_t len)
{
    const tsio_piece pieces[] = {{&type_digit, type_digit != 0 ? 1 : 0}, {text, len}};
    return tsio_message_add_pieces(message, pieces, 2);
}

tsio_status tsio_message_add_pieces(tsio_message *message, const tsio_piece *pieces, size_t count)
{
    return add_frame(message, TSIO_WS_TEXT, pieces, count);
}

tsio_status tsio_message_add_binary(tsio_message *message, const uint8_t *data, size_t len)
{
    return add_frame(message, TSIO_WS_BINARY, &(tsio_piece){data, len}, 1);
}

/* --- frames to parts, and to the polling encoding ------------------------ */

tsio_message_part tsio_message_next_part(const uint8_t **at)
{
    const tsio_ws_payload payload = tsio_ws_payload_at(*at);
    *at = payload.data + payload.len;
    return (tsio_message_part){payload.data, payload.len, payload.opcode == TSIO_WS_BINARY};
}

static size_t polling_len(const tsio_message *message)
{
    const uint8_t *at = message->ws.data;
    size_t len = message->parts - 1; /* the separators */
    for (uint32_t i = 0; i < message->parts; i++) {
        const tsio_message_part part = tsio_message_next_part(&at);
        len += part.binary ? 1 + tsio_base64_encoded_len(part.len) : part.len;
    }
    return len;
}

static uint8_t *write_packet(uint8_t *dst, tsio_message_part part)
{
    if (!part.binary) {
        if (part.len == 0) /* `dst` may be NULL then */
            return dst;
        memcpy(dst, part.data, part.len);
        return dst + part.len;
    }
    *dst++ = 'b';
    tsio_base64_encode(dst, part.data, part.len);
    return dst + tsio_base64_encoded_len(part.len);
}

static tsio_status make_polling(tsio_message *message)
{
    const size_t len = polling_len(message);
    const tsio_status status = tsio_buf_reserve(&message->polling, len);
    if (status != TSIO_OK)
        return status;
    const uint8_t *at = message->ws.data;
    uint8_t *dst = message->polling.data;
    for (uint32_t i = 0; i < message->parts; i++) {
        if (i > 0)
            *dst++ = TSIO_EIO_SEPARATOR;
        dst = write_packet(dst, tsio_message_next_part(&at));
    }
    message->polling.len = len;
    return TSIO_OK;
}

tsio_status tsio_message_polling(tsio_message *message, const uint8_t **data, size_t *len)
{
    if (message->polling.len == 0 && message->parts > 0) {
        const tsio_status status = make_polling(message);
        if (status != TSIO_OK)
            return status;
    }
    *data = message->polling.data;
    *len = message->polling.len;
    return TSIO_OK;
}
