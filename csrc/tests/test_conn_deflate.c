/* Connections of clients that have agreed upon compression: what they may send,
 * what they must not, and what they are sent. */
#include "conn_help.h"
#include "message_forms.h"

enum { MAX = 1000, THRESHOLD = 16 };

static tsio_deflate *deflate, *eager; /* ours; and one that compresses whatever gets smaller */
static tsio_dialect dialect = {.revision = 4}, typed = {.revision = 3};

static void begin(void)
{
    deflate = tsio_deflate_new(6, 15, 8, THRESHOLD, 100000);
    eager = tsio_deflate_new(6, 15, 8, 0, 100000);
    CHECK(deflate != NULL && eager != NULL);
    dialect.deflate = typed.deflate = deflate;
}

static void end(tsio_conn *conn)
{
    tsio_conn_free(conn);
    tsio_deflate_free(deflate);
    tsio_deflate_free(eager);
    CHECK_EQ(alloc_live, 0);
}

static void open_conn(tsio_conn *conn)
{
    begin();
    tsio_conn_init(conn, MAX, 5, 100, BIG, TSIO_POLICY_DISCONNECT);
    tsio_conn_set_dialect(conn, &dialect);
    tsio_conn_set_open(conn, true);
    stream.len = 0;
}

/* A client's message, compressed, in frames of at most `piece` bytes. */
static void put_payload(uint8_t opcode, const uint8_t *payload, size_t len, size_t piece)
{
    size_t at = 0;
    do {
        const size_t count = len - at < piece ? len - at : piece;
        const uint8_t first = at == 0 ? (uint8_t)(TSIO_WS_RSV1 | opcode) : TSIO_WS_CONTINUATION;
        ws_put_frame(&stream, at + count == len, first, payload + at, count);
        at += count;
    } while (at < len);
}

/* A message of `len` times the same byte, compressed. */
static void put_run(uint8_t opcode, uint8_t byte, size_t len, size_t piece)
{
    tsio_buf run = {0}, frame = {0};
    uint8_t header[10];
    CHECK_EQ(tsio_buf_append(&run, header, tsio_ws_header_build(header, opcode, len)), TSIO_OK);
    for (size_t i = 0; i < len; i++)
        CHECK_EQ(tsio_buf_append(&run, &byte, 1), TSIO_OK);
    CHECK_EQ(tsio_deflate_frames(eager, &run, 1, &frame), TSIO_OK);
    CHECK(frame.len > 0 && frame.data[0] == (0xc0 | opcode));
    const tsio_ws_payload payload = tsio_ws_payload_at(frame.data);
    put_payload(opcode, payload.data, payload.len, piece);
    tsio_buf_free(&run);
    tsio_buf_free(&frame);
}

static void check_run(tsio_conn *conn, tsio_conn_event_kind kind, char byte, size_t len)
{
    char expected[MAX + 1] = {0};
    memset(expected, byte, len);
    check_next(conn, kind, expected);
}

/* What Chromium sends for "3": a fixed block of one byte, and the end of another one. */
#define THREE "\x32\x06\x00"

static void compressed_messages_are_inflated(void)
{
    tsio_conn conn;
    open_conn(&conn);
    put_run(TSIO_WS_TEXT, 'a', 500, BIG);
    put(TSIO_WS_TEXT, "not compressed");
    put_run(TSIO_WS_BINARY, 'b', 700, BIG);
    put_payload(TSIO_WS_TEXT, BYTES(THREE), BIG);
    put_payload(TSIO_WS_TEXT, BYTES("\x00"), BIG); /* an empty message, in either way */
    put_payload(TSIO_WS_BINARY, (const uint8_t *)"", 0, BIG);
    feed(&conn);
    check_run(&conn, TSIO_CONN_TEXT, 'a', 500);
    check_next(&conn, TSIO_CONN_TEXT, "not compressed");
    check_run(&conn, TSIO_CONN_BINARY, 'b', 700);
    check_next(&conn, TSIO_CONN_TEXT, "3"); /* while there is no heartbeat */
    check_next(&conn, TSIO_CONN_TEXT, "");
    check_next(&conn, TSIO_CONN_BINARY, "");
    check_idle(&conn);
    CHECK(conn.ws.message.data == NULL && conn.ws.input.data == NULL);
    end(&conn);
}

/* Byte by byte, in fragments, and with a ping between them. */
static void compressed_messages_come_in_pieces(void)
{
    tsio_conn conn;
    open_conn(&conn);
    put_run(TSIO_WS_TEXT, 'a', 900, 3);
    put_run(TSIO_WS_TEXT, 'b', MAX, BIG);
    const size_t len = stream.len;
    tsio_conn_event event;
    size_t seen = 0;
    for (size_t i = 0; i < len; i++) {
        CHECK_EQ(tsio_conn_feed(&conn, stream.data + i, 1), TSIO_OK);
        CHECK_EQ(tsio_conn_next(&conn, 0, &event), TSIO_OK);
        if (event.kind == TSIO_CONN_NEED_MORE)
            continue;
        CHECK(event.kind == TSIO_CONN_TEXT && event.len == (seen == 0 ? 900 : MAX));
        CHECK(event.data[0] == (seen == 0 ? 'a' : 'b') && event.data[event.len - 1] == event.data[0]);
        seen++;
    }
    CHECK_EQ(seen, 2);
    stream.len = 0;
    ws_put_frame(&stream, false, TSIO_WS_RSV1 | TSIO_WS_TEXT, "\x32", 1);
    put(TSIO_WS_PING, "?");
    ws_put_frame(&stream, true, TSIO_WS_CONTINUATION, "\x06\x00", 2);
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "3");
    check_idle(&conn);
    check_take(&conn, BIG, "\x8a\x01?", 3);
    end(&conn);
}

static void limit_counts_what_was_inflated(void)
{
    tsio_conn conn;
    for (uint8_t opcode = TSIO_WS_TEXT; opcode <= TSIO_WS_BINARY; opcode++) {
        open_conn(&conn);
        put_run(opcode, 'x', MAX, BIG);
        put_run(opcode, 'y', MAX + 1, BIG);
        feed(&conn);
        check_run(&conn, opcode == TSIO_WS_TEXT ? TSIO_CONN_TEXT : TSIO_CONN_BINARY, 'x', MAX);
        check_fails(&conn, TSIO_E_MESSAGE_TOO_BIG);
        end(&conn);
    }
}

/* A stored block has five bytes in front of it, and so has what ends the message. */
static void incompressible_message_of_the_limit(void)
{
    tsio_conn conn;
    static uint8_t stored[5 + MAX + 1] = {0, MAX & 255, MAX >> 8, 255 - (MAX & 255), 255 - (MAX >> 8)};
    memset(stored + 5, 'z', MAX);
    open_conn(&conn);
    put_payload(TSIO_WS_BINARY, stored, sizeof stored, BIG);
    feed(&conn);
    check_run(&conn, TSIO_CONN_BINARY, 'z', MAX);
    end(&conn);
}

/* The limits of what is sent hold, too, before anything is inflated. */
static void limits_of_what_was_compressed(void)
{
    tsio_conn conn;
    static const uint8_t garbage[2 * MAX];
    open_conn(&conn);
    put_payload(TSIO_WS_BINARY, garbage, MAX + MAX / 8 + 65, BIG);
    stream.len = 8; /* its head is enough */
    feed(&conn);
    check_fails(&conn, TSIO_E_MESSAGE_TOO_BIG);
    end(&conn);
    open_conn(&conn);
    put_payload(TSIO_WS_BINARY, garbage, 6, 1);
    feed(&conn);
    check_fails(&conn, TSIO_E_TOO_MANY_FRAGMENTS);
    end(&conn);
}

static void fails_with(uint8_t opcode, const uint8_t *payload, size_t len, tsio_status expected)
{
    tsio_conn conn;
    open_conn(&conn);
    put_payload(opcode, payload, len, BIG);
    feed(&conn);
    check_fails(&conn, expected);
    CHECK(conn.ws.message.data == NULL);
    end(&conn);
}

static void broken_messages_fail_the_connection(void)
{
    fails_with(TSIO_WS_BINARY, BYTES("\xff\xff\xff"), TSIO_E_INFLATE);
    fails_with(TSIO_WS_TEXT, BYTES("\x32"), TSIO_E_INFLATE);              /* cut off */
    fails_with(TSIO_WS_TEXT, BYTES(THREE "\x07"), TSIO_E_INFLATE);        /* and more behind it */
    fails_with(TSIO_WS_TEXT, BYTES("\x00\x01\x00\xfe\xff\xff\x00"), TSIO_E_INVALID_UTF8);
    fails_with(TSIO_WS_TEXT, BYTES("\x00\x02\x00\xfd\xff\xe2\x82\x00"), TSIO_E_INVALID_UTF8); /* half a character */
}

/* A character may be cut where a frame ends: UTF-8 is a matter of what was inflated. */
static void text_is_judged_as_a_whole(void)
{
    tsio_conn conn;
    open_conn(&conn);
    put_payload(TSIO_WS_TEXT, BYTES("\x00\x03\x00\xfc\xff\xe2\x82\xac\x00"), 6);
    put_payload(TSIO_WS_BINARY, BYTES("\x00\x01\x00\xfe\xff\xff\x00"), BIG);
    feed(&conn);
    check_next(&conn, TSIO_CONN_TEXT, "\xe2\x82\xac");
    check_next(&conn, TSIO_CONN_BINARY, "\xff");
    end(&conn);
}

static void reserved_bits(void)
{
    static const uint8_t bad[] = {
        0x40 | TSIO_WS_CONTINUATION, 0x40 | TSIO_WS_PING, 0x40 | TSIO_WS_PONG, 0x40 | TSIO_WS_CLOSE,
        0x20 | TSIO_WS_TEXT,         0x50 | TSIO_WS_TEXT, 0x10 | TSIO_WS_TEXT,
    };
    tsio_conn conn;
    for (size_t i = 0; i < sizeof bad; i++) {
        open_conn(&conn);
        if (bad[i] == 0x40)
            ws_put_frame(&stream, false, TSIO_WS_RSV1 | TSIO_WS_TEXT, "\x32", 1);
        put(bad[i], "");
        feed(&conn);
        check_fails(&conn, TSIO_E_RESERVED_BITS);
        end(&conn);
    }
    open_conn(&conn);
    tsio_conn_set_dialect(&conn, NULL); /* nothing was agreed upon after all */
    put_payload(TSIO_WS_TEXT, BYTES(THREE), BIG);
    feed(&conn);
    check_fails(&conn, TSIO_E_RESERVED_BITS);
    end(&conn);
}

static void compressed_heartbeat_answer(void)
{
    tsio_conn conn;
    tsio_wheel wheel;
    tsio_conn_event event;
    open_conn(&conn);
    tsio_wheel_init(&wheel, 1.0 / 16, 100);
    tsio_conn_heartbeat_start(&conn, &wheel, 100, 25, 20);
    CHECK(tsio_conn_expired(&wheel, 126) == &conn);
    CHECK_EQ(tsio_conn_on_timer(&conn, &wheel, 126), TSIO_TIMER_PING);
    CHECK_EQ(conn.hb_state, TSIO_HB_PING_QUEUED);
    put_payload(TSIO_WS_TEXT, BYTES(THREE), BIG);
    feed(&conn);
    CHECK_EQ(tsio_conn_next(&conn, 127, &event), TSIO_OK);
    CHECK_EQ(event.kind, TSIO_CONN_NEED_MORE);
    CHECK_EQ(conn.hb_state, TSIO_HB_WAIT_PING);
    CHECK(conn.ping_at == 152);
    tsio_conn_detach(&conn, &wheel);
    end(&conn);
}

/* --- what they are sent ---------------------------------------------------- */

/* A header, and an attachment; both repeat themselves. */
static tsio_message *new_message(void)
{
    static const uint8_t runs[300];
    char text[201] = {0};
    tsio_message *message = tsio_message_new(0, 7);
    memset(text, 't', 200);
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)text, 200), TSIO_OK);
    CHECK_EQ(tsio_message_add_binary(message, runs, sizeof runs), TSIO_OK);
    return message;
}

static void check_inflates(const uint8_t **at, uint8_t head, const uint8_t *expected, size_t expected_len)
{
    tsio_buf out = {0};
    CHECK_EQ((*at)[0], head);
    const tsio_ws_payload payload = tsio_ws_payload_at(*at);
    CHECK_EQ(tsio_inflate_message(deflate, payload.data, payload.len, &out, MAX), TSIO_OK);
    CHECK_BYTES(out.data, out.len, expected, expected_len);
    *at = payload.data + payload.len;
    tsio_buf_free(&out);
}

static void message_is_deflated_once(void)
{
    tsio_conn conn;
    open_conn(&conn);
    tsio_message *message = new_message();
    CHECK_EQ(tsio_conn_send(&conn, message, 0), TSIO_OK);
    const tsio_message *form = message->forms->deflated;
    CHECK(form != NULL && form->key == 7 && form->parts == 2 && form->binary && form->refs == 2);
    CHECK(form->ws.len < 60);
    CHECK_EQ(tsio_conn_queued(&conn).bytes, form->ws.len); /* what the limits count */
    const size_t calls = alloc_calls;
    CHECK(tsio_message_in(message, &dialect) == form);
    CHECK_EQ(alloc_calls, calls);
    const uint8_t *at = form->ws.data, *original = message->ws.data;
    tsio_message_part part = tsio_message_next_part(&original);
    check_inflates(&at, 0xc1, part.data, part.len);
    part = tsio_message_next_part(&original);
    check_inflates(&at, 0xc2, part.data, part.len);
    CHECK(at == form->ws.data + form->ws.len);
    check_take(&conn, BIG, form->ws.data, form->ws.len);
    CHECK(tsio_message_in(message, NULL) == message);
    tsio_message_unref(message);
    end(&conn);
}

static void form_of_revision3_is_deflated(void)
{
    begin();
    tsio_conn conn = {0};
    tsio_message *message = new_message();
    const tsio_message *form = tsio_message_in(message, &typed);
    CHECK(message->forms->deflated == NULL && message->forms->typed->forms->deflated == form);
    static const uint8_t attachment[301] = {4};
    const uint8_t *at = form->ws.data, *original = message->ws.data;
    const tsio_message_part part = tsio_message_next_part(&original);
    check_inflates(&at, 0xc1, part.data, part.len);
    check_inflates(&at, 0xc2, attachment, sizeof attachment);
    tsio_message_unref(message);
    end(&conn);
}

/* Told not to; too small; too large; and what does not get smaller is tried once. */
static void messages_that_stay_as_they_are(void)
{
    tsio_conn conn = {0};
    begin();
    tsio_message *message = new_message();
    message->never_compress = true;
    CHECK(tsio_message_in(message, &dialect) == message);
    CHECK(message->forms == NULL);
    CHECK(tsio_message_in(message, &typed) == message->forms->typed); /* so are its other forms */
    tsio_message_unref(message);

    message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '2', BYTES("")), TSIO_OK);
    CHECK(tsio_message_in(message, &dialect) == message);
    CHECK(message->forms == NULL && !message->futile);
    tsio_message_unref(message);

    uint8_t random[5000];
    check_rng rng = {3};
    check_random_bytes(&rng, random, sizeof random);
    message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_binary(message, random, sizeof random), TSIO_OK);
    CHECK(tsio_message_in(message, &dialect) == message);
    CHECK(message->futile && message->forms->deflated == NULL);
    const size_t calls = alloc_calls;
    CHECK(tsio_message_in(message, &dialect) == message);
    CHECK_EQ(alloc_calls, calls);
    tsio_message_unref(message);

    uint8_t *zeros = check_block(NULL, 100000);
    message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_binary(message, zeros, 100000), TSIO_OK);
    CHECK(tsio_message_in(message, &dialect) == message);
    tsio_message_unref(message);
    check_block_free(zeros, 100000);
    end(&conn);
}

/* The fast path sends messages unchanged, so a connection with compression does not enter it. */
static void upgrade_brings_compression(void)
{
    tsio_conn session, candidate;
    open_conn(&candidate);
    tsio_conn_init(&session, MAX, 5, 100, BIG, TSIO_POLICY_DISCONNECT);
    tsio_conn_set_open(&session, true);
    tsio_message *message = new_message();
    CHECK_EQ(tsio_conn_send(&session, message, 0), TSIO_OK);
    tsio_conn_adopt(&session, &candidate);
    CHECK_EQ(tsio_conn_send(&session, message, 0), TSIO_OK);
    CHECK_EQ(tsio_conn_queued(&session).bytes, message->ws.len + message->forms->deflated->ws.len);
    put_payload(TSIO_WS_TEXT, BYTES(THREE), BIG);
    CHECK_EQ(tsio_conn_feed(&session, stream.data, stream.len), TSIO_OK);
    check_next(&session, TSIO_CONN_TEXT, "3");
    CHECK_EQ(tsio_conn_feed(&candidate, stream.data, stream.len), TSIO_OK);
    check_fails(&candidate, TSIO_E_RESERVED_BITS); /* its WebSocket is a fresh one */
    tsio_message_unref(message);
    tsio_conn_free(&session);
    end(&candidate);
}

/* With the n-th allocation failing, all else is as it was. */
static void without_memory(void)
{
    for (size_t n = 1, hit = 1; hit > 0; n++) {
        tsio_conn conn;
        tsio_conn_event event = {.kind = TSIO_CONN_NEED_MORE};
        open_conn(&conn);
        put_run(TSIO_WS_TEXT, 'a', 900, 5);
        feed(&conn);
        tsio_message *message = new_message();
        alloc_fail(n, true);
        const tsio_status sent = tsio_conn_send(&conn, message, 0);
        const tsio_status received = tsio_conn_next(&conn, 0, &event);
        hit = alloc_heal();
        CHECK(sent == TSIO_OK || sent == TSIO_E_NO_MEMORY);
        CHECK_EQ(tsio_conn_queued(&conn).packets, sent == TSIO_OK);
        CHECK_EQ(received, hit ? TSIO_E_NO_MEMORY : TSIO_OK);
        CHECK(hit || (event.kind == TSIO_CONN_TEXT && event.len == 900));
        if (sent != TSIO_OK)
            CHECK_EQ(tsio_conn_send(&conn, message, 0), TSIO_OK);
        CHECK(tsio_message_in(message, &dialect) == message->forms->deflated);
        tsio_message_unref(message);
        end(&conn);
        CHECK(hit || n > 5);
    }
}

int main(void)
{
    alloc_install();
    compressed_messages_are_inflated();
    compressed_messages_come_in_pieces();
    limit_counts_what_was_inflated();
    incompressible_message_of_the_limit();
    limits_of_what_was_compressed();
    broken_messages_fail_the_connection();
    text_is_judged_as_a_whole();
    reserved_bits();
    compressed_heartbeat_answer();
    message_is_deflated_once();
    form_of_revision3_is_deflated();
    messages_that_stay_as_they_are();
    upgrade_brings_compression();
    without_memory();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_deflate");
}
