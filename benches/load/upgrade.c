#include "load/upgrade.h"

#include "load/load.h"

static void send_on_websocket(bench_client *client, const char *text)
{
    transport_websocket.send(client, false, (const uint8_t *)text, strlen(text));
}

void upgrade_begin(bench_client *client, const char *sid)
{
    client->upgrade = UPGRADE_PROBING;
    websocket_connect(client, sid);
}

void upgrade_opened(bench_client *client)
{
    send_on_websocket(client, "2probe");
}

void upgrade_got(bench_client *client, const uint8_t *data, size_t len)
{
    if (len != 6 || memcmp(data, "3probe", 6) != 0) {
        client_lost(client, "something else than the answer to the probe");
        return;
    }
    client->upgrade = UPGRADE_PAUSING;
    polling_pause(client);
}

/* The client keeps no connection of polling open. */
void upgrade_paused(bench_client *client)
{
    send_on_websocket(client, "5");
    websocket_ping(client);
    transport_polling.close(client);
    client->upgrade = UPGRADE_CONFIRMING;
}

/* --- the transport ------------------------------------------------------------------ */

static void default_open(bench_client *client)
{
    client->upgrade = UPGRADE_EXPECTED;
    client->upgraded = false;
    transport_polling.open(client);
}

static void default_send(bench_client *client, bool binary, const uint8_t *data, size_t len)
{
    const bool has_upgraded = client->upgrade == NO_UPGRADE || client->upgrade == UPGRADE_CONFIRMING;
    const bench_transport *transport = has_upgraded ? &transport_websocket : &transport_polling;
    transport->send(client, binary, data, len);
}

static void default_close(bench_client *client)
{
    transport_polling.close(client);
    transport_websocket.close(client);
}

static void default_free(bench_client *client)
{
    transport_polling.free(client);
    transport_websocket.free(client);
}

const bench_transport transport_default = {default_open, default_send, default_close, default_free};
