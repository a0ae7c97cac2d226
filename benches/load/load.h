/* load.h -- one run of the generator: the clients, the phases of a measurement, and
 * what went wrong. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "load/client.h"
#include "load/clock.h"
#include "load/cpu.h"
#include "load/options.h"
#include "load/tally.h"

struct bench_load {
    const bench_options *options;
    bench_net net;
    bench_client *clients;
    uint32_t client_count; /* all that shall be opened */
    uint32_t concurrency;  /* so many open at once */
    uint32_t opened;       /* opening has begun */
    uint32_t ready;        /* joined; less those that were lost since */
    char host[32];         /* for the Host header */
    uint8_t *scratch;      /* a packet being built */
    uint64_t random;       /* state of the masking keys, never 0 */

    /* Set by the scenario. */
    void (*on_ready)(bench_client *client);
    void (*on_packet)(bench_client *client, const bench_packet *packet);
    bool may_lose; /* lost clients are counted, and the run goes on */

    bool measuring; /* what comes now counts */
    bool stopping;  /* nothing new is sent */
    bool broken;    /* the run cannot go on */
    uint64_t outstanding; /* events whose deliveries have not all come */
    uint64_t progress;    /* changes with every delivery and every client that joins */

    uint64_t errors, lost, pings;
    uint64_t requests, connections; /* that began */
};

void load_init(bench_load *load, const bench_options *options, uint32_t client_count);
void load_free(bench_load *load);

/* Connects `conn` to the server, from the source address that is the client's. */
void load_connect(bench_client *client, net_conn *conn);

/* Opens all clients, `concurrency` at once, and returns when they are ready. */
void load_open_all(bench_load *load);

/* Runs for a time, or until it is broken. */
void load_run(bench_load *load, double seconds);

/* Runs until done() or broken. A standstill of ten seconds breaks the run. */
void load_run_until(bench_load *load, bool (*done)(const bench_load *load));

/* Runs through warm-up, measurement and the end of all that is outstanding; returns
 * what the measurement alone took. */
cpu_usage load_measure(bench_load *load);

/* The same until warm(), then until done(). */
cpu_usage load_measure_until(bench_load *load, bool (*warm)(const bench_load *load),
                             bool (*done)(const bench_load *load));

/* Counts a mismatch, a lost connection; the first few are told on stderr. */
void load_error(bench_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
void load_lost(bench_client *client, const char *why);

/* Notes a delivery; `sent_ns` is when the event that it ended was sent, 0 if it ended none. */
static inline void load_delivered(bench_load *load, bench_tally *tally, uint64_t sent_ns)
{
    load->progress++;
    tally->deliveries++;
    if (!load->measuring)
        return;
    tally->measured++;
    if (sent_ns != 0)
        histogram_add(&tally->latency, load->net.now_ns - sent_ns);
}

#endif
