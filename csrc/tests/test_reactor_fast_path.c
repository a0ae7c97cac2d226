/* The fast path is not observable: two connections get the same calls, one of them is
 * never allowed onto the fast path, and both send and report the same. */
#include "reactor_help.h"
#include "rooms.h"

enum { STEPS = 400 };

static wire twins[2]; /* the second one always leaves the fast path */
static size_t fast_seen, uncounted_seen;

static void twins_report_the_same(void)
{
    const tsio_conn *conn = &twins[0].conn, *other = &twins[1].conn;
    tsio_conn_leave_fast_path(&twins[1].conn);
    CHECK_EQ(tsio_conn_has_output(conn), tsio_conn_has_output(other));
    CHECK_EQ(tsio_conn_is_writable(conn), tsio_conn_is_writable(other));
    CHECK_EQ(conn->front->dirty.next != NULL, other->front->dirty.next != NULL);
    CHECK(conn->front->dirty.next == NULL || conn->front->urgent == other->front->urgent);
    CHECK_EQ(conn->blocked, other->blocked);
    CHECK_EQ(conn->volatile_lost, other->volatile_lost);
    CHECK_EQ(tsio_conn_queued(conn).packets, tsio_conn_queued(other).packets);
    CHECK_EQ(tsio_conn_queued(conn).bytes, tsio_conn_queued(other).bytes);
    CHECK_EQ(tsio_conn_progress(conn).pushed, tsio_conn_progress(other).pushed);
    CHECK_EQ(tsio_conn_progress(conn).confirmed, tsio_conn_progress(other).confirmed);
    fast_seen += conn->front->on_fast_path;
    uncounted_seen += conn->front->uncounted > 0;
}

static void outboxes_are_the_same(void)
{
    const tsio_outbox *outbox = tsio_conn_leave_fast_path(&twins[0].conn), *other = tsio_conn_leave_fast_path(&twins[1].conn);
    CHECK(!twins[0].conn.front->on_fast_path && twins[0].conn.front->waiting == NULL);
    CHECK(outbox->count == other->count && outbox->bytes == other->bytes && outbox->head_sent == other->head_sent);
    CHECK(outbox->pushed == other->pushed && outbox->confirmed == other->confirmed);
    CHECK(outbox->dropped == other->dropped && outbox->closed == other->closed);
    for (uint32_t i = 0; i < outbox->count; i++)
        CHECK(outbox->entries[(outbox->head + i) & (outbox->cap - 1)].flags ==
              other->entries[(other->head + i) & (other->cap - 1)].flags);
}

static void the_same_arrived(void)
{
    static uint8_t bytes[2][1 << 18];
    size_t len[2];
    for (size_t i = 0; i < 2; i++)
        len[i] = wire_arrived(&twins[i], bytes[i], sizeof bytes[i]);
    CHECK_BYTES(bytes[0], len[0], bytes[1], len[1]);
}

static void send_both(check_rng *rng)
{
    static char text[70000];
    static const uint32_t kinds[] = {0, TSIO_SEND_BULK, TSIO_SEND_BULK | TSIO_SEND_VOLATILE, TSIO_SEND_PROTECTED};
    const uint32_t flags = kinds[check_below(rng, 4)];
    const size_t len = check_below(rng, 40) == 0 ? sizeof text : 1 + check_below(rng, 30);
    memset(text, 'a' + (int)check_below(rng, 26), len);
    tsio_message *message = tsio_message_new(0, 1 + check_below(rng, 2));
    CHECK_EQ(tsio_message_add_text(message, '4', (const uint8_t *)text, len), TSIO_OK);
    const tsio_status status = tsio_conn_send(&twins[0].conn, message, flags);
    CHECK_EQ(tsio_conn_send(&twins[1].conn, message, flags), status);
    tsio_message_unref(message);
}

static void flush_both(void)
{
    tsio_io_status status[2];
    for (size_t i = 0; i < 2; i++) {
        tsio_front *front = twins[i].conn.front;
        tsio_front_unlink(front);
        mean_send.calls = 0;
        status[i] = tsio_reactor_flush(&reactor, front);
        tsio_reactor_end_pass(&reactor);
    }
    CHECK_EQ(status[0], status[1]);
}

static void ping_both(void)
{
    for (size_t i = 0; i < 2; i++) {
        wire_say(&twins[i], TSIO_WS_PING, "?");
        CHECK_EQ(tsio_reactor_read(&reactor, &twins[i].conn), TSIO_IO_OK);
        wire_check_nothing(&twins[i]);
        tsio_conn_mark_dirty(&twins[i].conn, true);
    }
}

static void step(check_rng *rng)
{
    const size_t what = check_below(rng, 60);
    const bool value = check_below(rng, 3) > 0, last = check_below(rng, 5) == 0;
    if (what < 25)
        send_both(rng);
    else if (what < 50)
        flush_both();
    else if (what < 52)
        mean_send = (meanness){
            .most = value ? SIZE_MAX : 1 + check_below(rng, 20),
            .error = value ? 0 : EAGAIN,
            .every = 1 + check_below(rng, 3),
        };
    else if (what < 54)
        ping_both();
    else if (what == 55)
        outboxes_are_the_same();
    for (size_t i = 0; i < 2; i++) {
        if (what == 56)
            tsio_reactor_unblock(&twins[i].conn);
        else if (what == 57)
            tsio_conn_set_open(&twins[i].conn, value);
        else if (what == 58 && last)
            tsio_conn_leave_fast_path(&twins[i].conn)->closed = true;
        else if (what == 59)
            tsio_outbox_confirm(tsio_conn_leave_fast_path(&twins[i].conn)); /* does nothing here */
    }
    twins_report_the_same();
    the_same_arrived();
}

static void twins_cannot_be_told_apart(tsio_policy policy)
{
    check_rng rng = {11 + (uint64_t)policy};
    for (unsigned life = 0; life < 40; life++) {
        reactor_start();
        for (size_t i = 0; i < 2; i++) {
            wire_open(&twins[i]);
            tsio_outbox_init(tsio_conn_leave_fast_path(&twins[i].conn), 3, 400, policy);
        }
        be_mean(SIZE_MAX, 0, 1);
        for (unsigned i = 0; i < STEPS; i++)
            step(&rng);
        if (life % 2 == 0)
            for (size_t i = 0; i < 2; i++)
                tsio_conn_close(&twins[i].conn, 1000, BYTES("bye"));
        else
            for (size_t i = 0; i < 2; i++)
                tsio_conn_discard(&twins[i].conn);
        be_mean(SIZE_MAX, 0, 1);
        for (size_t i = 0; i < 2; i++)
            tsio_reactor_unblock(&twins[i].conn);
        flush_both();
        twins_report_the_same();
        the_same_arrived();
        outboxes_are_the_same();
        for (size_t i = 0; i < 2; i++)
            wire_close(&twins[i]);
        reactor_finish();
    }
}

/* More messages go by than a front can count. */
static void every_message_is_counted(void)
{
    wire line;
    reactor_start();
    wire_open(&line);
    be_mean(SIZE_MAX, 0, 1);
    for (uint64_t sent = 1; sent <= 1000; sent++) {
        wire_queue(&line, "x", 1);
        CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
        wire_check_arrived(&line, "\x81\x01x", 3);
        if (sent % 300 == 0)
            CHECK(tsio_conn_leave_fast_path(&line.conn)->pushed == sent && line.conn.outbox.confirmed == sent);
    }
    wire_close(&line);
    reactor_finish();
}

/* A message that waits goes along when the socket does, and dies with the connection. */
static void what_waits_is_not_lost(void)
{
    wire line, session;
    reactor_start();
    wire_open(&line);
    wire_make(&session);
    be_mean(SIZE_MAX, 0, 1);
    wire_queue(&line, "a", 1);
    CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
    CHECK(line.conn.front->on_fast_path);
    wire_queue(&line, "dropped", 7);
    CHECK(line.conn.front->waiting != NULL);
    tsio_reactor_move(&reactor, &line.conn, &session.conn);
    CHECK(!line.conn.front->on_fast_path && line.conn.outbox.count == 1);
    wire_queue(&session, "b", 1);
    CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
    wire_check_arrived(&line, "\x81\x01" "a" "\x81\x01" "b", 6);
    CHECK(session.conn.front->on_fast_path);
    wire_queue(&session, "c", 1);
    wire_close(&session); /* with it */
    wire_close(&line);
    reactor_finish();
}

static void broadcast(tsio_room *room, tsio_message *message, uint32_t flags, uint32_t accepted)
{
    static uint64_t epoch;
    tsio_broadcast broadcast;
    tsio_broadcast_init(&broadcast, message, flags, ++epoch);
    for (unsigned i = 0; i < 2; i++) /* twice is once */
        tsio_broadcast_to_room(&broadcast, room);
    CHECK_EQ(broadcast.accepted, accepted);
    CHECK_EQ(broadcast.flushed != NULL, accepted > 0);
    CHECK(broadcast.full == NULL && tsio_broadcast_next_woken(&broadcast) == NULL);
}

/* After the first broadcast all are on the fast path; the next message waits in the front, a second one in the outbox. */
static void broadcasts_go_by_the_outbox(void)
{
    enum { CROWD = 100 }; /* more than are fetched ahead */
    static wire lines[CROWD];
    static tsio_member members[CROWD];
    tsio_room room = {0};
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_text(message, '4', BYTES("b")), TSIO_OK);
    reactor_start();
    be_mean(SIZE_MAX, 0, 1);
    for (size_t i = 0; i < CROWD; i++) {
        wire_open(&lines[i]);
        members[i] = (tsio_member){.conn = &lines[i].conn};
        CHECK_EQ(tsio_room_join(&room, &members[i]), TSIO_OK);
    }
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < round; i++)
            broadcast(&room, message, i % 2 == 0 ? TSIO_SEND_VOLATILE : 0, CROWD);
        for (size_t i = 0; i < CROWD; i++) {
            CHECK(next_dirty() == &lines[i].conn);
            CHECK_EQ(tsio_reactor_flush(&reactor, lines[i].conn.front), TSIO_IO_OK);
            wire_check_arrived(&lines[i], "\x81\x02" "4b" "\x81\x02" "4b" "\x81\x02" "4b", 4 * (size_t)round);
            CHECK(lines[i].conn.front->on_fast_path);
        }
        broadcast(&room, message, 0, CROWD);
        for (size_t i = 0; i < CROWD; i++) {
            CHECK(lines[i].conn.front->waiting == message && lines[i].conn.outbox.count == 0);
            CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
            wire_check_arrived(&lines[i], "\x81\x02" "4b", 4);
        }
    }
    tsio_member_mute(&members[0]);
    tsio_conn_set_open(&lines[1].conn, false);
    broadcast(&room, message, 0, CROWD - 2);
    for (size_t i = 0; i < CROWD; i++) {
        CHECK_EQ(lines[i].conn.front->waiting != NULL, i > 1);
        CHECK(tsio_member_leave_one(&members[i]) == &room);
        wire_close(&lines[i]);
    }
    tsio_message_unref(message); /* the last one */
    reactor_finish();
}

/* A client with a dialect gets other forms of messages, which a front cannot send. */
static void a_dialect_leaves_the_fast_path(void)
{
    static const tsio_dialect typed = {.revision = 3};
    wire line;
    reactor_start();
    wire_open(&line);
    be_mean(SIZE_MAX, 0, 1);
    wire_queue(&line, "a", 1);
    CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
    wire_queue(&line, "b", 1);
    CHECK(line.conn.front->on_fast_path && line.conn.front->waiting != NULL);
    tsio_conn_set_dialect(&line.conn, &typed);
    CHECK(!line.conn.front->on_fast_path && line.conn.outbox.count == 1);
    tsio_message *message = tsio_message_new(0, 0);
    CHECK_EQ(tsio_message_add_binary(message, BYTES("c")), TSIO_OK);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(tsio_conn_send(&line.conn, message, TSIO_SEND_BULK), TSIO_OK);
        CHECK_EQ(tsio_reactor_flush(&reactor, next_dirty()->front), TSIO_IO_OK);
        CHECK(!line.conn.front->on_fast_path);
    }
    wire_check_arrived(&line, BYTES("\x81\x01" "a" "\x81\x01" "b" "\x82\x02\x04" "c" "\x82\x02\x04" "c"));
    tsio_message_unref(message);
    wire_close(&line);
    reactor_finish();
}

int main(void)
{
    alloc_install();
    for (int policy = TSIO_POLICY_DISCONNECT; policy <= (int)TSIO_POLICY_LATEST_PER_EVENT; policy++)
        twins_cannot_be_told_apart((tsio_policy)policy);
    CHECK(fast_seen > 1000 && uncounted_seen > 1000);
    every_message_is_counted();
    what_waits_is_not_lost();
    broadcasts_go_by_the_outbox();
    a_dialect_leaves_the_fast_path();
    return check_done("reactor_fast_path");
}
