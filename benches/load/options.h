/* options.h -- the command line of the load generator. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <netinet/in.h>
#include <sys/types.h>

#include "csrc/base.h"

typedef enum { TRANSPORT_WEBSOCKET, TRANSPORT_POLLING, TRANSPORT_DEFAULT } transport_kind;

/* Whose header fields a request has besides those that the protocols need. */
typedef enum { AGENT_PLAIN, AGENT_BROWSER, AGENT_NODE } agent_kind;

typedef struct {
    const char *scenario;
    struct sockaddr_in server;
    transport_kind transport;
    agent_kind agent;
    bool binary;
    bool tls;
    uint32_t clients; /* 0: as many as the limit on descriptors allows */
    uint32_t payload; /* bytes */
    uint32_t in_flight;
    uint32_t depth;
    uint32_t rooms;
    uint32_t sources;
    uint32_t concurrency;
    uint32_t connects; /* 0: as many as the time allows */
    bool innocent_polls;
    double seconds, warmup;
    pid_t server_pid; /* 0: unknown */
} bench_options;

/* The names of the transports, in their order, and NULL. */
extern const char *const OPTIONS_TRANSPORTS[];

/* Parses argv; prints the usage and exits with 2 if it is wrong, with 0 for --help. */
bench_options options_parse(int argc, char **argv);

#endif
