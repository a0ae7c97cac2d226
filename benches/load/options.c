#include "load/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char USAGE[] =
    "load: loads a Socket.IO server and says in one line of JSON what came back.\n"
    "\n"
    "    load --port N --scenario NAME [options]\n"
    "\n"
    "  broadcast      one client has every client sent an event, --in-flight at a time\n"
    "  rooms          the same in --rooms rooms at once, each with one in flight\n"
    "  echo, ack      each client keeps --depth events outstanding\n"
    "  mixed          broadcast, and ten further clients that echo\n"
    "  connect        --concurrency clients at once connect, are reset and connect again\n"
    "  idle           connects, says so in a line of JSON, and stays until stdin ends\n"
    "  receive        as idle, and receives what a broadcast elsewhere sends to all\n"
    "  storm          connects; at a line on stdin, all but one are dropped, and come back,\n"
    "                 --concurrency at once; the innocent one echoes meanwhile\n"
    "  http           each client keeps a plain GET of / outstanding\n"
    "  scale          as idle, and obeys stdin: broadcast, echo S, both S, hold S, drop, quit\n"
    "\n"
    "  --host ADDRESS     IPv4 address of the server (127.0.0.1)\n"
    "  --port N\n"
    "  --server-pid PID   the process whose CPU is measured\n"
    "  --transport NAME   websocket, polling, or default: polling that upgrades (websocket)\n"
    "  --agent NAME       whose header fields requests have: plain, browser, or node, which\n"
    "                     also uses a connection for each polling request (plain)\n"
    "  --tls              connect by TLS, and accept every certificate\n"
    "  --clients N        (100; 0: as many as the limit on open files allows)\n"
    "  --payload BYTES    (64)\n"
    "  --binary           the payload is an attachment, not a string\n"
    "  --in-flight K      (1)\n"
    "  --depth D          (1)\n"
    "  --rooms R          (10)\n"
    "  --seconds S        how long to measure (5)\n"
    "  --warmup S         how long to wait before (1)\n"
    "  --concurrency C    how many connect at once (64)\n"
    "  --connects N       connect: N clients, not for a time; the first fifth is the warm-up\n"
    "  --sources A        connect from 127.0.0.1 and the A-1 addresses after it (1)\n"
    "  --innocent-polls   storm: the innocent one polls; otherwise it has a WebSocket\n";

const char *const OPTIONS_TRANSPORTS[] = {"websocket", "polling", "default", NULL};
static const char *const AGENTS[] = {"plain", "browser", "node", NULL};

enum {
    HOST = 1,
    PORT,
    SCENARIO,
    CLIENTS,
    PAYLOAD,
    BINARY,
    IN_FLIGHT,
    DEPTH,
    SECONDS,
    WARMUP,
    ROOMS,
    SERVER_PID,
    TRANSPORT,
    AGENT,
    SOURCES,
    CONCURRENCY,
    CONNECTS,
    TLS,
    INNOCENT_POLLS,
    HELP
};

static const struct option NAMES[] = {
    {"host", required_argument, NULL, HOST},
    {"port", required_argument, NULL, PORT},
    {"scenario", required_argument, NULL, SCENARIO},
    {"clients", required_argument, NULL, CLIENTS},
    {"payload", required_argument, NULL, PAYLOAD},
    {"binary", no_argument, NULL, BINARY},
    {"tls", no_argument, NULL, TLS},
    {"innocent-polls", no_argument, NULL, INNOCENT_POLLS},
    {"in-flight", required_argument, NULL, IN_FLIGHT},
    {"depth", required_argument, NULL, DEPTH},
    {"seconds", required_argument, NULL, SECONDS},
    {"warmup", required_argument, NULL, WARMUP},
    {"rooms", required_argument, NULL, ROOMS},
    {"server-pid", required_argument, NULL, SERVER_PID},
    {"transport", required_argument, NULL, TRANSPORT},
    {"agent", required_argument, NULL, AGENT},
    {"sources", required_argument, NULL, SOURCES},
    {"concurrency", required_argument, NULL, CONCURRENCY},
    {"connects", required_argument, NULL, CONNECTS},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static _Noreturn void reject(const char *what, const char *value)
{
    fprintf(stderr, "load: %s %s\nload --help lists the options\n", what, value);
    exit(2);
}

static uint32_t whole(const char *text, uint32_t least, uint32_t most)
{
    char *end;
    const unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < least || number > most)
        reject("this number is not one or out of range:", text);
    return (uint32_t)number;
}

static double duration(const char *text)
{
    char *end;
    const double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 1e6))
        reject("these are no seconds:", text);
    return seconds;
}

/* The place of `value` in a list that NULL ends. */
static unsigned choice(const char *value, const char *const *names)
{
    unsigned at = 0;
    while (names[at] != NULL && strcmp(names[at], value) != 0)
        at++;
    if (names[at] == NULL)
        reject("not one of the choices:", value);
    return at;
}

static void set(bench_options *options, int name, const char *value)
{
    switch (name) {
    case HOST:
        if (inet_pton(AF_INET, value, &options->server.sin_addr) != 1)
            reject("not an IPv4 address:", value);
        return;
    case PORT: options->server.sin_port = htons((uint16_t)whole(value, 1, UINT16_MAX)); return;
    case SCENARIO: options->scenario = value; return;
    case CLIENTS: options->clients = whole(value, 0, 1u << 20); return;
    case PAYLOAD: options->payload = whole(value, 0, 64u << 20); return;
    case BINARY: options->binary = true; return;
    case TLS: options->tls = true; return;
    case INNOCENT_POLLS: options->innocent_polls = true; return;
    case IN_FLIGHT: options->in_flight = whole(value, 1, 1u << 20); return;
    case DEPTH: options->depth = whole(value, 1, 1u << 20); return;
    case SECONDS: options->seconds = duration(value); return;
    case WARMUP: options->warmup = duration(value); return;
    case ROOMS: options->rooms = whole(value, 1, 1u << 20); return;
    case SERVER_PID: options->server_pid = (pid_t)whole(value, 1, INT32_MAX); return;
    case SOURCES: options->sources = whole(value, 1, 254); return;
    case CONNECTS: options->connects = whole(value, 5, 1u << 30); return;
    case CONCURRENCY: options->concurrency = whole(value, 1, 1u << 20); return;
    case TRANSPORT: options->transport = (transport_kind)choice(value, OPTIONS_TRANSPORTS); return;
    case AGENT: options->agent = (agent_kind)choice(value, AGENTS); return;
    case HELP: fputs(USAGE, stdout); exit(0);
    default: exit(2); /* getopt_long has said why */
    }
}

bench_options options_parse(int argc, char **argv)
{
    bench_options options = {
        .server = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .clients = 100,
        .payload = 64,
        .in_flight = 1,
        .depth = 1,
        .rooms = 10,
        .sources = 1,
        .concurrency = 64,
        .seconds = 5,
        .warmup = 1,
    };
    int name;
    while ((name = getopt_long(argc, argv, "", NAMES, NULL)) != -1)
        set(&options, name, optarg);
    if (optind < argc)
        reject("not an option:", argv[optind]);
    if (options.scenario == NULL || options.server.sin_port == 0)
        reject("--scenario and --port are", "required");
    return options;
}
