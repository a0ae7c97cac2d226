/* main.c -- the load generator: one thread, one epoll, one line of JSON. */
#include <stdio.h>
#include <string.h>

#include "load/fail.h"
#include "load/files.h"
#include "load/scenarios.h"

/* stdin, stdout, stderr, epoll, and some that whoever started us may have left open. */
enum { OTHER_FILES = 16 };

enum {
    WEBSOCKET = 1u << TRANSPORT_WEBSOCKET,
    DEFAULT = 1u << TRANSPORT_DEFAULT,
    ALL = WEBSOCKET | DEFAULT | 1u << TRANSPORT_POLLING
};

/* How many connections a client may have at once. */
static const uint32_t FILES_EACH[] = {[TRANSPORT_WEBSOCKET] = 1, [TRANSPORT_POLLING] = 2, [TRANSPORT_DEFAULT] = 3};

static const struct {
    const char *name;
    void (*run)(bench_load *load);
    unsigned transports; /* a bit for each transport that it runs on */
} SCENARIOS[] = {
    {"broadcast", scenario_broadcast, ALL},      {"rooms", scenario_rooms, WEBSOCKET},
    {"echo", scenario_echo, ALL},                {"ack", scenario_ack, WEBSOCKET},
    {"mixed", scenario_mixed, WEBSOCKET},        {"connect", scenario_connect, WEBSOCKET | DEFAULT},
    {"idle", scenario_idle, WEBSOCKET | DEFAULT}, {"receive", scenario_receive, WEBSOCKET},
    {"scale", scenario_scale, WEBSOCKET},        {"storm", scenario_storm, WEBSOCKET | DEFAULT},
    {"http", scenario_http, WEBSOCKET},
};

/* Of a storm, only those that connect at this moment need all their connections. */
static uint32_t files_wanted(const bench_options *options, uint32_t clients)
{
    const uint32_t each = FILES_EACH[options->transport];
    if (strcmp(options->scenario, "storm") == 0 && options->concurrency < clients)
        return clients + options->concurrency * (each - 1) + (options->innocent_polls ? 1 : 0);
    return clients * each;
}

/* After raising the limit on descriptors. */
static uint32_t clients_wanted(const bench_options *options)
{
    const rlim_t most = files_most();
    const uint32_t files = (uint32_t)(most < UINT32_MAX / 4 ? most : UINT32_MAX / 4) - OTHER_FILES;
    uint32_t wanted = options->clients != 0 ? options->clients : files / FILES_EACH[options->transport];
    if (strcmp(options->scenario, "connect") == 0)
        wanted = options->concurrency;
    if (strcmp(options->scenario, "mixed") == 0)
        wanted += MIXED_ECHOES;
    if (files_wanted(options, wanted) > files)
        fail("%u clients need %u open files; the limit allows %u", wanted, files_wanted(options, wanted), files);
    return wanted;
}

int main(int argc, char **argv)
{
    const bench_options options = options_parse(argc, argv);
    bench_load load;
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
        if (strcmp(SCENARIOS[i].name, options.scenario) != 0)
            continue;
        if ((SCENARIOS[i].transports & 1u << options.transport) == 0)
            fail("%s does not run over %s", options.scenario, OPTIONS_TRANSPORTS[options.transport]);
        load_init(&load, &options, clients_wanted(&options));
        SCENARIOS[i].run(&load);
        load_free(&load);
        if (load.errors > 0 || load.lost > 0 || load.broken)
            fail("%llu errors, %llu lost connections%s", (unsigned long long)load.errors,
                 (unsigned long long)load.lost, load.broken ? ", and the run broke off" : "");
        return 0;
    }
    fprintf(stderr, "load: no such scenario: %s\n", options.scenario);
    return 2;
}
