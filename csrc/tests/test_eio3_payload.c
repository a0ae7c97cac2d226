/* Both payloads of revision 3, taken apart; and against a model that looks at one byte after the other. */
#include "check.h"
#include "eio_payload.h"

enum { TEXT = 0, BINARY = 1 };

/* What came out of a payload: its packets one after the other, and how it ended. */
typedef struct {
    char packets[512]; /* "<packet>;" each, "#<bytes>;" if binary */
    size_t len;
    tsio_status status;
} outcome;

static void note(outcome *out, const uint8_t *packet, size_t len, bool binary)
{
    if (binary)
        out->packets[out->len++] = '#';
    memcpy(out->packets + out->len, packet, len);
    out->len += len;
    out->packets[out->len++] = ';';
}

static outcome split(int body, const uint8_t *payload, size_t len)
{
    outcome out = {{0}, 0, TSIO_OK};
    uint8_t *block = check_block(payload, len);
    tsio_eio_splitter splitter;
    tsio_eio_packet packet = {0};
    bool more = true;
    tsio_eio_splitter_init(&splitter, block, len);
    tsio_status (*const next)(tsio_eio_splitter *, tsio_eio_packet *, bool *) =
        body == BINARY ? tsio_eio3_binary_splitter_next : tsio_eio3_splitter_next;
    while ((out.status = next(&splitter, &packet, &more)) == TSIO_OK && more) {
        CHECK(packet.packet >= block && packet.len > 0 && packet.packet + packet.len <= block + len);
        note(&out, packet.packet, packet.len, packet.binary);
    }
    for (int again = 0; again < 3; again++) { /* the end and an error both stay */
        const tsio_eio_packet untouched = packet;
        CHECK(!more);
        more = true;
        CHECK_EQ(next(&splitter, &packet, &more), out.status);
        CHECK(packet.packet == untouched.packet && packet.len == untouched.len && packet.binary == untouched.binary);
    }
    CHECK(!more);
    check_block_free(block, len);
    return out;
}

static void check_split(int body, const void *payload, size_t len, tsio_status status,
                        const void *packets, size_t packets_len)
{
    const outcome out = split(body, payload, len);
    CHECK_EQ(out.status, status);
    CHECK_BYTES(out.packets, out.len, packets, packets_len);
}

#define SPLIT(body, payload, status, packets) \
    check_split(body, payload, sizeof(payload) - 1, status, packets, sizeof(packets) - 1)

static void text_bodies(void)
{
    SPLIT(TEXT, "1:2", TSIO_OK, "2;");
    SPLIT(TEXT, "6:4hello1:26:4world", TSIO_OK, "4hello;2;4world;");
    SPLIT(TEXT, "2:4:1:2", TSIO_OK, "4:;2;");
    SPLIT(TEXT, "2:4€3:4😀1:2", TSIO_OK, "4€;4😀;2;");
    SPLIT(TEXT, "6:b4AQID", TSIO_OK, "b4AQID;");
    SPLIT(TEXT, "12:4\x1e" "234567890\n", TSIO_OK, "4\x1e" "234567890\n;");
    SPLIT(TEXT, "0:", TSIO_OK, "");
    SPLIT(TEXT, "0:1:20:0:1:30:", TSIO_OK, "2;3;");
}

static void lengths_that_are_wrong(void)
{
    SPLIT(TEXT, "1:21", TSIO_E_PACKET_LENGTH, "2;"); /* partial */
    SPLIT(TEXT, "1:2:", TSIO_E_PACKET_LENGTH, "2;"); /* none */
    SPLIT(TEXT, ":2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "2:4", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "01:2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "00:", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "+1:2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "-1:2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, " 1:2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "1.0:2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "\xff:2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "18446744073709551617:2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "2:4😀", TSIO_E_PACKET_LENGTH, ""); /* half of a pair */
    SPLIT(TEXT, "4:4😀", TSIO_E_PACKET_LENGTH, "");
    SPLIT(TEXT, "2:4\xe2\x82", TSIO_OK, "4\xe2\x82;"); /* for others to refuse */
    SPLIT(TEXT, "", TSIO_E_EMPTY_PACKET, "");
}

static void binary_bodies(void)
{
    SPLIT(BINARY, "\0\2\xff" "40" "\0\1\0\xff" "451-[\"\xe2\x82\xac\"" "\1\4\xff\4\1\2\3", TSIO_OK,
          "40;451-[\"\xe2\x82\xac\";#\4\1\2\3;");
    SPLIT(BINARY, "", TSIO_OK, "");
    SPLIT(BINARY, "\0\0\xff\1\0\xff\0\1\xff" "2", TSIO_OK, "2;");
    SPLIT(BINARY, "\1\1\xff\4", TSIO_OK, "#\4;");
    SPLIT(BINARY, "\0\1\xff" "2\2\1\xff" "2", TSIO_E_PACKET_TYPE, "2;");
    SPLIT(BINARY, "\0", TSIO_E_PACKET_LENGTH, "");
    SPLIT(BINARY, "\0\1", TSIO_E_PACKET_LENGTH, "");
    SPLIT(BINARY, "\0\xff", TSIO_E_PACKET_LENGTH, "");
    SPLIT(BINARY, "\0\1\xff", TSIO_E_PACKET_LENGTH, "");
    SPLIT(BINARY, "\0\0\1\xff" "2", TSIO_E_PACKET_LENGTH, "");
    SPLIT(BINARY, "\0\x0a\xff" "1234567890", TSIO_E_PACKET_LENGTH, "");
    SPLIT(BINARY, "\0\3\xff" "42", TSIO_E_PACKET_LENGTH, "");
    SPLIT(BINARY, "\1\1\xff\4\0", TSIO_E_PACKET_LENGTH, "#\4;");
}

/* As many digits as one likes cost nothing and overflow nothing. */
static void endless_lengths(void)
{
    static uint8_t payload[100000];
    memset(payload, '9', sizeof payload);
    check_split(TEXT, payload, sizeof payload, TSIO_E_PACKET_LENGTH, "", 0);
    memset(payload + 1, 9, sizeof payload - 1);
    payload[0] = 1;
    check_split(BINARY, payload, sizeof payload, TSIO_E_PACKET_LENGTH, "", 0);
    payload[0] = 0;
    memset(payload + 1, 0, sizeof payload - 1);
    check_split(BINARY, payload, sizeof payload, TSIO_E_PACKET_LENGTH, "", 0);
}

static void nothing_to_split(void)
{
    tsio_eio_splitter splitter;
    tsio_eio_packet packet;
    bool more = true;
    tsio_eio_splitter_init(&splitter, NULL, 0);
    CHECK_EQ(tsio_eio3_binary_splitter_next(&splitter, &packet, &more), TSIO_OK);
    CHECK(!more);
    CHECK_EQ(tsio_eio3_splitter_next(&splitter, &packet, &more), TSIO_E_EMPTY_PACKET);
    CHECK(!more);
}

/* --- the model ---------------------------------------------------------------- */

/* Consumes a length and what ends it; -1: wrong. Lengths stay small, for the bodies are. */
static long model_length(const uint8_t *payload, size_t len, size_t *at, uint8_t zero, uint8_t end)
{
    long length = 0;
    size_t digits = 0;
    for (; *at < len && payload[*at] != end; ++*at, digits++) {
        if (payload[*at] < zero || payload[*at] > zero + 9 || (digits > 0 && length == 0) || digits == 3)
            return -1;
        length = 10 * length + payload[*at] - zero;
    }
    return digits == 0 || (*at)++ == len ? -1 : length;
}

static outcome model(int body, const uint8_t *payload, size_t len)
{
    outcome out = {{0}, 0, body == TEXT && len == 0 ? TSIO_E_EMPTY_PACKET : TSIO_OK};
    for (size_t at = 0; at < len;) {
        const uint8_t kind = body == BINARY ? payload[at++] : TEXT;
        out.status = kind > 1 ? TSIO_E_PACKET_TYPE : TSIO_OK;
        if (out.status != TSIO_OK)
            return out;
        long length = model_length(payload, len, &at, body == BINARY ? 0 : '0', body == BINARY ? 0xff : ':');
        const size_t start = at;
        out.status = TSIO_E_PACKET_LENGTH;
        if (length < 0 || (size_t)length > len - at) /* no text has more units than bytes */
            return out;
        while (at < len) {
            const bool continues = (payload[at] & 0xc0) == 0x80;
            const long units = body == BINARY ? 1 : continues ? 0 : payload[at] >= 0xf0 ? 2 : 1;
            if (length == 0 && units > 0)
                break;
            length -= units;
            at++;
            if (length < 0)
                return out;
        }
        if (length > 0)
            return out;
        out.status = TSIO_OK;
        if (at > start)
            note(&out, payload + start, at - start, kind == BINARY);
    }
    return out;
}

static void random_bodies(void)
{
    static const char *const bytes[] = {"0123:::4b2\x9f\xe2\xf0", "\0\1\2\3\xff\xff\xff\0\0\1\1\1" "44"};
    check_rng rng = {6};
    for (unsigned round = 0; round < 300000; round++) {
        uint8_t payload[30];
        const int body = (int)(round & 1);
        const size_t len = check_below(&rng, sizeof payload + 1);
        for (size_t i = 0; i < len; i++)
            payload[i] = (uint8_t)bytes[body][check_below(&rng, 14)];
        const outcome expected = model(body, payload, len);
        check_split(body, payload, len, expected.status, expected.packets, expected.len);
    }
}

int main(void)
{
    text_bodies();
    lengths_that_are_wrong();
    binary_bodies();
    endless_lengths();
    nothing_to_split();
    random_bodies();
    return check_done("eio3_payload");
}
