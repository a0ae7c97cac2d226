#include "load/fanout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/fail.h"
#include "load/payload.h"

void fanout_init(bench_fanout *fanout, bench_client *sender, const char *room, uint32_t members, uint32_t in_flight,
                 bench_tally *tally)
{
    uint64_t ring_size = 1;
    while (ring_size < in_flight)
        ring_size *= 2;
    *fanout = (bench_fanout){
        .load = sender->load,
        .sender = sender,
        .tally = tally,
        .room = room,
        .members = members,
        .in_flight = in_flight,
        .mask = ring_size - 1,
        .ring = grow(NULL, ring_size * sizeof *fanout->ring),
    };
}

void fanout_free(bench_fanout *fanout)
{
    free(fanout->ring);
}

void fanout_send(bench_fanout *fanout)
{
    bench_load *load = fanout->load;
    const uint64_t seq = fanout->sent++;
    char arguments[128];
    const packet_plan plan = {.arguments = arguments, .id = PACKET_NO_ID, .binary = load->options->binary};
    if (fanout->room == NULL)
        snprintf(arguments, sizeof arguments, "\"all\",%" PRIu64, seq);
    else
        snprintf(arguments, sizeof arguments, "\"room\",\"%s\",%" PRIu64, fanout->room, seq);
    fanout->ring[seq & fanout->mask].sent_ns = clock_now_ns();
    fanout->ring[seq & fanout->mask].missing = fanout->members;
    fanout->tally->expected += fanout->members;
    load->outstanding++;
    client_emit(fanout->sender, &plan, seq);
}

void fanout_start(bench_fanout *fanout)
{
    for (uint32_t i = 0; i < fanout->in_flight; i++)
        fanout_send(fanout);
}

/* A member gets every event, once and in order: the n-th it gets must be seq n. */
void fanout_got(bench_client *client, const bench_packet *packet)
{
    bench_fanout *fanout = client->fanout;
    bench_load *load = client->load;
    if (packet->seq != client->next_seq) {
        load_error(client, "event %" PRIu64 " came instead of %" PRIu64, packet->seq, client->next_seq);
        if (packet->seq < client->next_seq || packet->seq >= fanout->sent)
            return;
    }
    client->next_seq = packet->seq + 1;
    if (!payload_is(packet->payload, packet->payload_len, load->options->payload, packet->seq))
        load_error(client, "the payload of event %" PRIu64 " is not what was sent", packet->seq);
    const uint64_t slot = packet->seq & fanout->mask;
    const bool last = --fanout->ring[slot].missing == 0;
    load_delivered(load, fanout->tally, last ? fanout->ring[slot].sent_ns : 0);
    if (!last)
        return;
    load->outstanding--;
    if (!load->stopping)
        fanout_send(fanout);
}
