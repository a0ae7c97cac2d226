/* scenario_connect.c -- clients that come, join, are gone by a reset, and come again. */
#include "load/report.h"
#include "load/scenarios.h"

enum { WARMUP_SHARE = 5 }; /* of --connects, one in so many */

static bench_tally connects;

static void open_one(bench_client *client)
{
    client->load->outstanding++;
    connects.expected++;
    client_open(client);
}

/* A reset leaves no TIME_WAIT behind, so ports do not run out. */
static void on_ready(bench_client *client)
{
    bench_load *load = client->load;
    load->net.now_ns = clock_now_ns();
    load_delivered(load, &connects, client->opened_ns);
    load->outstanding--;
    client_close(client);
    if (!load->stopping)
        open_one(client);
}

static bool is_warm(const bench_load *load)
{
    return connects.deliveries >= load->options->connects / WARMUP_SHARE;
}

static bool is_done(const bench_load *load)
{
    return connects.deliveries >= load->options->connects;
}

void scenario_connect(bench_load *load)
{
    load->on_ready = on_ready;
    for (uint32_t i = 0; i < load->client_count; i++)
        open_one(&load->clients[i]);
    const cpu_usage usage =
        load->options->connects > 0 ? load_measure_until(load, is_warm, is_done) : load_measure(load);

    report_begin();
    report_setting(load, load->client_count);
    report_count("concurrency", load->options->concurrency);
    report_tally(&connects, (double)usage.wall_ns / 1e9);
    report_per_client("requests_each", load->requests, connects.deliveries);
    report_per_client("connections_each", load->connections, connects.deliveries);
    report_faults(load);
    report_usage(load, &usage, connects.measured);
    report_end();
}
