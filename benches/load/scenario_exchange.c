/* scenario_exchange.c -- echo and ack: one event, one answer. */
#include "load/exchange.h"
#include "load/report.h"
#include "load/scenarios.h"

static void on_answer(bench_client *client, const bench_packet *packet)
{
    const bool is_ack = packet->type == '3' || packet->type == '6';
    const bool wanted = client->exchange->acks ? is_ack : !is_ack && packet->event == PACKET_ECHO;
    if (wanted)
        exchange_got(client, packet);
    else if (packet->event != PACKET_ALL) /* another generator may broadcast meanwhile */
        load_error(client, "something else than an answer");
}

static void answer(bench_load *load, bool acks)
{
    static bench_tally tally;
    load_open_all(load);
    load->on_packet = on_answer;
    for (uint32_t i = 0; i < load->client_count; i++)
        exchange_start(&load->clients[i], acks, load->options->depth, &tally);
    const cpu_usage usage = load_measure(load);

    report_begin();
    report_setting(load, load->client_count);
    report_count("depth", load->options->depth);
    report_tally(&tally, (double)usage.wall_ns / 1e9);
    report_faults(load);
    report_usage(load, &usage, tally.measured);
    report_end();
}

void scenario_echo(bench_load *load)
{
    answer(load, false);
}

void scenario_ack(bench_load *load)
{
    answer(load, true);
}
