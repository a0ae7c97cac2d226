/* scenario_fanout.c -- broadcast, rooms and mixed: one event, many deliveries. */
#include <stdio.h>
#include <stdlib.h>

#include "load/exchange.h"
#include "load/fail.h"
#include "load/fanout.h"
#include "load/report.h"
#include "load/scenarios.h"

void scenario_route(bench_client *client, const bench_packet *packet)
{
    if (packet->event == PACKET_ECHO && client->exchange != NULL)
        exchange_got(client, packet);
    else if ((packet->event == PACKET_ALL || packet->event == PACKET_ROOM) && client->fanout != NULL)
        fanout_got(client, packet);
    else
        load_error(client, "an event that nobody asked for");
}

static void report_fanout(const bench_load *load, uint32_t clients, const bench_tally *tally, const cpu_usage *usage)
{
    report_setting(load, clients);
    report_count("in_flight", load->options->in_flight);
    report_tally(tally, (double)usage->wall_ns / 1e9);
    report_faults(load);
}

/* --- broadcast, mixed ------------------------------------------------------------ */

/* The first client sends to all; the last `echoes` of them echo meanwhile, and get
 * the broadcasts like all others. */
static void broadcast(bench_load *load, uint32_t echoes)
{
    static bench_tally broadcasts, answers;
    bench_fanout fanout;
    load_open_all(load);
    load->on_packet = scenario_route;
    fanout_init(&fanout, &load->clients[0], NULL, load->client_count, load->options->in_flight, &broadcasts);
    for (uint32_t i = 0; i < load->client_count; i++)
        load->clients[i].fanout = &fanout;
    for (uint32_t i = load->client_count - echoes; i < load->client_count; i++)
        exchange_start(&load->clients[i], false, 1, &answers);
    fanout_start(&fanout);
    const cpu_usage usage = load_measure(load);

    report_begin();
    report_fanout(load, load->client_count - echoes, &broadcasts, &usage);
    report_usage(load, &usage, broadcasts.measured + answers.measured);
    if (echoes > 0) {
        report_object("echo");
        report_count("clients", echoes);
        report_tally(&answers, (double)usage.wall_ns / 1e9);
        report_object_end();
    }
    report_end();
    fanout_free(&fanout);
}

void scenario_broadcast(bench_load *load)
{
    broadcast(load, 0);
}

void scenario_mixed(bench_load *load)
{
    broadcast(load, MIXED_ECHOES);
}

/* --- rooms ------------------------------------------------------------------------- */

static void on_joined(bench_client *client, const bench_packet *packet)
{
    if (packet->type != '3' || packet->id != 0)
        load_error(client, "something else than the acknowledgement of a join");
    client->load->outstanding--;
    client->load->progress++;
}

static bool all_joined(const bench_load *load)
{
    return load->outstanding == 0;
}

/* Client i is in room i % rooms, and the first one of each room is its sender. */
static void join_rooms(bench_load *load, uint32_t rooms)
{
    char arguments[64];
    const packet_plan plan = {.arguments = arguments, .id = 0, .bare = true};
    load->on_packet = on_joined;
    for (uint32_t i = 0; i < load->client_count; i++) {
        snprintf(arguments, sizeof arguments, "\"join\",\"r%u\"", i % rooms);
        load->outstanding++;
        client_emit(&load->clients[i], &plan, 0);
    }
    load_run_until(load, all_joined);
}

void scenario_rooms(bench_load *load)
{
    static bench_tally tally;
    const uint32_t rooms = load->options->rooms, clients = load->client_count;
    if (rooms > clients)
        fail("%u rooms need as many clients", rooms);
    char(*names)[16] = grow(NULL, rooms * sizeof *names);
    bench_fanout *fanouts = grow(NULL, rooms * sizeof *fanouts);

    load_open_all(load);
    join_rooms(load, rooms);
    load->on_packet = scenario_route;
    for (uint32_t room = 0; room < rooms; room++) {
        const uint32_t members = clients / rooms + (room < clients % rooms);
        snprintf(names[room], sizeof names[room], "r%u", room);
        fanout_init(&fanouts[room], &load->clients[room], names[room], members, 1, &tally);
    }
    for (uint32_t i = 0; i < clients; i++)
        load->clients[i].fanout = &fanouts[i % rooms];
    for (uint32_t room = 0; room < rooms; room++)
        fanout_start(&fanouts[room]);
    const cpu_usage usage = load_measure(load);

    report_begin();
    report_fanout(load, clients, &tally, &usage);
    report_count("rooms", rooms);
    report_usage(load, &usage, tally.measured);
    report_end();
    for (uint32_t room = 0; room < rooms; room++)
        fanout_free(&fanouts[room]);
    free(fanouts);
    free(names);
}
