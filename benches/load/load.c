#include "load/load.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/fail.h"
#include "load/tls.h"

enum { TOLD_MAX = 5, PASS_MS = 100 };
static const uint64_t STANDSTILL_NS = 10 * NS_PER_SECOND;

static void ignore_packet(bench_client *client, const bench_packet *packet)
{
    (void)packet;
    load_error(client, "an event that nobody asked for");
}

/* A poll's body holds several packets; base64 and JSON's frame around it need room too. */
static size_t largest_unit(const bench_options *options)
{
    const size_t packet = PACKET_HEAD_MAX + (size_t)options->payload * 4 / 3;
    const size_t outstanding = options->in_flight > options->depth ? options->in_flight : options->depth;
    return options->transport != TRANSPORT_WEBSOCKET ? (outstanding + 8) * packet : packet;
}

void load_init(bench_load *load, const bench_options *options, uint32_t client_count)
{
    char address[INET_ADDRSTRLEN];
    *load = (bench_load){
        .options = options,
        .client_count = client_count,
        .concurrency = options->concurrency,
        .on_packet = ignore_packet,
        .random = UINT64_C(0x9e3779b97f4a7c15),
    };
    inet_ntop(AF_INET, &options->server.sin_addr, address, sizeof address);
    snprintf(load->host, sizeof load->host, "%s:%u", address, ntohs(options->server.sin_port));
    net_init(&load->net, largest_unit(options), true);
    load->net.wire = options->tls ? tls_wire() : NULL;
    load->scratch = grow(NULL, PACKET_HEAD_MAX + options->payload);
    load->clients = grow(NULL, client_count * sizeof *load->clients);
    for (uint32_t i = 0; i < client_count; i++)
        client_init(&load->clients[i], load, i);
}

void load_free(bench_load *load)
{
    for (uint32_t i = 0; i < load->client_count; i++)
        client_free(&load->clients[i]);
    free(load->clients);
    free(load->scratch);
    free(load->net.buffer);
}

void load_connect(bench_client *client, net_conn *conn)
{
    const bench_options *options = client->load->options;
    const struct sockaddr_in source = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + client->index % options->sources),
    };
    client->load->connections++;
    net_connect(&client->load->net, conn, &options->server, options->sources > 1 ? &source : NULL);
}

/* --- what goes wrong ------------------------------------------------------------ */

void load_error(bench_client *client, const char *format, ...)
{
    bench_load *load = client->load;
    if (load->errors++ >= TOLD_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "load: client %u: ", client->index);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void load_lost(bench_client *client, const char *why)
{
    bench_load *load = client->load;
    if (load->lost++ < TOLD_MAX)
        fprintf(stderr, "load: client %u is lost: %s\n", client->index, why);
    if (!load->may_lose)
        load->broken = true;
}

/* --- phases ---------------------------------------------------------------------- */

static bool never(const bench_load *load)
{
    (void)load;
    return false;
}

static void run(bench_load *load, uint64_t until_ns, bool (*done)(const bench_load *), bool must_progress)
{
    uint64_t now = clock_now_ns(), moved_ns = now, progress = load->progress;
    while (now < until_ns && !load->broken && !done(load)) {
        const uint64_t left_ms = (until_ns - now) / 1000000 + 1;
        net_pass(&load->net, left_ms < PASS_MS ? (int)left_ms : PASS_MS);
        now = clock_now_ns();
        if (load->progress != progress) {
            progress = load->progress;
            moved_ns = now;
        } else if (must_progress && now - moved_ns > STANDSTILL_NS) {
            fprintf(stderr, "load: nothing came for ten seconds; %u clients are ready, %llu events outstanding\n",
                    load->ready, (unsigned long long)load->outstanding);
            load->broken = true;
        }
    }
}

void load_run(bench_load *load, double seconds)
{
    run(load, clock_now_ns() + seconds_to_ns(seconds), never, false);
}

void load_run_until(bench_load *load, bool (*done)(const bench_load *))
{
    run(load, UINT64_MAX, done, true);
}

static void open_next(bench_client *client)
{
    bench_load *load = client->load;
    load->ready++;
    load->progress++;
    if (load->opened < load->client_count)
        client_open(&load->clients[load->opened++]);
}

static bool all_ready(const bench_load *load)
{
    return load->ready == load->client_count;
}

void load_open_all(bench_load *load)
{
    const uint32_t count = load->client_count;
    load->on_ready = open_next;
    while (load->opened < count && load->opened < load->concurrency)
        client_open(&load->clients[load->opened++]);
    load_run_until(load, all_ready);
    if (load->broken)
        fail("%u of %u clients could connect", load->ready, count);
}

static bool none_outstanding(const bench_load *load)
{
    return load->outstanding == 0;
}

static cpu_usage begin(bench_load *load)
{
    load->measuring = true;
    return cpu_now(load->options->server_pid);
}

static cpu_usage finish(bench_load *load, const cpu_usage *start)
{
    const cpu_usage end = cpu_now(load->options->server_pid);
    load->measuring = false;
    load->stopping = true;
    load_run_until(load, none_outstanding);
    return cpu_between(start, &end);
}

cpu_usage load_measure(bench_load *load)
{
    load_run(load, load->options->warmup);
    const cpu_usage start = begin(load);
    load_run(load, load->options->seconds);
    return finish(load, &start);
}

cpu_usage load_measure_until(bench_load *load, bool (*warm)(const bench_load *), bool (*done)(const bench_load *))
{
    load_run_until(load, warm);
    const cpu_usage start = begin(load);
    load_run_until(load, done);
    return finish(load, &start);
}
