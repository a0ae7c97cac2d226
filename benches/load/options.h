/* options.h -- the command line of the load generator. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <netinet/in.h>
#include <sys/types.h>

#include "csrc/base.h"

typedef struct {
    const char *scenario;
    struct sockaddr_in server;
    bool polling;
    bool binary;
    uint32_t clients; /* 0: as many as the limit on descriptors allows */
    uint32_t payload; /* bytes */
    uint32_t in_flight;
    uint32_t depth;
    uint32_t rooms;
    uint32_t sources;
    uint32_t concurrency;
    double seconds, warmup;
    pid_t server_pid; /* 0: unknown */
} bench_options;

/* Parses argv; prints the usage and exits with 2 if it is wrong, with 0 for --help. */
bench_options options_parse(int argc, char **argv);

#endif
