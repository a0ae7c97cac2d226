#include "load/client.h"

#include <stdlib.h>

#include "load/load.h"
#include "load/payload.h"

static const bench_transport *const TRANSPORTS[] = {
    [TRANSPORT_WEBSOCKET] = &transport_websocket,
    [TRANSPORT_POLLING] = &transport_polling,
    [TRANSPORT_DEFAULT] = &transport_default,
};

static void send_text(bench_client *client, const char *text)
{
    client->transport->send(client, false, (const uint8_t *)text, strlen(text));
}

void client_init(bench_client *client, bench_load *load, uint32_t index)
{
    memset(client, 0, sizeof *client);
    client->load = load;
    client->transport = TRANSPORTS[load->options->transport];
    client->agent = load->options->agent;
    client->index = index;
    client->conn.fd = -1;
}

void client_open(bench_client *client)
{
    client->stage = CLIENT_OPENING;
    client->opened_ns = clock_now_ns();
    client->transport->open(client);
}

void client_close(bench_client *client)
{
    if (client->stage == CLIENT_CLOSED)
        return;
    client->stage = CLIENT_CLOSED;
    client->awaits_attachment = false;
    client->transport->close(client);
}

void client_free(bench_client *client)
{
    client_close(client);
    client->transport->free(client);
    net_free(&client->conn);
    free(client->exchange);
}

void client_emit(bench_client *client, const packet_plan *plan, uint64_t seq)
{
    bench_load *load = client->load;
    const bench_transport *transport = client->transport;
    const size_t payload_len = load->options->payload;
    const size_t len = packet_build(load->scratch, plan, payload_len, seq);
    transport->send(client, false, load->scratch, len);
    if (!plan->binary || plan->bare)
        return;
    payload_fill(load->scratch, payload_len, seq);
    transport->send(client, true, load->scratch, payload_len);
}

void client_lost(bench_client *client, const char *why)
{
    if (client->stage == CLIENT_READY)
        client->load->ready--;
    client_close(client);
    load_lost(client, why);
}

/* --- packets ------------------------------------------------------------------ */

static void become_ready(bench_client *client)
{
    client->stage = CLIENT_READY;
    client->load->on_ready(client);
}

void client_upgraded(bench_client *client)
{
    client->upgrade = NO_UPGRADE;
    if (client->stage == CLIENT_UPGRADING)
        become_ready(client);
}

static void got_message(bench_client *client, const uint8_t *data, size_t len)
{
    bench_packet packet;
    if (client->awaits_attachment)
        load_error(client, "a text message came in place of an attachment");
    client->awaits_attachment = false;
    if (!packet_parse(&packet, data, len)) {
        load_error(client, "not a packet of the application: %.*s", (int)(len < 100 ? len : 100), (const char *)data);
    } else if (packet.has_attachment) {
        client->pending = packet;
        client->awaits_attachment = true;
    } else if (packet.type == '2' || packet.type == '3') {
        client->load->on_packet(client, &packet);
    } else if (packet.type == '0' && client->stage == CLIENT_JOINING) {
        client->stage = CLIENT_UPGRADING;
        if (client->upgrade == NO_UPGRADE)
            become_ready(client);
    } else {
        client_lost(client, packet.type == '4' ? "the server refused the CONNECT" : "the server sent a DISCONNECT");
    }
}

/* Engine.IO packet types: 0 open, 1 close, 2 ping, 3 pong, 4 message, 6 noop. */
void client_got_text(bench_client *client, const uint8_t *data, size_t len)
{
    switch (len > 0 ? data[0] : 0) {
    case '4':
        got_message(client, data + 1, len - 1);
        return;
    case '2':
        client->load->pings++;
        send_text(client, "3");
        return;
    case '0':
        if (client->stage == CLIENT_OPENING) {
            client->stage = CLIENT_JOINING;
            send_text(client, "40");
            return;
        }
        break;
    case '1':
        client_lost(client, "the server closed the session");
        return;
    case '6':
        return;
    default:
        break;
    }
    load_error(client, "unexpected Engine.IO packet: %.*s", (int)(len < 100 ? len : 100), (const char *)data);
}

void client_got_binary(bench_client *client, const uint8_t *data, size_t len)
{
    if (!client->awaits_attachment) {
        load_error(client, "a binary message of %zu bytes that no packet announced", len);
        return;
    }
    client->awaits_attachment = false;
    client->pending.has_payload = true;
    client->pending.payload = data;
    client->pending.payload_len = len;
    client->load->on_packet(client, &client->pending);
}
