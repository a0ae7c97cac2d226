/* scenario_scale.c -- a great many idle clients, and a driver that asks on stdin what
 * one broadcast or one echo among them costs. */
#include <stdio.h>
#include <stdlib.h>

#include "load/exchange.h"
#include "load/fanout.h"
#include "load/lines.h"
#include "load/report.h"
#include "load/scenarios.h"

typedef struct {
    bench_load *load;
    bench_fanout fanout;
    bench_tally broadcasts, echoes; /* of the current command */
    uint64_t lost, pings;     /* when it began */
    uint64_t began_ns;
    double seconds; /* its argument */
} bench_scale;

static bool none_outstanding(const bench_load *load)
{
    return load->outstanding == 0;
}

/* Only called when there is one. */
static bench_client *first_ready(const bench_load *load)
{
    bench_client *client = load->clients;
    while (client->stage != CLIENT_READY)
        client++;
    return client;
}

/* --- commands ------------------------------------------------------------------- */

static void begin(bench_scale *scale)
{
    memset(&scale->broadcasts, 0, sizeof scale->broadcasts);
    memset(&scale->echoes, 0, sizeof scale->echoes);
    scale->lost = scale->load->lost;
    scale->pings = scale->load->pings;
    scale->began_ns = clock_now_ns();
    scale->load->measuring = true;
    scale->load->stopping = false;
}

/* Lets all that is outstanding end: it counts, too. */
static void finish(bench_scale *scale)
{
    scale->load->stopping = true;
    load_run_until(scale->load, none_outstanding);
    scale->load->measuring = false;
}

static void report_part(const bench_scale *scale, const char *name, const bench_tally *tally)
{
    report_object(name);
    report_tally(tally, (double)(clock_now_ns() - scale->began_ns) / 1e9);
    report_object_end();
}

/* Lost clients neither send nor receive. */
static void prepare_fanout(bench_scale *scale)
{
    scale->fanout.sender = first_ready(scale->load);
    scale->fanout.members = scale->load->ready;
}

static void broadcast(bench_scale *scale)
{
    prepare_fanout(scale);
    scale->load->stopping = true; /* just one */
    fanout_send(&scale->fanout);
    finish(scale);
    report_part(scale, "broadcast", &scale->broadcasts);
}

static void echo(bench_scale *scale)
{
    exchange_start(first_ready(scale->load), false, 1, &scale->echoes);
    load_run(scale->load, scale->seconds);
    finish(scale);
    report_part(scale, "echo", &scale->echoes);
}

static void both(bench_scale *scale)
{
    prepare_fanout(scale);
    fanout_start(&scale->fanout);
    echo(scale);
    report_part(scale, "broadcast", &scale->broadcasts);
}

static void hold(bench_scale *scale)
{
    load_run(scale->load, scale->seconds);
}

static void drop(bench_scale *scale)
{
    bench_load *load = scale->load;
    for (uint32_t i = 0; i < load->client_count; i++)
        client_close(&load->clients[i]);
    report_count("dropped", load->ready);
    load->ready = 0;
}

static const struct {
    const char *name;
    void (*run)(bench_scale *scale);
    bool needs_clients;
} COMMANDS[] = {
    {"broadcast", broadcast, true}, {"echo", echo, true}, {"both", both, true},
    {"hold", hold, false},          {"drop", drop, false},
};

/* --- the conversation ------------------------------------------------------------- */

static void report_connected(bench_scale *scale, double seconds)
{
    report_begin();
    report_count("connected", scale->load->ready);
    report_number("seconds", seconds);
    report_end();
}

static void obey(bench_scale *scale, const char *line)
{
    char name[LINE_LEN_MAX + 1] = "";
    scale->seconds = scale->load->options->seconds;
    sscanf(line, "%s %lf", name, &scale->seconds);
    report_begin();
    report_text("command", name);
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (strcmp(COMMANDS[i].name, name) != 0)
            continue;
        begin(scale);
        const cpu_usage start = cpu_now(scale->load->options->server_pid);
        if (!COMMANDS[i].needs_clients || scale->load->ready > 0)
            COMMANDS[i].run(scale);
        const cpu_usage end = cpu_now(scale->load->options->server_pid);
        const cpu_usage usage = cpu_between(&start, &end);
        report_count("clients", scale->load->ready);
        report_count("errors", scale->load->errors);
        report_count("lost", scale->load->lost - scale->lost);
        report_count("pings", scale->load->pings - scale->pings);
        report_usage(scale->load, &usage, scale->broadcasts.measured + scale->echoes.measured);
        report_end();
        return;
    }
    report_text("error", "no such command: broadcast, echo S, both S, hold S, drop, quit");
    report_end();
}

void scenario_scale(bench_load *load)
{
    static bench_scale scale;
    bench_lines lines;
    char line[LINE_LEN_MAX + 1];
    const uint64_t begin_ns = clock_now_ns();
    scale.load = load;
    load_open_all(load);
    load->may_lose = true;
    load->on_packet = scenario_route;
    fanout_init(&scale.fanout, &load->clients[0], NULL, load->client_count, load->options->in_flight,
                &scale.broadcasts);
    for (uint32_t i = 0; i < load->client_count; i++)
        load->clients[i].fanout = &scale.fanout;
    report_connected(&scale, (double)(clock_now_ns() - begin_ns) / 1e9);

    lines_init(&lines);
    while (lines_next(&lines, load, line) && strcmp(line, "quit") != 0)
        obey(&scale, line);
    fanout_free(&scale.fanout);
}
