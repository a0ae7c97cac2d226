/* members.c -- a room of many: sending to all, writing to all, keeping all alive.
 *
 *     members [N] [shuffled]
 *
 * The sockets are a sink that takes everything; all else is real. Each connection
 * and each member stands in an object of its own, as large as the server's and
 * allocated in turn with it, so that what one costs is also what fetching it
 * costs. `shuffled`: the room is in no order of memory, as after a day of coming
 * and going; otherwise in the order of arrival. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "csrc/reactor.h"
#include "csrc/rooms.h"
#include "load/clock.h"
#include "load/fail.h"
#include "micro/measure.h"

static const double INTERVAL = 25, TIMEOUT = 20, TICK = 1 / 16.0;

typedef struct {
    uint8_t python[40]; /* what the interpreter knows of an object */
    tsio_conn conn;
    uint8_t more[48];
} connection;

typedef struct {
    uint8_t python[32];
    tsio_member member;
    uint8_t more[240];
} socket_object;

typedef struct {
    uint32_t count;
    connection **connections;
    tsio_reactor reactor;
    tsio_wheel wheel;
    tsio_room room;
    tsio_message *event, *ping;
    uint64_t epoch;
    double now;
} sink_world;

static uint64_t bytes_sunk;

static ssize_t sink(int fd, const void *buf, size_t len, int flags)
{
    (void)fd;
    (void)flags;
    measure_keep(buf);
    bytes_sunk += len;
    return (ssize_t)len;
}

static tsio_message *text_message(const char *text)
{
    tsio_message *message = tsio_message_new(strlen(text) + 11, 0);
    if (message == NULL || tsio_message_add_text(message, 0, (const uint8_t *)text, strlen(text)) != TSIO_OK)
        fail("no memory");
    return message;
}

/* As tsio_reactor_add() does it, but there is no socket. */
static void enter_reactor(sink_world *world, tsio_conn *conn, uint32_t slot)
{
    world->reactor.slots[slot] = (tsio_slot){.conn = conn, .fd = -1, .generation = 1, .interest = EPOLLIN};
    conn->slot = slot;
    conn->via = TSIO_VIA_REACTOR;
    conn->front->lists = &world->reactor.dirty;
    conn->open = true;
}

static connection *new_connection(void)
{
    connection *made = grow(NULL, sizeof *made);
    memset(made, 0, sizeof *made);
    if (tsio_conn_init(&made->conn, 1000000, 64, 1000, 1000000, TSIO_POLICY_DISCONNECT) != TSIO_OK)
        fail("no memory");
    return made;
}

static tsio_member *new_member(tsio_conn *conn)
{
    socket_object *made = grow(NULL, sizeof *made);
    memset(made, 0, sizeof *made);
    made->member.conn = conn;
    return &made->member;
}

static void shuffle(tsio_member **members, uint32_t count)
{
    uint64_t random = 1;
    for (uint32_t i = count; i > 1; i--) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const uint32_t other = (uint32_t)((random >> 33) % i);
        tsio_member *member = members[i - 1];
        members[i - 1] = members[other];
        members[other] = member;
    }
}

static void begin(sink_world *world, uint32_t count, bool shuffled)
{
    tsio_member **members = grow(NULL, count * sizeof(tsio_member *));
    world->count = count;
    world->connections = grow(NULL, count * sizeof(connection *));
    world->event = text_message("42[\"chat\",\"the quick brown fox jumps over the lazy dog, twice\"]");
    world->ping = text_message("2");
    if (tsio_reactor_init(&world->reactor) != TSIO_OK)
        fail("no reactor");
    world->reactor.slots = grow(NULL, count * sizeof(tsio_slot));
    world->reactor.cap = world->reactor.count = count;
    tsio_io.send = sink;
    tsio_wheel_init(&world->wheel, TICK, 0);
    for (uint32_t i = 0; i < count; i++) {
        world->connections[i] = new_connection();
        members[i] = new_member(&world->connections[i]->conn);
        enter_reactor(world, members[i]->conn, i);
    }
    if (shuffled)
        shuffle(members, count);
    for (uint32_t i = 0; i < count; i++) {
        if (tsio_room_join(&world->room, members[i]) != TSIO_OK)
            fail("no memory");
        tsio_conn_heartbeat_start(members[i]->conn, &world->wheel, INTERVAL * i / count, INTERVAL, TIMEOUT);
    }
    free(members);
}

static void append(sink_world *world)
{
    tsio_broadcast broadcast;
    tsio_broadcast_init(&broadcast, world->event, 0, ++world->epoch);
    tsio_broadcast_to_room(&broadcast, &world->room);
    if (broadcast.accepted != world->count)
        fail("%u of %u members took it", broadcast.accepted, world->count);
}

typedef tsio_front *(*next_of_reactor)(tsio_reactor *, tsio_link *);
typedef tsio_front *(*next_of_list)(tsio_link *);

static inline tsio_front *ask_reactor(next_of_reactor next, tsio_reactor *reactor, tsio_link *list)
{
    return next(reactor, list);
}

static inline tsio_front *ask_list(next_of_list next, tsio_reactor *reactor, tsio_link *list)
{
    (void)reactor;
    return next(list);
}

/* An older csrc asks for the list alone; both versions are to be compared. */
static tsio_front *next_dirty(sink_world *world, tsio_link *list)
{
    return _Generic(&tsio_reactor_next_dirty, next_of_reactor: ask_reactor, next_of_list: ask_list)(
        tsio_reactor_next_dirty, &world->reactor, list);
}

static uint32_t flush(sink_world *world, tsio_link *list)
{
    uint32_t flushed = 0;
    for (tsio_front *front; (front = next_dirty(world, list)) != NULL; flushed++)
        if (tsio_reactor_flush(&world->reactor, front) != TSIO_IO_OK)
            fail("the sink refuses");
    return flushed;
}

/* Whose ping is due gets it; it is written, and the answer comes at once. */
static uint32_t beat(sink_world *world)
{
    uint32_t beats = 0;
    for (tsio_conn *conn; (conn = tsio_conn_expired(&world->wheel, world->now)) != NULL; beats++) {
        if (tsio_conn_on_timer(conn, &world->wheel, world->now) != TSIO_TIMER_PING)
            fail("it is not time for a ping");
        tsio_conn_send(conn, world->ping, TSIO_SEND_PROTECTED);
    }
    tsio_link *list = &world->reactor.dirty.urgent;
    for (tsio_front *front; (front = next_dirty(world, list)) != NULL;) {
        if (tsio_reactor_flush(&world->reactor, front) != TSIO_IO_OK)
            fail("the sink refuses");
        tsio_conn_pong(front->conn, &world->wheel, world->now);
    }
    measure_keep(&(double){tsio_wheel_next(&world->wheel)});
    return beats;
}

static double each(const sink_world *world, uint64_t start)
{
    return (double)(clock_now_ns() - start) / world->count;
}

static double beat_all(sink_world *world)
{
    const uint64_t start = clock_now_ns();
    for (uint32_t beats = 0; beats < world->count; world->now += TICK)
        beats += beat(world);
    return each(world, start);
}

static void tell(measure_times *times, const char *what, const sink_world *world, bool shuffled, const char *question)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%u%s", what, world->count, shuffled ? "-shuffled" : "");
    measure_tell(times, name, "member", question);
}

int main(int argc, char **argv)
{
    static sink_world world;
    const long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    const bool shuffled = argc > 2 && strcmp(argv[2], "shuffled") == 0;
    if (count < 1 || count > 10000000 || (argc > 2 && !shuffled))
        fail("members [1..10000000] [shuffled]");
    begin(&world, (uint32_t)count, shuffled);
    const int rounds = count <= 10000 ? MEASURE_MOST : count <= 100000 ? 24 : 8;
    measure_times appends = {.count = 0}, flushes = {.count = 0}, beats = {.count = 0};
    for (int round = -1; round < rounds; round++) { /* the first warms up */
        const uint64_t start = clock_now_ns();
        append(&world);
        const double appended = each(&world, start);
        const uint64_t middle = clock_now_ns();
        if (flush(&world, &world.reactor.dirty.bulk) != world.count)
            fail("somebody was not flushed");
        const double flushed = each(&world, middle);
        const double beaten = beat_all(&world);
        if (round < 0)
            continue;
        measure_add(&appends, appended);
        measure_add(&flushes, flushed);
        measure_add(&beats, beaten);
    }
    tell(&appends, "append", &world, shuffled, "What does a broadcast cost for each member, until it is queued?");
    tell(&flushes, "flush", &world, shuffled, "And until it is handed to the socket?");
    tell(&beats, "heartbeat", &world, shuffled, "What does a heartbeat cost: its ping queued and written, its answer noted?");
}
