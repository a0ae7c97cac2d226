#include "load/packet.h"

#include "load/payload.h"

/* --- parsing ---------------------------------------------------------------- */

typedef struct {
    const uint8_t *at, *end;
} cursor;

static uint8_t peek(const cursor *in)
{
    return in->at < in->end ? *in->at : 0;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static void skip_space(cursor *in)
{
    while (peek(in) == ' ' || peek(in) == '\t' || peek(in) == '\n' || peek(in) == '\r')
        in->at++;
}

static bool take(cursor *in, uint8_t byte)
{
    if (peek(in) != byte)
        return false;
    in->at++;
    return true;
}

static bool take_number(cursor *in, uint64_t *number)
{
    if (!is_digit(peek(in)))
        return false;
    for (*number = 0; is_digit(peek(in)); in->at++)
        *number = *number * 10 + (uint64_t)(*in->at - '0');
    return true;
}

static packet_event event_named(const uint8_t *name, size_t len)
{
    if (len == 3 && memcmp(name, "all", 3) == 0)
        return PACKET_ALL;
    if (len == 4 && memcmp(name, "echo", 4) == 0)
        return PACKET_ECHO;
    if (len == 4 && memcmp(name, "room", 4) == 0)
        return PACKET_ROOM;
    return PACKET_OTHER;
}

/* The event's name and the comma after it. */
static bool take_event(cursor *in, packet_event *event)
{
    skip_space(in);
    if (!take(in, '"'))
        return false;
    const uint8_t *name = in->at;
    const uint8_t *quote = memchr(name, '"', (size_t)(in->end - name));
    if (quote == NULL)
        return false;
    *event = event_named(name, (size_t)(quote - name));
    in->at = quote + 1;
    skip_space(in);
    take(in, ',');
    return true;
}

/* The payload is the last argument: its end is found from the packet's end, not by
 * looking at each of its bytes. */
static bool take_payload(cursor *in, bench_packet *packet)
{
    skip_space(in);
    if (take_number(in, &packet->seq)) {
        skip_space(in);
        if (!take(in, ','))
            return false;
        skip_space(in);
    }
    while (in->end > in->at && (in->end[-1] == ' ' || in->end[-1] == '\n'))
        in->end--;
    if (in->end == in->at || *--in->end != ']')
        return false;
    while (in->end > in->at && in->end[-1] == ' ')
        in->end--;
    if (packet->has_attachment)
        return take(in, '{');
    packet->has_payload = in->end - in->at >= 2 && *in->at == '"' && in->end[-1] == '"';
    if (!packet->has_payload)
        return in->at == in->end;
    packet->payload = in->at + 1;
    packet->payload_len = (size_t)(in->end - in->at) - 2;
    return true;
}

bool packet_parse(bench_packet *packet, const uint8_t *data, size_t len)
{
    cursor in = {data, data + len};
    uint64_t attachments = 0;
    memset(packet, 0, sizeof *packet);
    packet->id = PACKET_NO_ID;
    packet->type = (char)peek(&in);
    in.at += len > 0;
    switch (packet->type) {
    case '0':
    case '1':
    case '4':
        return true;
    case '5':
    case '6':
        if (!take_number(&in, &attachments) || attachments != 1 || !take(&in, '-'))
            return false;
        packet->has_attachment = true;
        break;
    case '2':
    case '3':
        break;
    default:
        return false;
    }
    take_number(&in, &packet->id);
    if (!take(&in, '['))
        return false;
    const bool is_event = packet->type == '2' || packet->type == '5';
    return (!is_event || take_event(&in, &packet->event)) && take_payload(&in, packet);
}

/* --- building ---------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *dst, const char *text)
{
    const size_t len = strlen(text);
    memcpy(dst, text, len);
    return dst + len;
}

static uint8_t *put_number(uint8_t *dst, uint64_t number)
{
    uint8_t digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(dst, digits + first, sizeof digits - first);
    return dst + (sizeof digits - first);
}

size_t packet_build(uint8_t *dst, const packet_plan *plan, size_t payload_len, uint64_t seq)
{
    uint8_t *at = put_text(dst, plan->binary && !plan->bare ? "451-" : "42");
    if (plan->id != PACKET_NO_ID)
        at = put_number(at, plan->id);
    *at++ = '[';
    at = put_text(at, plan->arguments);
    if (plan->bare) {
        /* nothing further */
    } else if (plan->binary) {
        at = put_text(at, ",{\"_placeholder\":true,\"num\":0}");
    } else {
        at = put_text(at, ",\"");
        payload_fill(at, payload_len, seq);
        at += payload_len;
        *at++ = '"';
    }
    *at++ = ']';
    return (size_t)(at - dst);
}
