/* Messages that are compressed for a client, and those that are not. */
#include "conn_deflate_help.h"

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
    message_is_deflated_once();
    form_of_revision3_is_deflated();
    messages_that_stay_as_they_are();
    upgrade_brings_compression();
    without_memory();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn_deflate_out");
}
