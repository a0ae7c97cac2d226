/* scenario_http.c -- connections that stay, and a plain GET at a time on each of them: what
 * a web framework beside the engine costs. */
#include <stdio.h>

#include "load/agent.h"
#include "load/http.h"
#include "load/report.h"
#include "load/scenarios.h"

static bench_tally responses;

static void ask(bench_client *client)
{
    char request[1024], fields[1024];
    bench_load *load = client->load;
    agent_fields(fields, sizeof fields, load->options->agent, REQUEST_GET, load->host);
    const int len = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", load->host, fields);
    client->opened_ns = clock_now_ns();
    responses.expected++;
    load->outstanding++;
    net_write(&client->conn, request, (size_t)len);
}

static size_t received(net_conn *conn, uint8_t *data, size_t len)
{
    bench_client *client = conn->owner;
    http_response response;
    const size_t used = http_parse(&response, data, len);
    if (used == 0)
        return 0;
    if (used == HTTP_MALFORMED || response.status != 200 || response.last || response.body_len == 0) {
        load_error(client, "not the response that was waited for, or the last one");
        client->load->broken = true;
        return len;
    }
    load_delivered(client->load, &responses, client->opened_ns);
    client->load->outstanding--;
    if (!client->load->stopping)
        ask(client);
    return used;
}

static void closed(net_conn *conn, int error)
{
    load_lost(conn->owner, error == 0 ? "the server closed the connection" : strerror(error));
}

static const net_handler HANDLER = {.received = received, .closed = closed};

void scenario_http(bench_load *load)
{
    for (uint32_t i = 0; i < load->client_count; i++) {
        bench_client *client = &load->clients[i];
        client->conn.handler = &HANDLER;
        client->conn.owner = client;
        load_connect(client, &client->conn);
        ask(client);
    }
    const cpu_usage usage = load_measure(load);

    report_begin();
    report_setting(load, load->client_count);
    report_tally(&responses, (double)usage.wall_ns / 1e9);
    report_faults(load);
    report_usage(load, &usage, responses.measured);
    report_end();
}
