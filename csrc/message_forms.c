#include "message_forms.h"

#include "base64.h"
#include "eio_payload.h"
#include "utf8.h"
#include "ws_frame.h"

void tsio_message_forms_free(tsio_message_forms *forms)
{
    if (forms == NULL)
        return;
    tsio_message_unref(forms->typed);
    tsio_message_unref(forms->base64);
    tsio_message_unref(forms->deflated);
    tsio_buf_free(&forms->text_payload);
    tsio_buf_free(&forms->binary_payload);
    tsio_alloc.free(forms);
}

static tsio_message_forms *forms_of(tsio_message *message)
{
    if (message->forms == NULL) {
        message->forms = tsio_alloc.realloc(NULL, sizeof *message->forms);
        if (message->forms != NULL)
            *message->forms = (tsio_message_forms){0};
    }
    return message->forms;
}

/* --- in another dialect --------------------------------------------------- */

static tsio_status add_typed(tsio_message *form, tsio_message_part part)
{
    static const uint8_t type = TSIO_EIO_MESSAGE;
    const tsio_status status = tsio_message_begin_part(form, TSIO_WS_BINARY, 1 + part.len);
    if (status != TSIO_OK)
        return status;
    /* There is room for both. */
    tsio_buf_append(&form->ws, &type, 1);
    return tsio_buf_append(&form->ws, part.data, part.len);
}

static tsio_status add_base64(tsio_message *form, tsio_message_part part)
{
    const size_t len = tsio_base64_encoded_len(part.len);
    const tsio_status status = tsio_message_begin_part(form, TSIO_WS_TEXT, 2 + len);
    if (status != TSIO_OK)
        return status;
    tsio_buf_append(&form->ws, "b4", 2); /* there is room for all */
    tsio_base64_encode(form->ws.data + form->ws.len, part.data, part.len);
    form->ws.len += len;
    return TSIO_OK;
}

static tsio_message *to_revision3(const tsio_message *message, bool base64)
{
    const size_t bytes = message->ws.len;
    tsio_message *form = tsio_message_new(base64 ? bytes / 3 * 4 : bytes, message->key);
    if (form == NULL)
        return NULL;
    form->never_compress = message->never_compress;
    const uint8_t *at = message->ws.data;
    for (uint32_t i = 0; i < message->parts; i++) {
        const tsio_message_part part = tsio_message_next_part(&at);
        const tsio_status status = !part.binary ? tsio_message_add_text(form, 0, part.data, part.len)
                                   : base64     ? add_base64(form, part)
                                                : add_typed(form, part);
        if (status != TSIO_OK) {
            tsio_message_unref(form);
            return NULL;
        }
    }
    return form;
}

static tsio_message *in_revision3(tsio_message *message, bool base64)
{
    tsio_message_forms *forms = forms_of(message);
    if (forms == NULL)
        return NULL;
    tsio_message **form = base64 ? &forms->base64 : &forms->typed;
    if (*form == NULL)
        *form = to_revision3(message, base64);
    return *form;
}

static tsio_status make_deflated(tsio_message *message, tsio_deflate *deflate)
{
    tsio_message_forms *forms = forms_of(message);
    tsio_message *form = forms != NULL ? tsio_message_new(0, message->key) : NULL;
    if (form == NULL)
        return TSIO_E_NO_MEMORY;
    const tsio_status status = tsio_deflate_frames(deflate, &message->ws, message->parts, &form->ws);
    form->parts = message->parts;
    form->binary = message->binary;
    message->futile = status == TSIO_OK && form->ws.len == 0;
    if (status == TSIO_OK && !message->futile)
        forms->deflated = form;
    else
        tsio_message_unref(form);
    return status;
}

static tsio_message *deflated(tsio_message *message, tsio_deflate *deflate)
{
    const tsio_message_forms *forms = message->forms;
    if (forms == NULL || forms->deflated == NULL) {
        if (message->never_compress || message->futile || !tsio_deflate_takes(deflate, message->ws.len))
            return message;
        if (make_deflated(message, deflate) != TSIO_OK)
            return NULL;
        forms = message->forms;
    }
    return message->futile ? message : forms->deflated;
}

tsio_message *tsio_message_in(tsio_message *message, const tsio_dialect *dialect)
{
    if (message->binary && tsio_dialect_is_revision3(dialect))
        message = in_revision3(message, dialect->base64);
    if (message == NULL || dialect == NULL || dialect->deflate == NULL)
        return message;
    return deflated(message, dialect->deflate);
}

/* --- in a payload ---------------------------------------------------------- */

enum { DIGITS_MAX = 20, HEAD_MAX = DIGITS_MAX + 2 };

/* Writes a decimal number that ends at `end`, and returns its beginning. `zero` is the digit 0. */
static uint8_t *write_digits(uint8_t *end, size_t number, uint8_t zero)
{
    do {
        *--end = (uint8_t)(zero + number % 10);
        number /= 10;
    } while (number > 0);
    return end;
}

/* Writes the head that stands before a packet, and returns its length. */
static size_t build_head(uint8_t *dst, tsio_message_part part, bool binary)
{
    uint8_t digits[DIGITS_MAX], *end = digits + sizeof digits;
    const size_t number = binary ? part.len : tsio_utf8_utf16_units(part.data, part.len);
    const uint8_t *first = write_digits(end, number, binary ? 0 : '0');
    const size_t count = (size_t)(end - first);
    uint8_t *at = dst;
    if (binary)
        *at++ = part.binary ? TSIO_EIO3_BINARY : TSIO_EIO3_TEXT;
    memcpy(at, first, count);
    at += count;
    *at++ = binary ? TSIO_EIO3_LENGTH_END : ':';
    return (size_t)(at - dst);
}

static tsio_status make_payload(const tsio_message *message, bool binary, tsio_buf *payload)
{
    /* `ws` contains a header for each part, so this reserves a few bytes too many. */
    const tsio_status status = tsio_buf_reserve(payload, message->ws.len + message->parts * (size_t)HEAD_MAX);
    if (status != TSIO_OK)
        return status;
    const uint8_t *at = message->ws.data;
    for (uint32_t i = 0; i < message->parts; i++) {
        uint8_t head[HEAD_MAX];
        const tsio_message_part part = tsio_message_next_part(&at);
        /* There is room for all. */
        tsio_buf_append(payload, head, build_head(head, part, binary));
        tsio_buf_append(payload, part.data, part.len);
    }
    return TSIO_OK;
}

tsio_status tsio_message_payload3(tsio_message *message, bool binary, const uint8_t **data, size_t *len)
{
    tsio_message_forms *forms = forms_of(message);
    if (forms == NULL)
        return TSIO_E_NO_MEMORY;
    tsio_buf *payload = binary ? &forms->binary_payload : &forms->text_payload;
    if (payload->len == 0) {
        const tsio_status status = make_payload(message, binary, payload);
        if (status != TSIO_OK)
            return status;
    }
    *data = payload->data;
    *len = payload->len;
    return TSIO_OK;
}
