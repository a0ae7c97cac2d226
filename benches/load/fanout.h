/* fanout.h -- one sender that has the same event delivered to many, some of them
 * in flight at once. A broadcast is one; each room is one. */
#ifndef BENCH_FANOUT_H
#define BENCH_FANOUT_H

#include "load/load.h"

struct bench_fanout {
    bench_load *load;
    bench_client *sender;
    bench_tally *tally;     /* may be shared with other fanouts */
    const char *room; /* NULL: the event goes to everybody */
    uint32_t members;
    uint32_t in_flight;
    uint64_t sent; /* the seq of the next event */
    uint64_t mask; /* of the ring of events in flight */
    struct {
        uint64_t sent_ns;
        uint32_t missing; /* members that do not have it yet */
    } *ring;
};

/* The members are those clients that point to it; `members` is their number. */
void fanout_init(bench_fanout *fanout, bench_client *sender, const char *room, uint32_t members, uint32_t in_flight,
                 bench_tally *tally);
void fanout_free(bench_fanout *fanout);

/* Sends until `in_flight` are in flight. From then on each that has reached all is
 * followed by another, until the load is stopping. */
void fanout_start(bench_fanout *fanout);

/* Sends a single one. */
void fanout_send(bench_fanout *fanout);

/* Checks an event that a member received. */
void fanout_got(bench_client *client, const bench_packet *packet);

#endif
