/* exchange.h -- one client that keeps some echoes, or events with an acknowledgement,
 * outstanding: each answer is followed by another event. */
#ifndef BENCH_EXCHANGE_H
#define BENCH_EXCHANGE_H

#include "load/load.h"

struct bench_exchange {
    bench_tally *tally; /* shared by all that do the same */
    bool acks;    /* acknowledgements, not echoes */
    uint32_t depth;
    uint64_t next_seq; /* of the next echo: echoes come in order */
    struct exchange_slot {
        uint64_t seq, sent_ns; /* of the event outstanding here */
    } slots[];                 /* seq % depth */
};

/* Gives the client an exchange, which is freed with it, and fills it. */
void exchange_start(bench_client *client, bool acks, uint32_t depth, bench_tally *tally);

/* Checks an answer that the client received. */
void exchange_got(bench_client *client, const bench_packet *packet);

#endif
