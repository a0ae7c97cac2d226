#include "eio_payload.h"
#include "outbox_ring.h"

static tsio_status append_ws(tsio_buf *dst, tsio_message *message)
{
    return tsio_buf_append(dst, message->ws.data, message->ws.len);
}

static tsio_status append_polling(tsio_buf *dst, tsio_message *message)
{
    static const uint8_t separator = TSIO_EIO_SEPARATOR;
    const uint8_t *data;
    size_t len;
    tsio_status status = tsio_message_polling(message, &data, &len);
    if (status == TSIO_OK)
        status = tsio_buf_reserve(dst, len + 1);
    if (status != TSIO_OK)
        return status;
    /* There is room for both. */
    if (dst->len > 0)
        tsio_buf_append(dst, &separator, 1);
    return tsio_buf_append(dst, data, len);
}

/* Makes room in `polled` for all queued messages. */
static tsio_status reserve_polled(tsio_outbox *outbox)
{
    if (outbox->count == 0)
        return TSIO_OK;
    if (outbox->count > UINT32_MAX / sizeof(tsio_outbox_entry) - outbox->polled_count)
        return TSIO_E_NO_MEMORY;
    const size_t size = ((size_t)outbox->polled_count + outbox->count) * sizeof(tsio_outbox_entry);
    tsio_outbox_entry *polled = tsio_alloc.realloc(outbox->polled, size);
    if (polled == NULL)
        return TSIO_E_NO_MEMORY;
    outbox->polled = polled;
    return TSIO_OK;
}

/* Takes the first message. If `keeps`, it is kept in `polled`; precondition: there is room (see reserve_polled()). */
static void take_first(tsio_outbox *outbox, bool keeps)
{
    const tsio_outbox_entry entry = *tsio_outbox_at(outbox, 0);
    tsio_message *message = entry.message;
    const size_t bytes = tsio_message_bytes(message);
    outbox->head = (outbox->head + 1) & (outbox->cap - 1);
    outbox->count--;
    outbox->bytes -= bytes;
    outbox->inflight_packets++;
    outbox->inflight_bytes += bytes;
    outbox->compressible = outbox->compressible || !message->never_compress;
    if (keeps)
        outbox->polled[outbox->polled_count++] = entry;
    else
        tsio_message_unref(message);
}

static tsio_status take(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes,
                        tsio_status (*append)(tsio_buf *, tsio_message *), bool keeps)
{
    for (bool any = false; outbox->count > 0 && (!any || dst->len < max_bytes); any = true) {
        const tsio_status status = append(dst, tsio_outbox_at(outbox, 0)->message);
        if (status != TSIO_OK)
            return any ? TSIO_OK : status;
        take_first(outbox, keeps);
    }
    if (outbox->count == 0)
        tsio_outbox_free_ring(outbox);
    return TSIO_OK;
}

tsio_status tsio_outbox_take_ws(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes)
{
    return take(outbox, dst, max_bytes, append_ws, false);
}

tsio_status tsio_outbox_take_polling(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes)
{
    outbox->compressible = false;
    if (reserve_polled(outbox) != TSIO_OK)
        return TSIO_E_NO_MEMORY;
    return take(outbox, dst, max_bytes, append_polling, true);
}

/* Returns how many messages go into a body. *binary becomes true if one of them has a binary part. */
static uint32_t plan_body(const tsio_outbox *outbox, size_t max_bytes, bool *binary)
{
    uint32_t count = 0;
    for (size_t bytes = 0; count < outbox->count && (count == 0 || bytes < max_bytes); count++) {
        const tsio_message *message = tsio_outbox_at(outbox, count)->message;
        bytes += tsio_message_bytes(message);
        *binary = *binary || message->binary;
    }
    return count;
}

tsio_status tsio_outbox_take_polling3(tsio_outbox *outbox, tsio_buf *dst, size_t max_bytes, bool *binary)
{
    outbox->compressible = false;
    if (reserve_polled(outbox) != TSIO_OK)
        return TSIO_E_NO_MEMORY;
    for (uint32_t left = plan_body(outbox, max_bytes, binary); left > 0; left--) {
        const uint8_t *data;
        size_t len;
        tsio_status status = tsio_message_payload3(tsio_outbox_at(outbox, 0)->message, *binary, &data, &len);
        if (status == TSIO_OK)
            status = tsio_buf_append(dst, data, len);
        if (status != TSIO_OK)
            return dst->len > 0 ? TSIO_OK : status;
        take_first(outbox, true);
    }
    if (outbox->count == 0)
        tsio_outbox_free_ring(outbox);
    return TSIO_OK;
}

tsio_status tsio_outbox_put_back(tsio_outbox *outbox)
{
    const uint32_t back = outbox->polled_count;
    if (back == 0)
        return TSIO_OK;
    if (outbox->count > UINT32_MAX / 2 / sizeof(tsio_outbox_entry) - back)
        return TSIO_E_NO_MEMORY;
    uint32_t cap = TSIO_OUTBOX_FIRST_CAP;
    while (cap < outbox->count + back)
        cap *= 2;
    tsio_outbox_entry *entries = tsio_alloc.realloc(NULL, cap * sizeof *entries);
    if (entries == NULL)
        return TSIO_E_NO_MEMORY;
    size_t bytes = 0;
    for (uint32_t i = 0; i < back; i++) {
        entries[i] = outbox->polled[i];
        bytes += tsio_message_bytes(entries[i].message);
    }
    for (uint32_t i = 0; i < outbox->count; i++)
        entries[back + i] = *tsio_outbox_at(outbox, i);
    tsio_outbox_free_ring(outbox);
    outbox->entries = entries;
    outbox->cap = cap;
    outbox->count += back;
    outbox->bytes += bytes;
    outbox->inflight_packets -= back;
    outbox->inflight_bytes -= bytes;
    outbox->polled_count = 0;
    tsio_outbox_free_polled(outbox);
    tsio_outbox_update_confirmed(outbox);
    return TSIO_OK;
}

void tsio_outbox_confirm(tsio_outbox *outbox)
{
    tsio_outbox_free_polled(outbox);
    outbox->inflight_packets = 0;
    outbox->inflight_bytes = 0;
    tsio_outbox_update_confirmed(outbox);
}
