/* polling.c -- the transport `polling`: on one connection a GET that always waits, on
 * another a POST at a time. What is to be sent meanwhile goes with the next POST.
 *
 *     queue    packet 1e packet 1e packet ...     1e separates, as in a payload
 */
#include <stdio.h>
#include <stdlib.h>

#include "csrc/base64.h"
#include "load/agent.h"
#include "load/fail.h"
#include "load/http.h"
#include "load/load.h"
#include "load/upgrade.h"

enum {
    SEPARATOR = 0x1e,
    POST_PACKETS_MAX = 16,    /* as many as python-engineio accepts in one payload */
    POST_BYTES_MAX = 1000000, /* the servers' usual maxPayload */
    SID_MAX = 127
};

struct bench_polling {
    net_conn get, post;
    bool get_waits, post_waits; /* a request is unanswered */
    bool pauses;                /* no request is to follow */
    char sid[SID_MAX + 1];      /* "" before the open packet */
    uint8_t *queue;
    size_t queue_len, queue_capacity;
};

/* --- requests ------------------------------------------------------------------ */

/* Servers close connections that were not used for a while: one is opened when needed. */
static void write_request(bench_client *client, net_conn *conn, const char *method, size_t body_len)
{
    char head[512], fields[1024];
    const char *sid = client->polling->sid;
    bench_load *load = client->load;
    if (conn->fd < 0)
        load_connect(client, conn);
    int len = snprintf(head, sizeof head, "%s /socket.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: %s\r\n", method,
                       *sid != '\0' ? "&sid=" : "", sid, load->host);
    if (body_len > 0)
        len += snprintf(head + len, sizeof head - (size_t)len,
                        "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n", body_len);
    net_write(conn, head, (size_t)len);
    load->requests++;
    const agent_request kind = body_len > 0 ? REQUEST_POST : REQUEST_GET;
    net_write(conn, fields, agent_fields(fields, sizeof fields, client->agent, kind, load->host));
    net_write(conn, "\r\n", 2);
}

static void get(bench_client *client)
{
    client->polling->get_waits = true;
    write_request(client, &client->polling->get, "GET", 0);
}

/* The length of as many whole packets as one POST may carry. */
static size_t portion(const bench_polling *polling)
{
    size_t len = 0;
    for (unsigned packets = 0; packets < POST_PACKETS_MAX && len < polling->queue_len; packets++) {
        const size_t next = len + (len > 0);
        const uint8_t *end = memchr(polling->queue + next, SEPARATOR, polling->queue_len - next);
        const size_t with = end != NULL ? (size_t)(end - polling->queue) : polling->queue_len;
        if (with > POST_BYTES_MAX && len > 0)
            break;
        len = with;
    }
    return len;
}

static void post(bench_client *client)
{
    bench_polling *polling = client->polling;
    if (polling->post_waits || polling->queue_len == 0)
        return;
    const size_t len = portion(polling);
    const size_t gone = len < polling->queue_len ? len + 1 : len;
    polling->post_waits = true;
    write_request(client, &polling->post, "POST", len);
    net_write(&polling->post, polling->queue, len);
    polling->queue_len -= gone;
    memmove(polling->queue, polling->queue + gone, polling->queue_len);
}

static uint8_t *queue_room(bench_polling *polling, size_t len)
{
    const size_t most = polling->queue_len + 2 + len;
    if (most > polling->queue_capacity) {
        polling->queue_capacity = 2 * most;
        polling->queue = grow(polling->queue, polling->queue_capacity);
    }
    if (polling->queue_len > 0)
        polling->queue[polling->queue_len++] = SEPARATOR;
    return polling->queue + polling->queue_len;
}

static void polling_send(bench_client *client, bool binary, const uint8_t *data, size_t len)
{
    bench_polling *polling = client->polling;
    if (binary) {
        const size_t encoded_len = tsio_base64_encoded_len(len);
        uint8_t *packet = queue_room(polling, 1 + encoded_len);
        packet[0] = 'b';
        tsio_base64_encode(packet + 1, data, len);
        polling->queue_len += 1 + encoded_len;
    } else {
        memcpy(queue_room(polling, len), data, len);
        polling->queue_len += len;
    }
    post(client);
}

/* --- responses -------------------------------------------------------------------- */

/* The sid goes into the URL of all further requests. */
static void got_open(bench_polling *polling, const uint8_t *data, size_t len)
{
    static const char NAME[] = "\"sid\":\"";
    const uint8_t *sid = memmem(data, len, NAME, sizeof NAME - 1);
    if (sid == NULL)
        return;
    sid += sizeof NAME - 1;
    const uint8_t *quote = memchr(sid, '"', len - (size_t)(sid - data));
    if (quote != NULL && quote - sid <= SID_MAX) {
        memcpy(polling->sid, sid, (size_t)(quote - sid));
        polling->sid[quote - sid] = '\0';
    }
}

static void got_packet(bench_client *client, uint8_t *data, size_t len)
{
    if (len > 0 && data[0] == 'b') {
        size_t decoded_len;
        if (!tsio_base64_decode(data, &decoded_len, data + 1, len - 1))
            load_error(client, "a binary packet is not base64");
        else
            client_got_binary(client, data, decoded_len);
        return;
    }
    if (len > 0 && data[0] == '0')
        got_open(client->polling, data, len);
    client_got_text(client, data, len);
    if (client->stage == CLIENT_JOINING && client->upgrade == UPGRADE_EXPECTED)
        upgrade_begin(client, client->polling->sid);
}

static void got_payload(bench_client *client, uint8_t *data, size_t len)
{
    uint8_t *const end = data + len;
    for (uint8_t *at = data; at < end && client->stage != CLIENT_CLOSED;) {
        uint8_t *separator = memchr(at, SEPARATOR, (size_t)(end - at));
        uint8_t *packet_end = separator != NULL ? separator : end;
        got_packet(client, at, (size_t)(packet_end - at));
        at = packet_end + 1;
    }
}

/* One response; `waits` says that it was asked for. Returns its length, 0 if it is
 * not whole, or if it ended the client. */
static size_t take_response(net_conn *conn, uint8_t *data, size_t len, bool *waits, http_response *response)
{
    bench_client *client = conn->owner;
    const size_t used = http_parse(response, data, len);
    if (used == 0)
        return 0;
    if (used == HTTP_MALFORMED || !*waits) {
        client_lost(client, "not the HTTP response that was waited for");
        return 0;
    }
    if (response->status != 200) {
        char why[128];
        const int shown = response->body_len < 80 ? (int)response->body_len : 80;
        snprintf(why, sizeof why, "HTTP status %u: %.*s", response->status, shown, (const char *)response->body);
        client_lost(client, why);
        return 0;
    }
    *waits = false;
    if (response->last || client->agent == AGENT_NODE) /* which has asked for it */
        net_close(conn, false);
    return used;
}

static void check_pause(bench_client *client)
{
    if (!client->polling->get_waits && !client->polling->post_waits)
        upgrade_paused(client);
}

void polling_pause(bench_client *client)
{
    client->polling->pauses = true;
    check_pause(client);
}

static size_t get_received(net_conn *conn, uint8_t *data, size_t len)
{
    bench_client *client = conn->owner;
    http_response response;
    const size_t used = take_response(conn, data, len, &client->polling->get_waits, &response);
    if (used == 0)
        return 0;
    got_payload(client, response.body, response.body_len);
    if (client->stage != CLIENT_CLOSED && !client->polling->pauses)
        get(client);
    else if (client->stage != CLIENT_CLOSED)
        check_pause(client);
    return used;
}

static size_t post_received(net_conn *conn, uint8_t *data, size_t len)
{
    bench_client *client = conn->owner;
    http_response response;
    const size_t used = take_response(conn, data, len, &client->polling->post_waits, &response);
    if (used == 0)
        return 0;
    post(client);
    if (client->polling->pauses)
        check_pause(client);
    return used;
}

/* --- opening and closing ------------------------------------------------------------ */

static void on_closed(net_conn *conn, int error)
{
    bench_client *client = conn->owner;
    if (conn == &client->polling->get ? client->polling->get_waits : client->polling->post_waits)
        client_lost(client, error == 0 ? "the server closed a connection before it answered" : strerror(error));
}

static const net_handler GET_HANDLER = {.received = get_received, .closed = on_closed};
static const net_handler POST_HANDLER = {.received = post_received, .closed = on_closed};

static void polling_open(bench_client *client)
{
    bench_polling *polling = client->polling;
    if (polling == NULL) {
        client->polling = polling = grow(NULL, sizeof *polling);
        *polling = (bench_polling){.get = {.fd = -1, .handler = &GET_HANDLER, .owner = client},
                                   .post = {.fd = -1, .handler = &POST_HANDLER, .owner = client}};
    }
    polling->sid[0] = '\0';
    polling->queue_len = 0;
    polling->get_waits = polling->post_waits = polling->pauses = false;
    get(client);
}

static void polling_close(bench_client *client)
{
    net_close(&client->polling->get, true);
    net_close(&client->polling->post, true);
}

static void polling_free(bench_client *client)
{
    if (client->polling == NULL)
        return;
    net_free(&client->polling->get);
    net_free(&client->polling->post);
    free(client->polling->queue);
    free(client->polling);
    client->polling = NULL;
}

const bench_transport transport_polling = {polling_open, polling_send, polling_close, polling_free};
