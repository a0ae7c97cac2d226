/* agent.h -- the header fields that real clients send besides those that the protocols
 * need. Parsing them is part of the cost of a request. */
#ifndef BENCH_AGENT_H
#define BENCH_AGENT_H

#include "load/options.h"

typedef enum { REQUEST_GET, REQUEST_POST, REQUEST_UPGRADE } agent_request;

/* Writes the fields as a string of whole lines, and returns its length. AGENT_PLAIN has
 * none; those of AGENT_NODE ask the server to close the connection of a GET or POST. */
size_t agent_fields(char *dst, size_t room, agent_kind agent, agent_request request, const char *host);

#endif
