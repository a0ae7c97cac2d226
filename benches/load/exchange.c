#include "load/exchange.h"

#include <inttypes.h>

#include "load/fail.h"
#include "load/payload.h"

static const uint64_t NONE = UINT64_MAX;

static void ask(bench_client *client, uint64_t seq)
{
    bench_exchange *exchange = client->exchange;
    const packet_plan plan = {
        .arguments = exchange->acks ? "\"ack\"" : "\"echo\"",
        .id = exchange->acks ? seq : PACKET_NO_ID,
        .binary = client->load->options->binary,
    };
    exchange->slots[seq % exchange->depth] = (struct exchange_slot){.seq = seq, .sent_ns = client->load->net.now_ns};
    exchange->tally->expected++;
    client->load->outstanding++;
    client_emit(client, &plan, seq);
}

void exchange_start(bench_client *client, bool acks, uint32_t depth, bench_tally *tally)
{
    bench_exchange *exchange = grow(client->exchange, sizeof *exchange + depth * sizeof exchange->slots[0]);
    *exchange = (bench_exchange){.tally = tally, .acks = acks, .depth = depth};
    client->exchange = exchange;
    client->load->net.now_ns = clock_now_ns();
    for (uint32_t i = 0; i < depth; i++)
        ask(client, i);
}

/* An acknowledgement names its event; an echo is known by its place in the order.
 * Acknowledgements may come in any order, each once. */
void exchange_got(bench_client *client, const bench_packet *packet)
{
    bench_exchange *exchange = client->exchange;
    bench_load *load = client->load;
    const uint64_t seq = exchange->acks ? packet->id : exchange->next_seq++;
    struct exchange_slot *slot = &exchange->slots[seq % exchange->depth];
    if (slot->seq != seq) {
        load_error(client, "an answer to event %" PRIu64 ", which is not outstanding", seq);
        return;
    }
    if (!packet->has_payload || !payload_is(packet->payload, packet->payload_len, load->options->payload, seq))
        load_error(client, "the answer to event %" PRIu64 " is not what was sent", seq);
    load_delivered(load, exchange->tally, slot->sent_ns);
    load->outstanding--;
    slot->seq = NONE;
    if (!load->stopping)
        ask(client, seq + exchange->depth);
}
