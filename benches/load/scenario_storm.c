/* scenario_storm.c -- all clients but one are dropped at once, and come back at once. The
 * innocent one echoes all the time, over a WebSocket or by polling.
 *
 *     timerfd, each ms:  drop and open some of the others; each 5 ms: an echo of the innocent
 *
 * What comes at once is spread over some ms, so that the generator itself keeps up. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load/fail.h"
#include "load/lines.h"
#include "load/payload.h"
#include "load/report.h"
#include "load/scenarios.h"

enum {
    INNOCENT = 0,
    CALM = 200,            /* so many open at once before the storm */
    ECHO_TICKS = 5,        /* between two echoes */
    PER_TICK_MAX = 100,    /* so many are dropped, and so many opened, in a tick */
    OUTSTANDING_MAX = 4096 /* echoes */
};
static const long TICK_NS = 1000000;

typedef struct {
    bench_load *load;
    net_conn timer;
    uint64_t ticks;
    uint32_t dropped;       /* those before this index */
    bool storms;
    bench_tally connects;
    bench_tally alone, meanwhile; /* echoes sent before the storm, and in it */
    uint64_t sent, received;      /* echoes */
    uint64_t first_meanwhile;     /* of those in the storm */
    uint64_t sent_ns[OUTSTANDING_MAX];
    uint64_t files_most; /* open at a time in the server */
} bench_storm;

static bench_storm storm;

/* --- the innocent ------------------------------------------------------------------ */

static bench_tally *tally_of(uint64_t seq)
{
    return seq < storm.first_meanwhile ? &storm.alone : &storm.meanwhile;
}

static void echo(void)
{
    bench_load *load = storm.load;
    const packet_plan plan = {.arguments = "\"echo\"", .id = PACKET_NO_ID};
    if (storm.sent - storm.received == OUTSTANDING_MAX) {
        load_error(&load->clients[INNOCENT], "%d echoes are outstanding", OUTSTANDING_MAX);
        load->broken = true;
        return;
    }
    load->net.now_ns = clock_now_ns();
    storm.sent_ns[storm.sent % OUTSTANDING_MAX] = load->net.now_ns;
    tally_of(storm.sent)->expected++;
    client_emit(&load->clients[INNOCENT], &plan, storm.sent++);
}

static void on_packet(bench_client *client, const bench_packet *packet)
{
    const uint64_t seq = storm.received++;
    if (client->index != INNOCENT || packet->event != PACKET_ECHO || seq >= storm.sent ||
        !payload_is(packet->payload, packet->payload_len, client->load->options->payload, seq)) {
        load_error(client, "not the echo that is next");
        return;
    }
    load_delivered(client->load, tally_of(seq), storm.sent_ns[seq % OUTSTANDING_MAX]);
}

/* --- the others -------------------------------------------------------------------- */

static uint32_t in_flight(const bench_load *load)
{
    return load->opened - load->ready;
}

/* Those that were dropped may come back before all others are dropped. */
static void drop_and_open(bench_load *load)
{
    for (uint32_t i = 0; i < PER_TICK_MAX && storm.dropped < load->client_count; i++)
        client_close(&load->clients[storm.dropped++]);
    for (uint32_t i = 0; i < PER_TICK_MAX && load->opened < storm.dropped; i++) {
        if (in_flight(load) >= load->options->concurrency)
            return;
        storm.connects.expected++;
        client_open(&load->clients[load->opened++]);
    }
}

static void on_back(bench_client *client)
{
    bench_load *load = client->load;
    load->ready++;
    load->net.now_ns = clock_now_ns();
    load_delivered(load, &storm.connects, client->opened_ns);
}

static bool all_back(const bench_load *load)
{
    return load->ready == load->client_count;
}

/* --- the clock --------------------------------------------------------------------- */

/* Linux tells their number as the size of the folder, without listing it. */
static uint64_t server_files(const bench_load *load)
{
    char path[64];
    struct stat folder;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)load->options->server_pid);
    return load->options->server_pid != 0 && stat(path, &folder) == 0 ? (uint64_t)folder.st_size : 0;
}

static void on_tick(net_conn *timer)
{
    uint64_t expired;
    if (read(timer->fd, &expired, sizeof expired) < 0)
        return;
    if (storm.ticks++ % ECHO_TICKS == 0) {
        const uint64_t files = server_files(storm.load);
        storm.files_most = files > storm.files_most ? files : storm.files_most;
        echo();
    }
    if (storm.storms)
        drop_and_open(storm.load);
}

static const net_handler TIMER = {.ready = on_tick};

static void start_clock(bench_load *load)
{
    const struct itimerspec interval = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    storm.timer.handler = &TIMER;
    if (fd < 0 || timerfd_settime(fd, 0, &interval, NULL) != 0 || !net_adopt(&load->net, &storm.timer, fd))
        fail("timerfd: %s", strerror(errno));
}

/* --- the run ----------------------------------------------------------------------- */

static void report_echoes(const char *name, const bench_tally *tally)
{
    report_object(name);
    report_tally(tally, 0);
    report_object_end();
}

static bool is_quiet(const bench_load *load)
{
    (void)load;
    return storm.sent == storm.received;
}

static void blow(bench_load *load)
{
    storm.first_meanwhile = storm.sent;
    load->on_ready = on_back;
    load->ready = load->opened = storm.dropped = INNOCENT + 1;
    const cpu_usage begin = cpu_now(load->options->server_pid);
    storm.storms = true;
    load_run_until(load, all_back);
    storm.storms = false;
    const cpu_usage end = cpu_now(load->options->server_pid);
    net_close(&storm.timer, false);
    load_run_until(load, is_quiet);

    const cpu_usage usage = cpu_between(&begin, &end);
    report_begin();
    report_setting(load, load->client_count);
    report_count("concurrency", load->options->concurrency);
    report_tally(&storm.connects, (double)usage.wall_ns / 1e9);
    report_echoes("echo_alone", &storm.alone);
    report_echoes("echo", &storm.meanwhile);
    report_count("server_files_most", storm.files_most);
    report_faults(load);
    report_usage(load, &usage, storm.connects.measured);
    report_end();
}

void scenario_storm(bench_load *load)
{
    bench_client *innocent = &load->clients[INNOCENT];
    bench_lines lines;
    char line[LINE_LEN_MAX + 1];
    storm.load = load;
    storm.first_meanwhile = UINT64_MAX;
    innocent->transport = load->options->innocent_polls ? &transport_polling : &transport_websocket;
    innocent->agent = AGENT_PLAIN; /* a browser's answers could be compressed */
    load->concurrency = load->concurrency < CALM ? load->concurrency : CALM;
    load_open_all(load);
    load->on_packet = on_packet;
    load->measuring = true;
    start_clock(load);
    load_run(load, load->options->warmup);
    report_begin();
    report_count("connected", load->ready);
    report_end();

    lines_init(&lines);
    if (lines_next(&lines, load, line))
        blow(load);
    while (lines_next(&lines, load, line))
        ; /* the clients stay until the end of stdin */
    report_begin();
    report_faults(load);
    report_end();
}
