/* websocket.c -- the transport `websocket`: the upgrade, then frames walked in place. */
#include <stdio.h>

#include "csrc/mask.h"
#include "load/agent.h"
#include "load/frame.h"
#include "load/load.h"
#include "load/upgrade.h"

/* Any 16 bytes do as a key, "trio-socketio-be" here: it guards against caches, not
 * against attackers (RFC 6455 section 10.3). */
static const char REQUEST[] = "GET /socket.io/?EIO=4&transport=websocket%s%s HTTP/1.1\r\n"
                              "Host: %s\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dHJpby1zb2NrZXRpby1iZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "%s"
                              "\r\n";

/* --- sending -------------------------------------------------------------------- */

/* A new key per frame, as section 5.3 demands; that it be unpredictable matters to
 * browsers only. xorshift64. */
static void next_key(bench_load *load, uint8_t key[4])
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    memcpy(key, &load->random, 4);
}

static void send_frame(bench_client *client, uint8_t opcode, const uint8_t *data, size_t len)
{
    uint8_t key[4];
    next_key(client->load, key);
    uint8_t *frame = net_reserve(&client->conn, FRAME_HEADER_MAX + len);
    const size_t header_len = frame_build(frame, opcode, len, key);
    if (len > 0)
        memcpy(frame + header_len, data, len);
    tsio_mask(frame + header_len, len, key, 0);
    net_commit(&client->conn, header_len + len);
}

static void websocket_send(bench_client *client, bool binary, const uint8_t *data, size_t len)
{
    send_frame(client, binary ? FRAME_BINARY : FRAME_TEXT, data, len);
}

void websocket_ping(bench_client *client)
{
    send_frame(client, FRAME_PING, NULL, 0);
}

/* --- receiving ------------------------------------------------------------------- */

static void got_close(bench_client *client, const uint8_t *data, size_t len)
{
    char why[64];
    const unsigned code = len >= 2 ? tsio_load_be16(data) : 0;
    snprintf(why, sizeof why, "the server closed the WebSocket with code %u", code);
    client_lost(client, why);
}

static void got_frame(bench_client *client, const frame_header *header, const uint8_t *data, size_t len)
{
    if (!header->whole || header->masked) {
        client_lost(client, "a frame that is fragmented, compressed or masked");
        return;
    }
    switch (header->opcode) {
    case FRAME_TEXT:
        if (client->upgrade == UPGRADE_PROBING)
            upgrade_got(client, data, len);
        else
            client_got_text(client, data, len);
        return;
    case FRAME_BINARY: client_got_binary(client, data, len); return;
    case FRAME_PING: send_frame(client, FRAME_PONG, data, len); return;
    case FRAME_PONG:
        if (client->upgrade == UPGRADE_CONFIRMING)
            client_upgraded(client);
        return;
    case FRAME_CLOSE: got_close(client, data, len); return;
    default: client_lost(client, "a frame with a reserved opcode"); return;
    }
}

static size_t got_frames(bench_client *client, const uint8_t *data, size_t len)
{
    size_t used = 0;
    while (client->upgraded) {
        frame_header header;
        const size_t header_len = frame_parse(data + used, len - used, &header);
        if (header_len == 0 || header.payload_len > len - used - header_len)
            break;
        const uint8_t *payload = data + used + header_len;
        used += header_len + (size_t)header.payload_len;
        got_frame(client, &header, payload, (size_t)header.payload_len);
    }
    return client->upgraded ? used : len; /* closed meanwhile: the rest is nobody's */
}

/* The answer to the upgrade request; the open packet may come right behind it. */
static size_t got_head(bench_client *client, const uint8_t *data, size_t len)
{
    static const char STATUS[] = "HTTP/1.1 101 ";
    const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    if (len < sizeof STATUS - 1 || memcmp(data, STATUS, sizeof STATUS - 1) != 0) {
        char why[128];
        const uint8_t *line_end = memchr(data, '\r', len);
        snprintf(why, sizeof why, "the upgrade was answered: %.*s", (int)(line_end - data), (const char *)data);
        client_lost(client, why);
        return len;
    }
    client->upgraded = true;
    if (client->upgrade != NO_UPGRADE)
        upgrade_opened(client);
    return (size_t)(end - data) + 4;
}

static size_t websocket_received(net_conn *conn, uint8_t *data, size_t len)
{
    bench_client *client = conn->owner;
    size_t used = 0;
    if (!client->upgraded)
        used = got_head(client, data, len);
    return client->upgraded ? used + got_frames(client, data + used, len - used) : used;
}

/* --- opening and closing ------------------------------------------------------------ */

static void websocket_closed(net_conn *conn, int error)
{
    client_lost(conn->owner, error == 0 ? "the server closed the connection" : strerror(error));
}

static const net_handler HANDLER = {.received = websocket_received, .closed = websocket_closed};

void websocket_connect(bench_client *client, const char *sid)
{
    char request[2048], fields[1024];
    const char *host = client->load->host;
    client->upgraded = false;
    client->conn.handler = &HANDLER;
    client->conn.owner = client;
    load_connect(client, &client->conn);
    client->load->requests++;
    agent_fields(fields, sizeof fields, client->agent, REQUEST_UPGRADE, host);
    const int len =
        snprintf(request, sizeof request, REQUEST, *sid != '\0' ? "&sid=" : "", sid, host, fields);
    net_write(&client->conn, request, (size_t)len);
}

static void websocket_open(bench_client *client)
{
    websocket_connect(client, "");
}

static void websocket_close(bench_client *client)
{
    client->upgraded = false;
    net_close(&client->conn, true);
}

/* The buffers are the client's own. */
static void websocket_free(bench_client *client)
{
    (void)client;
}

const bench_transport transport_websocket = {websocket_open, websocket_send, websocket_close, websocket_free};
