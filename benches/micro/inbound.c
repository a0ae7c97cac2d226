/* inbound.c -- what a client sends: frames, masks, UTF-8, the head of a packet. */
#include <string.h>

#include "csrc/mask.h"
#include "csrc/sio_packet.h"
#include "csrc/utf8.h"
#include "csrc/ws_frame.h"
#include "load/fail.h"
#include "micro/measure.h"

enum { BUFFER = 65536, HEADER_MOST = 14 };

/* With this key ASCII stays ASCII: a buffer that was unmasked in place may be parsed again as it is. */
static const uint8_t KEY[4] = {1, 2, 3, 4};
static const char EVENT[] = "42[\"chat\",\"the quick brown fox jumps over the lazy dog, twice\"]";

typedef struct {
    tsio_ws_reader reader;
    uint8_t bytes[BUFFER + HEADER_MOST];
    size_t len, frames;
} frame_input;

static void add_frame(frame_input *input, const char *text, size_t len)
{
    uint8_t *at = input->bytes + input->len;
    const size_t header = tsio_ws_header_build(at, TSIO_WS_TEXT, len);
    at[1] |= 0x80;
    memcpy(at + header, KEY, sizeof KEY);
    memcpy(at + header + sizeof KEY, text, len);
    input->len += header + sizeof KEY + len;
    input->frames++;
}

static void parse(void *state)
{
    frame_input *input = state;
    size_t used, messages = 0;
    tsio_ws_event event;
    for (size_t at = 0;; at += used) {
        if (tsio_ws_reader_next(&input->reader, input->bytes + at, input->len - at, &used, &event) != TSIO_OK)
            fail("a frame is refused");
        if (event.kind == TSIO_WS_EV_NEED_MORE)
            break;
        messages++;
        measure_keep(event.data);
    }
    if (messages != input->frames)
        fail("%zu of %zu frames", messages, input->frames);
}

static void measure_frames(void)
{
    static frame_input small, large;
    static char text[BUFFER];
    tsio_ws_reader_init(&small.reader, 1 << 20, 16);
    tsio_ws_reader_init(&large.reader, 1 << 20, 16);
    while (small.len + sizeof EVENT + HEADER_MOST <= BUFFER)
        add_frame(&small, EVENT, sizeof EVENT - 1);
    memset(text, 'x', sizeof text);
    add_frame(&large, text, sizeof text);
    measure_calls("frames-small", "frame", "What does one of many small text frames in a read cost?", parse, &small,
                  (double)small.frames);
    measure_calls("frame-64k", "KiB", "What does each KiB of one large text frame cost?", parse, &large, BUFFER / 1024.0);
}

static void unmask(void *state)
{
    tsio_mask(state, BUFFER, KEY, 3);
    measure_keep(state);
}

static void unmask_short(void *state)
{
    tsio_mask(state, sizeof EVENT - 1, KEY, 0);
    measure_keep(state);
}

static void measure_masks(void)
{
    static uint8_t bytes[BUFFER + 1];
    measure_calls("unmask", "KiB", "What does unmasking cost, unaligned?", unmask, bytes + 1, BUFFER / 1024.0);
    measure_calls("unmask-short", "event", "And that of one chat event?", unmask_short, bytes + 1, 1);
}

typedef struct {
    const uint8_t *data;
    size_t len;
} span;

static void check_utf8(void *state)
{
    const span *text = state;
    if (!tsio_utf8_valid(text->data, text->len))
        fail("good UTF-8 is refused");
}

static void measure_utf8(void)
{
    static const char sentence[] = "Grüße aus Köln, ça va? Привет, как дела? 你好吗 \xF0\x9F\x8E\x89 and so on, mostly ASCII. ";
    static uint8_t ascii[4096], mixed[4096];
    memset(ascii, 'a', sizeof ascii);
    span mixed_text = {mixed, 0}, ascii_text = {ascii, sizeof ascii};
    for (; mixed_text.len + sizeof sentence <= sizeof mixed; mixed_text.len += sizeof sentence - 1)
        memcpy(mixed + mixed_text.len, sentence, sizeof sentence - 1);
    measure_calls("utf8-ascii", "KiB", "What does checking ASCII text cost?", check_utf8, &ascii_text,
                  (double)ascii_text.len / 1024);
    measure_calls("utf8-mixed", "KiB", "And text of many scripts?", check_utf8, &mixed_text,
                  (double)mixed_text.len / 1024);
}

static void scan_head(void *state)
{
    const span *packet = state;
    tsio_sio_head head;
    if (tsio_sio_head_parse(packet->data, packet->len, 10, &head) != TSIO_OK)
        fail("a head is refused");
    measure_keep(&head);
}

int main(void)
{
    static const char plain[] = "2[\"chat\",\"hello\"]", long_head[] = "52-/chat,117[\"file\",{\"_placeholder\":true,\"num\":0}]";
    span plain_packet = {(const uint8_t *)plain, sizeof plain - 1};
    span long_packet = {(const uint8_t *)long_head, sizeof long_head - 1};
    measure_frames();
    measure_masks();
    measure_utf8();
    measure_calls("head-plain", "packet", "What does it cost to find where an event's JSON begins?", scan_head,
                  &plain_packet, 1);
    measure_calls("head-long", "packet", "And behind attachments, a namespace and an ack id?", scan_head, &long_packet, 1);
}
