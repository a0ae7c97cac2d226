/* The reader of ws_frame against a slow and obvious one: random streams, good
 * and broken, in random pieces. */
#include "ws_help.h"

/* --- the model: the whole stream in one go, one rule after the other ------ */

typedef struct {
    uint64_t max_message_bytes;
    uint32_t max_fragments;
    bool deflate;
} limits;

static tsio_status judge_close(ws_outcome *out, const uint8_t *payload, size_t len)
{
    if (len == 0) {
        ws_log(out, 'c', 1005, NULL, 0);
        return TSIO_OK;
    }
    if (len == 1)
        return TSIO_E_CLOSE_LENGTH;
    const unsigned code = payload[0] * 256u + payload[1];
    if (code < 1000 || (code > 1003 && code < 1007) || (code > 1014 && code < 3000) || code > 4999)
        return TSIO_E_CLOSE_CODE;
    if (!tsio_utf8_valid(payload + 2, len - 2))
        return TSIO_E_CLOSE_REASON;
    ws_log(out, 'c', (uint16_t)code, payload + 2, len - 2);
    return TSIO_OK;
}

static tsio_status model_stream(ws_outcome *out, const uint8_t *in, size_t len, limits limit)
{
    uint32_t fragments = 0;
    uint64_t announced = 0;
    bool compressed = false;
    for (size_t at = 0;;) {
        const size_t rest = len - at;
        const uint8_t *frame = in + at;
        if (rest < 2)
            return TSIO_OK;
        const bool fin = frame[0] & 0x80, masked = frame[1] & 0x80;
        const unsigned rsv = frame[0] & 0x70, opcode = frame[0] & 0x0f, short_len = frame[1] & 0x7f;
        const bool control = opcode == 8 || opcode == 9 || opcode == 10;
        const bool starts_compressed = rsv == 0x40 && limit.deflate && (opcode == 1 || opcode == 2);
        if (rsv != 0 && !starts_compressed)
            return TSIO_E_RESERVED_BITS;
        if (!control && opcode > 2)
            return TSIO_E_RESERVED_OPCODE;
        if (control && !fin)
            return TSIO_E_CONTROL_FRAGMENTED;
        if (control && short_len > 125)
            return TSIO_E_CONTROL_TOO_LONG;
        if (!masked)
            return TSIO_E_UNMASKED;
        if (opcode == 0 && out->message_opcode == 0)
            return TSIO_E_UNEXPECTED_CONTINUATION;
        if ((opcode == 1 || opcode == 2) && out->message_opcode != 0)
            return TSIO_E_EXPECTED_CONTINUATION;
        if (opcode == 1 || opcode == 2)
            compressed = starts_compressed;

        const size_t extended = short_len == 126 ? 2 : short_len == 127 ? 8 : 0;
        if (rest < 2 + extended)
            return TSIO_OK;
        uint64_t frame_len = extended == 0 ? short_len : 0;
        for (size_t i = 0; i < extended; i++)
            frame_len = frame_len * 256 + frame[2 + i];
        if ((extended == 2 && frame_len < 126) || (extended == 8 && frame_len < 65536))
            return TSIO_E_LENGTH_NOT_MINIMAL;
        if (frame_len >= (uint64_t)1 << 63)
            return TSIO_E_LENGTH_TOP_BIT;
        uint64_t max_bytes = limit.max_message_bytes;
        if (compressed && max_bytes <= UINT64_MAX / 2)
            max_bytes += max_bytes / 8 + 64;
        if (!control && announced + frame_len > max_bytes)
            return TSIO_E_MESSAGE_TOO_BIG;
        if (!control && fragments + 1 > limit.max_fragments)
            return TSIO_E_TOO_MANY_FRAGMENTS;

        const size_t header = 2 + extended + 4;
        if (rest < header)
            return TSIO_OK;
        const size_t have = rest - header < frame_len ? rest - header : (size_t)frame_len;
        static uint8_t payload[WS_STREAM_MAX];
        for (size_t i = 0; i < have; i++)
            payload[i] = frame[header + i] ^ frame[header - 4 + i % 4];
        if (control) {
            if (have < frame_len)
                return TSIO_OK;
            if (opcode == 8) {
                out->closed = true;
                return judge_close(out, payload, have);
            }
            ws_log(out, opcode == 9 ? 'i' : 'o', 0, payload, have);
        } else {
            if (opcode != 0)
                out->message_opcode = (uint8_t)opcode;
            fragments++;
            announced += frame_len;
            memcpy(out->message + out->message_len, payload, have);
            out->message_len += have;
            const bool final = fin && have == frame_len;
            tsio_utf8 utf8 = {0}; /* has a test of its own; here over the whole message anew */
            if (out->message_opcode == TSIO_WS_TEXT && !compressed)
                if (!tsio_utf8_feed(&utf8, out->message, out->message_len) || (final && !tsio_utf8_complete(&utf8)))
                    return TSIO_E_INVALID_UTF8;
            if (final) {
                ws_log(out, out->message_opcode == TSIO_WS_TEXT ? 'T' : 'B', 0, out->message, out->message_len);
                out->message_opcode = 0;
                out->message_len = announced = fragments = 0;
            }
            if (have < frame_len)
                return TSIO_OK;
        }
        at += header + have;
    }
}

static void reset(ws_outcome *out)
{
    out->log_len = out->message_len = 0;
    out->message_opcode = 0;
    out->status = TSIO_OK;
    out->closed = false;
}

static void model(ws_outcome *out, const uint8_t *in, size_t len, limits limit)
{
    reset(out);
    out->status = model_stream(out, in, len, limit);
    CHECK(out->status == TSIO_OK || out->status >= TSIO_E_CLOSE_REASON);
    if (out->status != TSIO_OK)
        out->closed = false; /* a broken close frame is an error, not an event */
}

/* --- random streams ------------------------------------------------------ */

/* One message in some fragments with control frames between them; its text is cut
 * anywhere, also inside characters. */
static void put_message(ws_stream *stream, check_rng *rng)
{
    static const char *const chars[] = {"a", "hello ", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff"};
    const bool text = check_below(rng, 2) == 0;
    uint8_t payload[600];
    size_t len = 0;
    const size_t want = check_below(rng, 8) == 0 ? check_below(rng, 500) : check_below(rng, 30);
    while (len < want) {
        if (text) { /* the last one, which is invalid, seldom */
            const char *next = chars[check_below(rng, 5) + (check_below(rng, 100) == 0)];
            memcpy(payload + len, next, strlen(next));
            len += strlen(next);
        } else {
            payload[len++] = (uint8_t)check_random(rng);
        }
    }
    if (text && len > 0 && check_below(rng, 30) == 0)
        len--;

    uint8_t opcode = text ? TSIO_WS_TEXT : TSIO_WS_BINARY;
    if (check_below(rng, 8) == 0)
        opcode |= TSIO_WS_RSV1;
    size_t at = 0;
    for (bool fin = false; !fin; opcode = TSIO_WS_CONTINUATION) {
        const size_t part = check_below(rng, len - at + 1);
        fin = check_below(rng, 3) != 0;
        ws_put_frame(stream, fin, opcode, payload + at, fin ? len - at : part);
        at += part;
        if (check_below(rng, 4) == 0) {
            uint8_t control[125];
            const size_t control_len = check_below(rng, 10) == 0 ? 125 : check_below(rng, 12);
            check_random_bytes(rng, control, control_len);
            ws_put_frame(stream, true, check_below(rng, 2) ? TSIO_WS_PING : TSIO_WS_PONG, control, control_len);
        }
    }
}

static void put_close(ws_stream *stream, check_rng *rng)
{
    static const uint16_t codes[] = {1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000, 999, 0};
    uint8_t payload[16] = "..reason \xe2\x82\xac";
    tsio_store_be16(payload, codes[check_below(rng, sizeof codes / sizeof codes[0])]);
    ws_put_frame(stream, true, TSIO_WS_CLOSE, payload, check_below(rng, 15));
}

static void make_stream(ws_stream *stream, check_rng *rng)
{
    stream->len = 0;
    for (size_t messages = check_below(rng, 4); messages > 0; messages--)
        put_message(stream, rng);
    if (check_below(rng, 3) == 0)
        put_close(stream, rng);
    if (check_below(rng, 3) == 0)
        put_message(stream, rng);
    if (stream->len > 0 && check_below(rng, 2) == 0)
        for (size_t changes = 1 + check_below(rng, 3); changes > 0; changes--) {
            const size_t place = check_below(rng, check_below(rng, 2) ? stream->len : 2);
            stream->data[place] ^= (uint8_t)(1u << check_below(rng, 8));
        }
}

/* Feeds the stream in pieces of at most `longest` bytes. Between two of them the
 * reader moves to another address, as it does when a session adopts a connection. */
static void run_in_pieces(ws_outcome *out, const ws_stream *stream, limits limit, check_rng *rng, size_t longest)
{
    tsio_ws_reader *reader = malloc(sizeof *reader);
    CHECK(reader != NULL);
    tsio_ws_reader_init(reader, limit.max_message_bytes, limit.max_fragments);
    reader->deflate = limit.deflate;
    reset(out);
    for (size_t at = 0; at < stream->len;) {
        const size_t left = stream->len - at, wanted = check_below(rng, longest + 1);
        const size_t piece = wanted < left ? wanted : left;
        ws_feed(out, reader, stream->data + at, piece);
        at += piece;

        tsio_ws_reader *moved = malloc(sizeof *moved);
        CHECK(moved != NULL);
        *moved = *reader;
        memset(reader, 0xee, sizeof *reader);
        free(reader);
        reader = moved;
    }
    free(reader);
}

static ws_stream stream;
static ws_outcome expected, actual;
static unsigned seen[32];

static void test_random_pieces(void)
{
    check_rng rng = {8};
    for (int round = 0; round < 30000; round++) {
        const limits limit = {check_below(&rng, 300), (uint32_t)(1 + check_below(&rng, 6)), check_below(&rng, 2) > 0};
        make_stream(&stream, &rng);
        model(&expected, stream.data, stream.len, limit);
        seen[-(int)expected.status]++;

        tsio_ws_reader whole;
        tsio_ws_reader_init(&whole, limit.max_message_bytes, limit.max_fragments);
        whole.deflate = limit.deflate;
        reset(&actual);
        ws_feed(&actual, &whole, stream.data, stream.len);
        ws_check_same(&actual, &expected);

        run_in_pieces(&actual, &stream, limit, &rng, 1 + check_below(&rng, 60));
        ws_check_same(&actual, &expected);
    }
}

/* After every single byte the reader has come to where the model comes with just
 * the bytes so far: errors neither early nor late, nothing held back. */
static void test_every_beginning(void)
{
    check_rng rng = {9};
    for (int round = 0; round < 400; round++) {
        const limits limit = {check_below(&rng, 300), (uint32_t)(1 + check_below(&rng, 6)), check_below(&rng, 2) > 0};
        make_stream(&stream, &rng);
        tsio_ws_reader reader;
        tsio_ws_reader_init(&reader, limit.max_message_bytes, limit.max_fragments);
        reader.deflate = limit.deflate;
        reset(&actual);
        for (size_t i = 0; i < stream.len; i++) {
            ws_feed(&actual, &reader, stream.data + i, 1);
            model(&expected, stream.data, i + 1, limit);
            ws_check_same(&actual, &expected);
        }
    }
}

/* Headers of random bits alone: every rule of the header meets every other. */
static void test_random_headers(void)
{
    check_rng rng = {10};
    for (int round = 0; round < 300000; round++) {
        const limits limit = {check_below(&rng, 2) ? UINT64_MAX : check_below(&rng, 100000), 2, check_below(&rng, 2) > 0};
        stream.len = check_below(&rng, 15);
        check_random_bytes(&rng, stream.data, stream.len);
        if (stream.len > 1 && check_below(&rng, 4) > 0) {
            stream.data[0] &= check_below(&rng, 4) > 0 ? 0x8f : 0xcf;
            stream.data[1] |= 0x80;
        }
        if (stream.len > 8 && check_below(&rng, 2) > 0)
            memset(stream.data + 2, 0, check_below(&rng, 8));
        model(&expected, stream.data, stream.len, limit);
        seen[-(int)expected.status]++;
        run_in_pieces(&actual, &stream, limit, &rng, 15);
        ws_check_same(&actual, &expected);
    }
}

/* The streams above reached everything that a reader can say, and not just once. */
static void test_reach(void)
{
    for (int status = TSIO_OK; status >= TSIO_E_CLOSE_REASON; status--)
        if (status != TSIO_E_NO_MEMORY && seen[-status] < 20)
            CHECK_FAIL("only %u streams met: %s", seen[-status], tsio_status_text((tsio_status)status));
}

int main(void)
{
    test_random_pieces();
    test_every_beginning();
    test_random_headers();
    test_reach();
    return check_done("ws_frame_model");
}
