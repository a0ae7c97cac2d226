/* Adoption: a session takes over the WebSocket of a candidate. */
#include "conn_help.h"

static void session_adopts_the_websocket(void)
{
    tsio_conn session, candidate;
    tsio_conn_event event;
    start(&candidate);
    start(&session);
    push(&session, "kept", TSIO_OK);
    put(TSIO_WS_PING, "p");
    put(TSIO_WS_TEXT, "5");
    put(TSIO_WS_TEXT, "4behind");
    ws_put_frame(&stream, false, TSIO_WS_TEXT, "4cut", 4);
    ws_put_header(&stream, 0x80, 0x80 | 5, 0, 0);
    feed(&candidate);
    CHECK_EQ(tsio_conn_next(&candidate, 0, &event), TSIO_OK);
    static const tsio_dialect dialect = {.revision = 3, .base64 = true};
    tsio_conn_set_dialect(&candidate, &dialect);
    tsio_conn_adopt(&session, &candidate);
    CHECK(session.dialect == &dialect);
    CHECK_BYTES(event.data, event.len, "5", 1); /* lives on */
    check_idle(&candidate);
    CHECK(!tsio_conn_has_output(&candidate));
    tsio_conn_free(&candidate);

    check_next(&session, TSIO_CONN_TEXT, "4behind");
    check_idle(&session);
    ws_put(&stream, "\0\0\0\0 here", 9);
    feed(&session);
    check_next(&session, TSIO_CONN_TEXT, "4cut here");
    check_take(&session, BIG, "\x8a\x01p" "\x81\x05" "4kept", 10);
    finish(&session);
}

static void adoption_moves_the_end_of_a_websocket(void)
{
    tsio_conn session, candidate;
    start(&session);
    start(&candidate);
    put(TSIO_WS_CLOSE, "");
    feed(&candidate);
    check_next(&candidate, TSIO_CONN_CLOSE, "");
    tsio_conn_close(&candidate, 1000, (const uint8_t *)"reason", 6);
    tsio_conn_adopt(&session, &candidate);
    put(TSIO_WS_TEXT, "late");
    feed(&session);
    check_idle(&session);
    push(&session, "late", TSIO_E_DROPPED);
    check_take(&session, BIG, "\x88\x08\x03\xe8reason", 10);
    tsio_conn_adopt(&session, &candidate); /* a fresh one: the old state goes */
    put(TSIO_WS_TEXT, "new");
    feed(&session);
    check_next(&session, TSIO_CONN_TEXT, "new");
    tsio_conn_free(&candidate);
    finish(&session);
}

int main(void)
{
    alloc_install();
    session_adopts_the_websocket();
    adoption_moves_the_end_of_a_websocket();
    CHECK_EQ(alloc_live, 0);
    return check_done("conn");
}
