/* message_forms.h -- the forms of a message for other dialects. Each form is made when it
 * is first needed, and owned by the message from which it was made.
 *
 * A form is a message of its own. A client of Engine.IO revision 3 gets one if there is a
 * binary part; so does a client that negotiated compression, if a frame becomes smaller.
 * Its outbox holds the form instead of the original, and so counts the bytes of the form:
 *
 *     original    81 len |4|51-[...]      82 len |attachment
 *     typed       81 len |4|51-[...]      82 len |04|attachment
 *     base64      81 len |4|51-[...]      81 len |b4|base64 of the attachment
 *     deflated    c1 len |deflate         82 len |attachment           of any of the above
 *
 * In a payload of revision 3, the length of every packet stands before it. If all packets
 * are text, the body may be text; otherwise it is binary, and so are the digits of lengths.
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

/* Releases all forms; NULL is ignored. */
void tsio_message_forms_free(tsio_message_forms *forms);

/* Returns the message for clients of this dialect: the message itself, or a form of it, which
 * has the same key and exists as long as the message. The caller gets no reference. NULL: no
 * memory, and nothing has changed. O(bytes) the first time for a dialect, then O(1). */
tsio_message *tsio_message_in(tsio_message *message, const tsio_dialect *dialect);

/* Returns the parts of a message as packets of a revision 3 payload, otherwise like
 * tsio_message_polling(). Preconditions: tsio_message_in() returned the message for revision 3
 * without compression; if `binary` is false, no part is binary. */
tsio_status tsio_message_payload3(tsio_message *message, bool binary, const uint8_t **data, size_t *len);

#endif
