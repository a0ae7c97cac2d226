/* message_forms.h -- a message as clients of other dialects get it, each form made
 * once, on first need, and owned by the message it was made from.
 *
 * A client of Engine.IO revision 3 gets another message if there is a binary part. So
 * does a client that agreed upon compression, if that makes it smaller. Outboxes hold
 * the other message instead, so they count and send its own bytes:
 *
 *     original    81 len |4|51-[...]      82 len |attachment
 *     typed       81 len |4|51-[...]      82 len |04|attachment
 *     base64      81 len |4|51-[...]      81 len |b4|base64 of the attachment
 *     deflated    c1 len |deflate         82 len |attachment           of any of the above
 *
 * In a payload, every packet's length stands before it. Either all packets of a body
 * are text, or the body is binary: lengths are then in bytes, their digits too.
 *
 *     text        <length in UTF-16 code units, decimal> ':' <packet>
 *     binary      00 <length: a byte 0 to 9 for each digit> ff <text packet>
 *                 01 <the same>                             ff 04 <data>
 */
#ifndef TSIO_MESSAGE_FORMS_H
#define TSIO_MESSAGE_FORMS_H

#include "dialect.h"
#include "message.h"

typedef struct tsio_message_forms {
    tsio_message *typed, *base64, *deflated; /* one reference each; NULL until needed */
    tsio_buf text_payload, binary_payload;   /* revision 3's; empty until needed */
} tsio_message_forms;

/* NULL is ignored. */
void tsio_message_forms_free(tsio_message_forms *forms);

/* The message for this client: itself, or one with the same key that lives as long as
 * it does. No reference is given. NULL: no memory; nothing has changed. O(bytes) the
 * first time for a dialect, O(1) after it. */
tsio_message *tsio_message_in(tsio_message *message, const tsio_dialect *dialect);

/* The parts of a message that tsio_message_in() gave for revision 3, not deflated, as they
 * stand in a payload. As tsio_message_polling() in all else. Precondition: if it is not to be the
 * binary form, no part is binary. */
tsio_status tsio_message_payload3(tsio_message *message, bool binary, const uint8_t **data, size_t *len);

#endif
