/* session.c -- a session from its first byte to its last: the opening handshake of
 * the WebSocket, its frames, the open packet and the CONNECT. */
#include <stdio.h>
#include <stdlib.h>

#include "csrc/base64.h"
#include "csrc/mask.h"
#include "limit/server.h"
#include "limit/sha1.h"
#include "load/fail.h"
#include "load/frame.h"

/* RFC 6455 section 1.3. */
static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
static const char ANSWER[] = "HTTP/1.1 101 Switching Protocols\r\n"
                             "Upgrade: websocket\r\n"
                             "Connection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: %s\r\n"
                             "\r\n";
static const char OPEN[] = "0{\"sid\":\"%016x%04x\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"
                           "\"maxPayload\":1000000}";
static const char CONNECTED[] = "40{\"sid\":\"%016x%04x\"}";

static void end_session(limit_session *session)
{
    net_close(&session->conn, false);
    deliver_forget(session);
    session->next_gone = session->server->gone;
    session->server->gone = session;
}

void sessions_free_gone(limit_server *server)
{
    while (server->gone != NULL) {
        limit_session *session = server->gone;
        server->gone = session->next_gone;
        net_free(&session->conn);
        free(session->packet);
        free(session);
    }
}

/* --- what the server says by itself ------------------------------------------------- */

static void send_frame(limit_session *session, uint8_t opcode, const void *data, size_t len)
{
    uint8_t header[FRAME_HEADER_MAX];
    net_write(&session->conn, header, frame_build(header, opcode, len, NULL));
    net_write(&session->conn, data, len);
}

/* Both packets name the session by its descriptor: unique while it lasts, which is
 * all that a server without recovery and without polling needs. */
static void send_named(limit_session *session, const char *format)
{
    char text[160];
    const int len = snprintf(text, sizeof text, format, 0u, (unsigned)session->conn.fd);
    send_frame(session, FRAME_TEXT, text, (size_t)len);
}

/* --- frames ------------------------------------------------------------------------ */

static void got_text(limit_session *session, uint8_t *data, size_t len)
{
    if (len >= 2 && data[0] == '4' && data[1] == '0') {
        send_named(session, CONNECTED);
        deliver_admit(session);
    } else if (len >= 3 && data[0] == '4' && data[1] == '5') {
        session->packet = grow(session->packet, len);
        memcpy(session->packet, data, len);
        session->packet_len = len;
    } else if (len >= 3 && data[0] == '4' && data[1] == '2') {
        deliver(session, data, len, NULL, 0);
    }
}

static void got_binary(limit_session *session, const uint8_t *data, size_t len)
{
    const size_t packet_len = session->packet_len;
    session->packet_len = 0;
    if (packet_len > 0)
        deliver(session, session->packet, packet_len, data, len);
}

static void got_frame(limit_session *session, const frame_header *header, uint8_t *data)
{
    const size_t len = (size_t)header->payload_len;
    tsio_mask(data, len, header->key, 0);
    switch (header->opcode) {
    case FRAME_TEXT: got_text(session, data, len); return;
    case FRAME_BINARY: got_binary(session, data, len); return;
    case FRAME_PING: send_frame(session, FRAME_PONG, data, len); return;
    case FRAME_PONG: return;
    default: end_session(session); return;
    }
}

static size_t got_frames(limit_session *session, uint8_t *data, size_t len)
{
    size_t used = 0;
    while (session->conn.fd >= 0) {
        frame_header header;
        const size_t header_len = frame_parse(data + used, len - used, &header);
        if (header_len > 0 && (!header.whole || !header.masked)) {
            end_session(session);
            break;
        }
        if (header_len == 0 || header.payload_len > len - used - header_len)
            break;
        uint8_t *payload = data + used + header_len;
        used += header_len + (size_t)header.payload_len;
        got_frame(session, &header, payload);
    }
    return used;
}

/* --- the opening handshake ------------------------------------------------------------ */

static bool answer_upgrade(limit_session *session, const char *key, size_t key_len)
{
    uint8_t joined[SHA1_INPUT_MAX], digest[SHA1_BYTES];
    char accept[32] = "", answer[256];
    if (key_len + sizeof GUID - 1 > sizeof joined)
        return false;
    memcpy(joined, key, key_len);
    memcpy(joined + key_len, GUID, sizeof GUID - 1);
    sha1(digest, joined, key_len + sizeof GUID - 1);
    tsio_base64_encode((uint8_t *)accept, digest, sizeof digest);
    const int len = snprintf(answer, sizeof answer, ANSWER, accept);
    net_write(&session->conn, answer, (size_t)len);
    return true;
}

/* The value of the one field that is needed; NULL if the head lacks it. */
static const char *find_key(const char *head)
{
    static const char NAME[] = "\r\nSec-WebSocket-Key:";
    const char *key = strcasestr(head, NAME);
    return key != NULL ? key + sizeof NAME - 1 + strspn(key + sizeof NAME - 1, " \t") : NULL;
}

static size_t got_head(limit_session *session, uint8_t *data, size_t len)
{
    uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    end[2] = '\0'; /* the last line keeps its end, and the head becomes a string */
    const char *key = find_key((const char *)data);
    if (key == NULL || !answer_upgrade(session, key, strcspn(key, " \t\r"))) {
        end_session(session);
        return len;
    }
    session->upgraded = true;
    send_named(session, OPEN);
    return (size_t)(end - data) + 4;
}

static size_t on_received(net_conn *conn, uint8_t *data, size_t len)
{
    limit_session *session = conn->owner;
    const size_t used = session->upgraded ? 0 : got_head(session, data, len);
    return session->upgraded ? used + got_frames(session, data + used, len - used) : used;
}

static void on_closed(net_conn *conn, int error)
{
    (void)error;
    end_session(conn->owner);
}

static const net_handler HANDLER = {.received = on_received, .closed = on_closed};

void session_start(limit_server *server, int fd)
{
    limit_session *session = grow(NULL, sizeof *session);
    *session = (limit_session){
        .conn = {.fd = -1, .handler = &HANDLER, .owner = session},
        .server = server,
        .place = NOWHERE,
    };
    if (!net_adopt(&server->net, &session->conn, fd))
        fail("a session could not be watched");
}
