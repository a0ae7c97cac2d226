/* outbox_help.h -- helpers for the tests of outboxes: messages of a size, each with a mark, and the check of what
 * an outbox contains. */
#ifndef TSIO_OUTBOX_HELP_H
#define TSIO_OUTBOX_HELP_H

#include "alloc_help.h"
#include "outbox.h"

enum { BIG = 1 << 20 };

/* A message whose frame is exactly `bytes` long (3 to 127) and begins with `mark`. */
static inline tsio_message *make(uint8_t mark, size_t bytes, uint64_t key)
{
    uint8_t text[125] = {0};
    CHECK(bytes >= 3 && bytes <= 127);
    text[0] = mark;
    tsio_message *message = tsio_message_new(0, key);
    CHECK_EQ(tsio_message_add_text(message, 0, text, bytes - 2), TSIO_OK);
    CHECK_EQ(tsio_message_bytes(message), bytes);
    return message;
}

static inline tsio_status push(tsio_outbox *outbox, char mark, size_t bytes, uint64_t key, uint32_t flags)
{
    tsio_message *message = make((uint8_t)mark, bytes, key);
    const tsio_status status = tsio_outbox_push(outbox, message, flags);
    CHECK_EQ(message->refs, status == TSIO_OK ? 2 : 1);
    tsio_message_unref(message);
    return status;
}

static inline tsio_status push_plain(tsio_outbox *outbox, char mark)
{
    return push(outbox, mark, 10, 0, 0);
}

/* Takes and confirms all messages. They must have these marks, in this order. */
static inline void check_drains(tsio_outbox *outbox, const char *marks)
{
    tsio_buf dst = {0};
    CHECK_EQ(tsio_outbox_take_ws(outbox, &dst, BIG), TSIO_OK);
    CHECK_EQ(outbox->count, 0);
    CHECK_EQ(outbox->bytes, 0);
    size_t at = 0;
    for (; *marks != 0; marks++) {
        CHECK(at < dst.len);
        CHECK_EQ(dst.data[at + 2], *marks);
        at += 2 + (size_t)dst.data[at + 1];
    }
    CHECK_EQ(at, dst.len);
    tsio_buf_free(&dst);
    tsio_outbox_confirm(outbox);
    CHECK(outbox->confirmed == outbox->pushed);
}

#endif
