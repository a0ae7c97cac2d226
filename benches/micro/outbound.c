/* outbound.c -- what a server sends: the two forms of a message. */
#include <string.h>

#include "csrc/message.h"
#include "load/fail.h"
#include "micro/measure.h"

static const char EVENT[] = "2[\"chat\",\"the quick brown fox jumps over the lazy dog, twice\"]";
static uint8_t attachment[1024];

static tsio_message *make(size_t attachments)
{
    const size_t len = sizeof EVENT - 1;
    tsio_message *message = tsio_message_new(len + 11, 0);
    if (message == NULL || tsio_message_add_text(message, '4', (const uint8_t *)EVENT, len) != TSIO_OK)
        fail("no memory");
    for (size_t i = 0; i < attachments; i++)
        if (tsio_message_add_binary(message, attachment, sizeof attachment) != TSIO_OK)
            fail("no memory");
    return message;
}

static void make_frames(void *state)
{
    const size_t *attachments = state;
    tsio_message *message = make(*attachments);
    measure_keep(message->ws.data);
    tsio_message_unref(message);
}

static void make_polling(void *state)
{
    const size_t *attachments = state;
    tsio_message *message = make(*attachments);
    const uint8_t *data;
    size_t len;
    if (tsio_message_polling(message, &data, &len) != TSIO_OK)
        fail("no memory");
    measure_keep(data);
    tsio_message_unref(message);
}

int main(void)
{
    size_t none = 0, one = 1;
    measure_calls("message", "event", "What does a message cost, from its text to its end?", make_frames, &none, 1);
    measure_calls("message-polling", "event", "And if somebody polls for it?", make_polling, &none, 1);
    measure_calls("message-binary", "event", "What does a message with an attachment of 1 KiB cost?", make_frames, &one, 1);
    measure_calls("message-binary-polling", "event", "And if somebody polls for it, in base64?", make_polling, &one, 1);
}
