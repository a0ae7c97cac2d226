/* scenario_receive.c -- clients that receive the events of others, until stdin ends. */
#include <inttypes.h>

#include "load/lines.h"
#include "load/report.h"
#include "load/scenarios.h"

static uint64_t received;

/* Each client gets the events in order, and none is missing after the first one. */
static void on_event(bench_client *client, const bench_packet *packet)
{
    if (packet->event != PACKET_ALL) {
        load_error(client, "another event than those of the broadcasts");
        return;
    }
    if (client->next_seq != 0 && packet->seq != client->next_seq)
        load_error(client, "event %" PRIu64 " came instead of %" PRIu64, packet->seq, client->next_seq);
    client->next_seq = packet->seq + 1;
    received++;
}

void scenario_receive(bench_load *load)
{
    bench_lines lines;
    char line[LINE_LEN_MAX + 1];
    load_open_all(load);
    load->on_packet = on_event;
    report_begin();
    report_count("connected", load->ready);
    report_end();

    lines_init(&lines);
    while (lines_next(&lines, load, line))
        ; /* only the end counts */

    report_begin();
    report_setting(load, load->client_count);
    report_count("deliveries", received);
    report_faults(load);
    report_end();
}
