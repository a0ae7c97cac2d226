/* conn.h -- one connection: codec state, heartbeat state, outbox.
 *
 *     bytes --feed, lend--> input --next--> whole messages, close       inbound
 *                                  |  ping -> pong, "3" -> heartbeat    dealt with here
 *     bytes <--take, peek--- [pongs] [outbox messages] [close frame]    outbound
 *                                        ^-- send
 *
 * An Engine.IO session has one of these for its whole life. While it is polling,
 * only the outbox and the timers are used; a candidate for an upgrade is a second
 * one, whose WebSocket half the session adopts.
 *
 * No I/O, no clock: times come in, in seconds of the wheel's clock. Idle, it owns
 * no memory besides itself and its front: the buffers live from the first byte of a
 * message to its end, the ring from push to take. Not thread-safe, and not to be moved.
 */
#ifndef TSIO_CONN_H
#define TSIO_CONN_H

#include "front.h"
#include "outbox.h"
#include "pongs.h"
#include "wheel.h"
#include "ws_frame.h"

typedef enum {
    TSIO_HB_OFF,
    TSIO_HB_WAIT_CLIENT,    /* revision 3: the client's next ping must have come by the deadline */
    TSIO_HB_WAIT_PING,      /* our next ping is due at `ping_at` */
    TSIO_HB_PING_QUEUED,    /* it stands in the outbox, or has left from the front, which tsio_conn_leave_fast_path() learns;
                             * the client must be alive until the deadline */
    TSIO_HB_WAIT_PONG       /* it has left, and the answer must have come by the deadline */
} tsio_hb_state;

/* The WebSocket half: what an upgrade moves from one connection to another. */
typedef struct {
    tsio_ws_reader reader;
    uint8_t *in; /* lent, or input.data; parsed up to in_pos */
    size_t in_len, in_pos;
    tsio_buf input;        /* what was fed, or kept of what was lent */
    tsio_buf message;      /* the beginning of a message that does not come in one piece */
    tsio_pongs *pongs;     /* what answers the peer's pings, NULL: nothing waits */
    uint8_t *close_reason; /* the close frame's bytes behind close_head */
    uint8_t close_head[4]; /* header and code of the close frame, all zero: none */
    uint8_t close_pos;     /* bytes sent of that frame */
    tsio_status failed;    /* the error every further tsio_conn_next() returns */
    bool message_whole;    /* `message` is an event's data */
    bool close_received, close_sent;
} tsio_conn_ws;

/* What serves a connection, and so when a volatile message may go. */
typedef enum {
    TSIO_VIA_POLLING, /* when a poll waits */
    TSIO_VIA_STREAM,  /* when nothing is in flight */
    TSIO_VIA_REACTOR  /* when the last flush was not cut short */
} tsio_via;

enum { TSIO_NO_SLOT = UINT32_MAX };

/* Pongs may take up as many bytes as the outbox, and in any case as many as one read may bring. */
enum { TSIO_PONGS_MIN_BYTES = 65536 };
/* So many bytes of an unfinished message within a ping timeout show that the client is alive. */
enum { TSIO_LIFE_BYTES = 1024 };

/* `timer`, `owner` and the fields from `blocked` to `volatile_lost` are public, the
 * others are private.
 *
 * Fast path: an idle connection of a reactor sends messages straight from its front
 * (see front.h). It enters the fast path when a reactor has written everything, if it is
 * open, has no dialect (messages are sent unchanged), has an empty outbox and no control
 * frame to send, and its peer reads. Anything but sending a message leaves the fast path.
 *
 * On the fast path `outbox` is out of date: the counters miss `front->uncounted` messages
 * and the waiting one. To change or drain the outbox, call tsio_conn_leave_fast_path()
 * first; to read its size and counters, call tsio_conn_queued() and tsio_conn_progress(). */
typedef struct tsio_conn {
    tsio_front *front;
    tsio_wheel *wheel;     /* of the timer; NULL until there was a deadline */
    tsio_wheel_node timer; /* linked at the earliest one of the three times below */
    double hb_deadline;    /* the client must have answered or pinged by then; INFINITY: none, or suspended */
    double ping_at;        /* our next ping is due; INFINITY: none */
    double other_deadline; /* INFINITY: none */
    double ping_interval, ping_timeout;
    uint8_t hb_state;       /* a tsio_hb_state */
    bool hb_suspended : 1;  /* the deadline is, because nothing is read */
    bool hb_overdue : 1;    /* the deadline has passed, and the layer above has not decided yet */
    bool hb_waited : 1;     /* it has decided to wait on, and nothing has come since */
    bool hb_busy : 1;       /* there were messages between the last two pings, more or larger than a few small ones */
    bool hb_behind : 1;     /* more than TSIO_LIFE_BYTES were on their way when the ping left */
    bool open;              /* messages are accepted; false at first. Set it with tsio_conn_set_open() */
    bool torn;              /* a message was cut off and thrown away: nothing can follow */
    bool blocked;           /* the reactor waits until the peer has read */
    bool paused;            /* the reactor does not read */
    bool poll_waits;        /* a poll is there to take a message at once */
    bool report_pongs;      /* pongs of the heartbeat are events, too; false at first */
    uint8_t via;            /* a tsio_via */
    uint32_t slot;          /* the reactor's; TSIO_NO_SLOT: none */
    uint32_t volatile_lost; /* volatile messages that were not sent */
    uint32_t hb_ping;       /* low half of the number that the outbox gave the ping */
    uint32_t written;       /* bytes that the reactor has written, except from the front */
    uint16_t hb_bytes;      /* of an unfinished message, since the deadline was set */
    void *owner;            /* the layer above's own; NULL at first */
    const tsio_dialect *dialect; /* what the client understands; NULL: revision 4. Not owned */
    tsio_outbox outbox;
    tsio_conn_ws ws;
} tsio_conn;

/* See ws_frame.h and outbox.h for the limits. TSIO_E_NO_MEMORY: there is none, and
 * nothing to be freed. */
tsio_status tsio_conn_init(tsio_conn *conn, uint64_t max_message_bytes, uint32_t max_fragments,
                           uint32_t outbox_max_packets, size_t outbox_max_bytes, tsio_policy policy);

/* Precondition: detached, or never given to a wheel. */
void tsio_conn_free(tsio_conn *conn);

/* --- inbound ------------------------------------------------------------- */

/* Copies what was read from the peer. How much it may be is bounded by the caller:
 * one read, then tsio_conn_next() until NEED_MORE. After an error or a close frame
 * the bytes are ignored. TSIO_E_NO_MEMORY: nothing was taken; the bytes may be fed
 * again. Ends the life of the last event's data. Precondition: nothing that was
 * lent is left (next has said NEED_MORE, or keep was called). */
tsio_status tsio_conn_feed(tsio_conn *conn, const uint8_t *data, size_t len);

/* As feed, without a copy: the bytes stay the caller's, which must not use them
 * (they are unmasked in place) until next returns NEED_MORE, or keep is called.
 * Precondition: all input before is parsed (next has said NEED_MORE). */
void tsio_conn_lend(tsio_conn *conn, uint8_t *data, size_t len);

/* Copies what is left of the bytes lent; nothing happens if nothing is left.
 * TSIO_E_NO_MEMORY: the rest is lost, the connection cannot go on. */
tsio_status tsio_conn_keep(tsio_conn *conn);

/* Whether fed, lent or kept bytes are still to be parsed. */
bool tsio_conn_has_input(const tsio_conn *conn);

typedef enum { TSIO_CONN_NEED_MORE, TSIO_CONN_TEXT, TSIO_CONN_BINARY, TSIO_CONN_CLOSE } tsio_conn_event_kind;

typedef struct {
    tsio_conn_event_kind kind;
    const uint8_t *data; /* TEXT (UTF-8), BINARY: the message; CLOSE: the reason. Never NULL, owned by the
                          * connection, valid until the next feed, lend, keep, next or free on it */
    size_t len;
    uint16_t close_code; /* CLOSE: 1005 if the frame carried none */
} tsio_conn_event;

/* The next whole message, or the peer's close frame, after which nothing comes any
 * more. A message that lies in the input in one frame is handed out in place; any
 * other is put together first. A ping frame queues its pong; TSIO_E_TOO_MANY_PINGS: the peer
 * does not read them. Pong frames are ignored.
 *
 * While the heartbeat runs, a text message "3" is its answer and no event (unless
 * `report_pongs`: then the caller calls tsio_conn_pong()): in
 * WAIT_PONG it starts the next interval at `now`; an answer without a ping is ignored.
 * Any other message says tsio_conn_heard(), and a part of one tsio_conn_received().
 * In WAIT_CLIENT, "3" is a message, too.
 * A compressed message is inflated before any of this; it is never handed out in place.
 *
 * An error (of ws_frame.h, deflate.h or pongs.h, or TSIO_E_NO_MEMORY: a message or a pong is lost) is
 * returned by every further call as well. O(bytes parsed). */
tsio_status tsio_conn_next(tsio_conn *conn, double now, tsio_conn_event *event);

/* Moves the WebSocket half of `candidate`, whose upgrade is complete, to `session`,
 * which keeps its outbox, heartbeat, deadlines and owner, and takes the dialect. An
 * event's data lives on and is the session's now. The candidate's WebSocket half is then as freshly
 * initialised; it is still to be detached and freed. */
void tsio_conn_adopt(tsio_conn *session, tsio_conn *candidate);

/* --- outbound (WebSocket; for polling, use the outbox) -------------------- */

/* Moves what the front has counted and holds into the outbox, and returns that. The connection is on the
 * fast path again after the next flush that leaves nothing. O(1). */
tsio_outbox *tsio_conn_leave_fast_path(tsio_conn *conn);

/* What the client understands from now on; messages that are queued stay as they are. It
 * stays the caller's, and must outlive the connection. NULL: revision 4. Whether compressed
 * messages may come is part of it: precondition, none is half read. */
void tsio_conn_set_dialect(tsio_conn *conn, const tsio_dialect *dialect);

/* Whether messages are accepted from now on. */
void tsio_conn_set_open(tsio_conn *conn, bool open);

/* How much is queued, in the front and in the outbox. O(1). */
typedef struct {
    uint32_t packets;
    size_t bytes;
} tsio_queued;
tsio_queued tsio_conn_queued(const tsio_conn *conn);

/* `pushed` and `confirmed` of the outbox (see outbox.h), with the messages of the front counted. O(1). */
typedef struct {
    uint64_t pushed, confirmed;
} tsio_progress;
tsio_progress tsio_conn_progress(const tsio_conn *conn);

/* Enters the fast path if its conditions hold. To be called when everything was written. */
void tsio_conn_try_fast_path(tsio_conn *conn);

/* Queues a message and puts the connection on a dirty list. Flags: PROTECTED (see
 * outbox.h); VOLATILE: if it would have to wait, it is lost instead; BULK: it is one
 * of many alike, and not urgent.
 * TSIO_OK, TSIO_E_DROPPED (also when not open), TSIO_E_OUTBOX_FULL, TSIO_E_NO_MEMORY. */
tsio_status tsio_conn_send(tsio_conn *conn, tsio_message *message, uint32_t flags);

/* Throws away all that is queued, for good: the connection ends at once. */
void tsio_conn_discard(tsio_conn *conn);

/* tsio_outbox_has_room(), with a message that waits in the front counted. O(1). */
bool tsio_conn_has_room(const tsio_conn *conn, size_t bytes);

/* Whether a message queued now would wait for nothing. O(1). */
bool tsio_conn_is_writable(const tsio_conn *conn);

/* Puts the connection at the end of its urgent list, or of the other one, if it has
 * lists, and is not blocked. One that is urgent already stays where it is. */
void tsio_conn_mark_dirty(tsio_conn *conn, bool urgent);

/* Whether tsio_conn_take() would give anything. */
bool tsio_conn_has_output(const tsio_conn *conn);

/* Copies the next bytes to be sent, at most `cap`, and returns how many: the rest of a
 * message that is half sent, the pongs, messages, and behind all of them the close frame,
 * any of them cut. */
size_t tsio_conn_peek(tsio_conn *conn, uint8_t *dst, size_t cap);

/* So many of the bytes that peek gave last are sent; nothing else happened since. */
void tsio_conn_advance(tsio_conn *conn, size_t sent);

/* Appends to `dst` what is to be sent next: the pongs, whole messages until `dst`
 * holds max_bytes or more (in any case one), and when the outbox is empty, the
 * close frame; after that nothing ever. TSIO_E_NO_MEMORY: nothing was taken;
 * when memory fails later than that, it is TSIO_OK and the rest stays. */
tsio_status tsio_conn_take(tsio_conn *conn, tsio_buf *dst, size_t max_bytes);

/* Queues a close frame behind what is queued, and closes the outbox. Only the
 * first call counts. `reason` is borrowed, NULL is fine when reason_len is 0; see
 * tsio_ws_close_build(). Cannot fail: without memory, the reason is left out. */
void tsio_conn_close(tsio_conn *conn, uint16_t code, const uint8_t *reason, size_t reason_len);

/* --- timers: all calls for a connection name the same wheel; O(1) ---------- */

/* The first ping is due after `interval` seconds; a pong must come within `timeout`.
 * Each ping is followed within `timeout` by its pong, by the timeout, or by another
 * ping: the deadline may be suspended or put off, but the client gives up if no ping
 * comes for both together. Another ping is left out while the outbox is full.
 * In revision 3 the client pings: the first ping and each next one must come within
 * both together. */
void tsio_conn_heartbeat_start(tsio_conn *conn, tsio_wheel *wheel, double now, double interval, double timeout);

/* No more pings, and no deadline. */
void tsio_conn_heartbeat_stop(tsio_conn *conn, tsio_wheel *wheel);

/* While reading is paused, no answer can be seen: no deadline, but the pings go on.
 * On resuming, a deadline that applies starts anew. Both do nothing when it is so
 * already, and while the heartbeat is off. */
void tsio_conn_heartbeat_suspend(tsio_conn *conn, tsio_wheel *wheel);
void tsio_conn_heartbeat_resume(tsio_conn *conn, tsio_wheel *wheel, double now);

/* The heartbeat's answer, when it came through polling. */
void tsio_conn_pong(tsio_conn *conn, tsio_wheel *wheel, double now);

/* A whole message came: the deadline starts anew. */
void tsio_conn_heard(tsio_conn *conn, tsio_wheel *wheel, double now);

/* So many bytes of an unfinished message came: with TSIO_LIFE_BYTES of them, the
 * client has at least `timeout` again. */
void tsio_conn_received(tsio_conn *conn, tsio_wheel *wheel, double now, size_t bytes);

/* The client's ping: in WAIT_CLIENT the deadline starts anew. */
void tsio_conn_pinged(tsio_conn *conn, tsio_wheel *wheel, double now);

/* The ping has left the outbox: the wait for its answer begins, unless `now` is NAN: then
 * it has begun when the ping was queued. Leaves the wheel alone, so the timer may expire
 * early, with nothing due. */
void tsio_conn_ping_left(tsio_conn *conn, double now);

/* To be called when messages were written: whether the ping has just left is looked up here. O(1). */
static inline bool tsio_conn_written(tsio_conn *conn, double now)
{
    if (conn->hb_state != TSIO_HB_PING_QUEUED || (int32_t)((uint32_t)conn->outbox.confirmed - conn->hb_ping) < 0)
        return false;
    tsio_conn_ping_left(conn, now);
    return true;
}

/* The layer above waits on, although the deadline has passed: until `deadline`. The
 * client is pinged again at once. */
void tsio_conn_wait_on(tsio_conn *conn, tsio_wheel *wheel, double now, double deadline);

/* The server itself was late: each client of the wheel has so many seconds more, but
 * none more than it had at first. O(connections). */
void tsio_conn_put_off(tsio_wheel *wheel, double now, double seconds);

/* Sets the other deadline; INFINITY takes it away. */
void tsio_conn_set_deadline(tsio_conn *conn, tsio_wheel *wheel, double deadline);

typedef enum {
    TSIO_TIMER_NONE,         /* nothing is due any more; what remains is scheduled */
    TSIO_TIMER_PING,         /* the caller must push the ping packet, as the next one */
    TSIO_TIMER_PING_TIMEOUT, /* no answer came by the deadline: the layer above decides, unless
                              * something comes first, and calls wait_on or stop */
    TSIO_TIMER_DEADLINE      /* the other deadline passed; there is none any more */
} tsio_timer_kind;

/* tsio_wheel_expire() of a wheel in which there are only connections' timers. */
tsio_conn *tsio_conn_expired(tsio_wheel *wheel, double now);

/* To be called when tsio_conn_expired() gave this connection, until it says NONE. */
tsio_timer_kind tsio_conn_on_timer(tsio_conn *conn, tsio_wheel *wheel, double now);

/* Takes the timer out of the wheel, and away all deadlines: the heartbeat is off. */
void tsio_conn_detach(tsio_conn *conn, tsio_wheel *wheel);

#endif
