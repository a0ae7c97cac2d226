/* main.c -- the load generator: one thread, one epoll, one line of JSON. */
#include <stdio.h>
#include <string.h>

#include "load/fail.h"
#include "load/files.h"
#include "load/scenarios.h"

/* stdin, stdout, stderr, epoll, and some that whoever started us may have left open. */
enum { OTHER_FILES = 16 };

static const struct {
    const char *name;
    void (*run)(bench_load *load);
    bool polling; /* it runs on this transport too */
} SCENARIOS[] = {
    {"broadcast", scenario_broadcast, true}, {"rooms", scenario_rooms, false},
    {"echo", scenario_echo, true},           {"ack", scenario_ack, false},
    {"mixed", scenario_mixed, false},        {"connect", scenario_connect, false},
    {"idle", scenario_idle, false},          {"receive", scenario_receive, false},
    {"scale", scenario_scale, false},
};

/* As many clients as the limit on descriptors allows, after raising it. */
static uint32_t clients_possible(const bench_options *options)
{
    const rlim_t files = files_most(), most = files < UINT32_MAX / 4 ? files : UINT32_MAX / 4;
    return (uint32_t)(most - OTHER_FILES) / (options->polling ? 2 : 1);
}

static uint32_t clients_wanted(const bench_options *options)
{
    const uint32_t possible = clients_possible(options);
    uint32_t wanted = options->clients != 0 ? options->clients : possible;
    if (strcmp(options->scenario, "connect") == 0)
        wanted = options->concurrency;
    if (strcmp(options->scenario, "mixed") == 0)
        wanted += MIXED_ECHOES;
    if (wanted > possible)
        fail("%u clients need more open files than the limit allows; at most %u are possible", wanted, possible);
    return wanted;
}

int main(int argc, char **argv)
{
    const bench_options options = options_parse(argc, argv);
    bench_load load;
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
        if (strcmp(SCENARIOS[i].name, options.scenario) != 0)
            continue;
        if (options.polling && !SCENARIOS[i].polling)
            fail("%s does not run over polling", options.scenario);
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
