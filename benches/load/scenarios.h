/* scenarios.h -- what the generator can do. Each function runs one scenario and
 * writes its result; whether it went well stands in `load`. */
#ifndef BENCH_SCENARIOS_H
#define BENCH_SCENARIOS_H

#include "load/load.h"

void scenario_broadcast(bench_load *load);
void scenario_rooms(bench_load *load);
void scenario_mixed(bench_load *load);
void scenario_echo(bench_load *load);
void scenario_ack(bench_load *load);
void scenario_connect(bench_load *load);
void scenario_idle(bench_load *load);
void scenario_receive(bench_load *load);
void scenario_scale(bench_load *load);
void scenario_storm(bench_load *load);
void scenario_http(bench_load *load);

/* An on_packet for all but acknowledged events and joins: echoes go to the client's
 * exchange, all else to its fanout. */
void scenario_route(bench_client *client, const bench_packet *packet);

/* The further clients of `mixed`, which echo. */
enum { MIXED_ECHOES = 10 };

#endif
