/* conn.h -- one connection: codec state, heartbeat state, outbox.
 *
 *     bytes --feed, lend--> input --next--> whole messages, close       inbound
 *                                  |  ping -> pong, "3" -> heartbeat    handled here
 *     bytes <--take, peek--- [pongs] [outbox messages] [close frame]    outbound
 *                                        ^-- send
 *
 * An Engine.IO session has one connection for its whole life. While the session is
 * polling, only the outbox and the timers are used. An upgrade uses a second connection,
 * the candidate; when the upgrade is complete, the session adopts its WebSocket half.
 *
 * No I/O and no clock: the caller passes the time, in seconds of the wheel's clock. An
 * idle connection owns no memory besides itself and its front: the buffers exist from the
 * first byte of a message to its end, the ring of the outbox while messages are queued.
 * Not thread-safe, and must not be moved.
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
    TSIO_HB_WAIT_CLIENT,    /* revision 3: the client's next ping must come by the deadline */
    TSIO_HB_WAIT_PING,      /* our next ping is due at `ping_at` */
    TSIO_HB_PING_QUEUED,    /* our ping is in the outbox, or was sent from the front: then tsio_conn_leave_fast_path()
                             * enters the next state. The client must send something by the deadline */
    TSIO_HB_WAIT_PONG       /* our ping was sent, and the answer must come by the deadline */
} tsio_hb_state;

/* The WebSocket half of a connection: the part that an upgrade moves to another connection. */
typedef struct {
    tsio_ws_reader reader;
    uint8_t *in; /* lent bytes, or input.data; parsed up to in_pos */
    size_t in_len, in_pos;
    tsio_buf input;        /* bytes that were fed, or lent and then kept */
    tsio_buf message;      /* the beginning of a message that comes in several pieces, or an inflated message */
    tsio_pongs *pongs;     /* pongs to be sent; NULL: none */
    uint8_t *close_reason; /* the close frame's bytes behind close_head */
    uint8_t close_head[4]; /* header and code of the close frame; all zero: none is queued */
    uint8_t close_pos;     /* bytes sent of that frame */
    tsio_status failed;    /* the error that every further tsio_conn_next() returns */
    bool message_whole;    /* `message` is the data of an event */
    bool close_received, close_sent;
} tsio_conn_ws;

/* The transport of a connection. It decides when a volatile message is sent. */
typedef enum {
    TSIO_VIA_POLLING, /* when a poll waits */
    TSIO_VIA_STREAM,  /* when no bytes are in flight */
    TSIO_VIA_REACTOR  /* when the socket took all bytes of the last flush */
} tsio_via;

enum { TSIO_NO_SLOT = UINT32_MAX };

/* Waiting pongs may take up as many bytes as the outbox, but at least this many: the most that one read returns. */
enum { TSIO_PONGS_MIN_BYTES = 65536 };
/* A client that sends this many bytes of an unfinished message within a ping timeout is alive. */
enum { TSIO_LIFE_BYTES = 1024 };

/* `timer`, `owner` and the fields from `blocked` to `volatile_lost` are public, the
 * others are private.
 *
 * Fast path: an idle connection of a reactor sends messages straight from its front
 * (see front.h). It enters the fast path when the reactor has written everything, if it is
 * open, has no dialect (messages are sent unchanged), has an empty outbox and no control
 * frame to send, and its peer reads. It leaves the fast path when it does anything but send a message.
 *
 * On the fast path `outbox` is out of date: the counters miss `front->uncounted` messages
 * and the waiting one. To change or drain the outbox, call tsio_conn_leave_fast_path()
 * first; to read its size and counters, call tsio_conn_queued() and tsio_conn_progress(). */
typedef struct tsio_conn {
    tsio_front *front;
    tsio_wheel *wheel;     /* the wheel of the timer; NULL until a deadline is set */
    tsio_wheel_node timer; /* linked at the earliest of the three times below */
    double hb_deadline;    /* the client must have answered or pinged by then; INFINITY: none, or suspended */
    double ping_at;        /* our next ping is due at this time; INFINITY: none */
    double other_deadline; /* INFINITY: none */
    double ping_interval, ping_timeout;
    uint8_t hb_state;       /* a tsio_hb_state */
    bool hb_suspended : 1;  /* there is no deadline, because reading is paused */
    bool hb_overdue : 1;    /* the deadline has passed, and the layer above has not decided yet */
    bool hb_waited : 1;     /* the layer above waits on, and the client has sent nothing since */
    bool hb_busy : 1;       /* there was more than a few small messages between the last two pings */
    bool hb_behind : 1;     /* more than TSIO_LIFE_BYTES were not acknowledged yet when the ping was sent */
    bool open;              /* messages are accepted; false at first. Set it with tsio_conn_set_open() */
    bool torn;              /* a half-sent message was discarded, so no byte may follow */
    bool blocked;           /* the reactor waits until the peer has read */
    bool paused;            /* the reactor does not read */
    bool poll_waits;        /* a poll waits, and takes a message at once */
    bool report_pongs;      /* pongs of the heartbeat are events, too; false at first */
    uint8_t via;            /* a tsio_via */
    uint32_t slot;          /* index of its slot in the reactor; TSIO_NO_SLOT: none */
    uint32_t volatile_lost; /* volatile messages that were not sent */
    uint32_t hb_ping;       /* low half of the ping's number in the outbox */
    uint32_t written;       /* bytes that the reactor has written, except from the front */
    uint16_t hb_bytes;      /* bytes of an unfinished message that have come since the deadline was set */
    void *owner;            /* for the layer above; NULL at first */
    const tsio_dialect *dialect; /* the client's dialect; NULL: revision 4. Not owned */
    tsio_outbox outbox;
    tsio_conn_ws ws;
} tsio_conn;

/* Initialises a connection; see ws_frame.h and outbox.h for the limits. On
 * TSIO_E_NO_MEMORY there is no connection, and it need not be freed. */
tsio_status tsio_conn_init(tsio_conn *conn, uint64_t max_message_bytes, uint32_t max_fragments,
                           uint32_t outbox_max_packets, size_t outbox_max_bytes, tsio_policy policy);

/* Frees what the connection owns. Precondition: its timer is in no wheel (see tsio_conn_detach()). */
void tsio_conn_free(tsio_conn *conn);

/* --- inbound ------------------------------------------------------------- */

/* Copies bytes that were read from the peer. The caller bounds how many: it feeds one
 * read, then calls tsio_conn_next() until NEED_MORE. After an error or a close frame the
 * bytes are ignored. On TSIO_E_NO_MEMORY no bytes were taken; they may be fed again.
 * The last event's data is no longer valid. Precondition: no lent bytes are left
 * (tsio_conn_next() has returned NEED_MORE, or tsio_conn_keep() was called). */
tsio_status tsio_conn_feed(tsio_conn *conn, const uint8_t *data, size_t len);

/* Like tsio_conn_feed(), without a copy. The bytes are unmasked in place, so the caller
 * must not use them until tsio_conn_next() returns NEED_MORE, or tsio_conn_keep() is called.
 * Precondition: all earlier input is parsed (tsio_conn_next() has returned NEED_MORE). */
void tsio_conn_lend(tsio_conn *conn, uint8_t *data, size_t len);

/* Copies the lent bytes that are not parsed yet; does nothing if there are none. On
 * TSIO_E_NO_MEMORY they are lost, and the connection has failed. */
tsio_status tsio_conn_keep(tsio_conn *conn);

/* Returns whether fed, lent or kept bytes are still to be parsed. */
bool tsio_conn_has_input(const tsio_conn *conn);

typedef enum { TSIO_CONN_NEED_MORE, TSIO_CONN_TEXT, TSIO_CONN_BINARY, TSIO_CONN_CLOSE } tsio_conn_event_kind;

typedef struct {
    tsio_conn_event_kind kind;
    const uint8_t *data; /* TEXT (UTF-8), BINARY: the message; CLOSE: the reason. Never NULL, owned by the
                          * connection, valid until the next feed, lend, keep, next or free on it */
    size_t len;
    uint16_t close_code; /* CLOSE: 1005 if the frame carried none */
} tsio_conn_event;

/* Parses the input up to the next event: a whole message, or the peer's close frame, which
 * is the last event. A message that lies in the input in one frame is handed out in place;
 * the pieces of any other message are joined first. A compressed message is inflated, and
 * never handed out in place. A ping frame queues its pong; TSIO_E_TOO_MANY_PINGS means that
 * the peer does not read its pongs. Pong frames are ignored.
 *
 * While our heartbeat runs, a text message "3" answers our ping and is no event, unless
 * `report_pongs` is set: then the caller calls tsio_conn_pong(). The answer starts the next
 * interval at `now`; an answer without a ping is ignored. In WAIT_CLIENT, "3" is an ordinary
 * message. Every other message calls tsio_conn_heard(), and every piece of an unfinished one
 * calls tsio_conn_received().
 *
 * After an error (of ws_frame.h, deflate.h or pongs.h, or TSIO_E_NO_MEMORY: a message or a pong
 * is lost) every further call returns the same error. O(bytes parsed). */
tsio_status tsio_conn_next(tsio_conn *conn, double now, tsio_conn_event *event);

/* Moves the WebSocket half and the dialect of `candidate`, whose upgrade is complete, to
 * `session`. The session keeps its outbox, heartbeat, deadlines and owner. An event's data
 * stays valid and belongs to the session now. The candidate's WebSocket half is then as
 * freshly initialised; the caller still has to detach and free the candidate. */
void tsio_conn_adopt(tsio_conn *session, tsio_conn *candidate);

/* --- outbound (WebSocket; for polling, use the outbox) -------------------- */

/* Moves the front's counter and its waiting message to the outbox, and returns the outbox. The next flush that
 * writes everything may enter the fast path again. O(1). */
tsio_outbox *tsio_conn_leave_fast_path(tsio_conn *conn);

/* Sets the client's dialect; NULL: revision 4. Messages that are queued already do not change.
 * The caller keeps the dialect, which must outlive the connection. It also determines whether
 * the client may send compressed messages. Precondition: no message is half read. */
void tsio_conn_set_dialect(tsio_conn *conn, const tsio_dialect *dialect);

/* Sets whether tsio_conn_send() accepts messages. */
void tsio_conn_set_open(tsio_conn *conn, bool open);

/* The messages that are queued, in the front and in the outbox. O(1). */
typedef struct {
    uint32_t packets;
    size_t bytes;
} tsio_queued;
tsio_queued tsio_conn_queued(const tsio_conn *conn);

/* `pushed` and `confirmed` of the outbox (see outbox.h), plus the messages of the front. O(1). */
typedef struct {
    uint64_t pushed, confirmed;
} tsio_progress;
tsio_progress tsio_conn_progress(const tsio_conn *conn);

/* Enters the fast path if its conditions hold. Call it when everything was written. */
void tsio_conn_try_fast_path(tsio_conn *conn);

/* Queues a message and puts the connection on a dirty list. Flags: PROTECTED (see
 * outbox.h); VOLATILE: the message is lost if it would have to wait; BULK: the message
 * is part of a broadcast, and not urgent. Returns TSIO_OK, TSIO_E_DROPPED (also when the
 * connection is not open), TSIO_E_OUTBOX_FULL or TSIO_E_NO_MEMORY. */
tsio_status tsio_conn_send(tsio_conn *conn, tsio_message *message, uint32_t flags);

/* Discards all queued messages and closes the outbox, because the connection ends at once. */
void tsio_conn_discard(tsio_conn *conn);

/* Returns whether a message queued now is sent without waiting. O(1). */
bool tsio_conn_is_writable(const tsio_conn *conn);

/* Appends the connection to its urgent list or its bulk list. Does nothing if the connection
 * has no lists, is blocked, or is in that list or the urgent list already. */
void tsio_conn_mark_dirty(tsio_conn *conn, bool urgent);

/* Returns whether there are bytes to be sent. */
bool tsio_conn_has_output(const tsio_conn *conn);

/* Copies the next bytes to be sent, at most `cap`, and returns how many. They are, in this
 * order: the rest of a half-sent message, the pongs, messages, and the close frame. The last
 * one copied may be cut. */
size_t tsio_conn_peek(tsio_conn *conn, uint8_t *dst, size_t cap);

/* Removes the first `sent` bytes that the last tsio_conn_peek() copied. Precondition: no other call was made since. */
void tsio_conn_advance(tsio_conn *conn, size_t sent);

/* Appends to `dst` the next frames to be sent: the pongs; whole messages until `dst`
 * holds max_bytes or more (at least one); and, when the outbox is empty, the close
 * frame, which is the last. TSIO_E_NO_MEMORY: nothing was taken. When memory is short
 * only for a later frame, the result is TSIO_OK and the rest stays queued. */
tsio_status tsio_conn_take(tsio_conn *conn, tsio_buf *dst, size_t max_bytes);

/* Queues a close frame behind the queued messages, and closes the outbox. Further
 * calls do nothing. `reason` is borrowed, and may be NULL when reason_len is 0; see
 * tsio_ws_close_build(). Cannot fail: without memory, the reason is left out. */
void tsio_conn_close(tsio_conn *conn, uint16_t code, const uint8_t *reason, size_t reason_len);

/* --- timers: all calls for a connection name the same wheel; O(1) ---------- */

/* Starts the heartbeat. Our first ping is due after `interval` seconds, and its pong must
 * come within `timeout` seconds. Each ping is followed within `timeout` by its pong, by
 * the ping timeout, or by another ping: the deadline may be suspended or put off, but
 * a client disconnects when no ping comes for `interval + timeout`. Another ping is left
 * out while the outbox is full. In revision 3 the client pings: each of its pings must
 * come within `interval + timeout`. */
void tsio_conn_heartbeat_start(tsio_conn *conn, tsio_wheel *wheel, double now, double interval, double timeout);

/* Stops the heartbeat: there are no more pings, and no deadline. */
void tsio_conn_heartbeat_stop(tsio_conn *conn, tsio_wheel *wheel);

/* Suspend the deadline while reading is paused, because no answer can be read then. The
 * pings continue. Resuming starts the deadline of the current state anew. Resuming does
 * nothing unless the deadline is suspended. */
void tsio_conn_heartbeat_suspend(tsio_conn *conn, tsio_wheel *wheel);
void tsio_conn_heartbeat_resume(tsio_conn *conn, tsio_wheel *wheel, double now);

/* Handles the answer to our ping, for the transports and options for which tsio_conn_next() does not. */
void tsio_conn_pong(tsio_conn *conn, tsio_wheel *wheel, double now);

/* Handles the arrival of a whole message: the deadline starts anew. */
void tsio_conn_heard(tsio_conn *conn, tsio_wheel *wheel, double now);

/* Handles the arrival of `bytes` of an unfinished message. After each TSIO_LIFE_BYTES of
 * them, the deadline is at least `timeout` away. */
void tsio_conn_received(tsio_conn *conn, tsio_wheel *wheel, double now, size_t bytes);

/* Handles the client's ping: in WAIT_CLIENT the deadline starts anew. */
void tsio_conn_pinged(tsio_conn *conn, tsio_wheel *wheel, double now);

/* Handles that our ping has left the outbox: the deadline of its answer starts at `now`. If
 * `now` is NAN, the deadline stays as it was set when the ping was queued. Does not touch the
 * wheel, so the timer may expire early, with nothing due. */
void tsio_conn_ping_left(tsio_conn *conn, double now);

/* Returns whether our ping has just left; if so, calls tsio_conn_ping_left(). Call it when messages were written.
 * O(1). */
static inline bool tsio_conn_written(tsio_conn *conn, double now)
{
    if (conn->hb_state != TSIO_HB_PING_QUEUED || (int32_t)((uint32_t)conn->outbox.confirmed - conn->hb_ping) < 0)
        return false;
    tsio_conn_ping_left(conn, now);
    return true;
}

/* Extends a deadline that has passed to `deadline`. The client is pinged again at once. Called
 * by the layer above when it decides to wait on. */
void tsio_conn_wait_on(tsio_conn *conn, tsio_wheel *wheel, double now, double deadline);

/* Puts all heartbeat deadlines of the wheel off by `seconds`, because the server itself was late.
 * None is put off beyond the full time of its state, counted from `now`. O(connections). */
void tsio_conn_put_off(tsio_wheel *wheel, double now, double seconds);

/* Sets the other deadline; INFINITY removes it. */
void tsio_conn_set_deadline(tsio_conn *conn, tsio_wheel *wheel, double deadline);

typedef enum {
    TSIO_TIMER_NONE,         /* nothing else is due; the next deadline is scheduled */
    TSIO_TIMER_PING,         /* the caller must push the ping packet, as the next message */
    TSIO_TIMER_PING_TIMEOUT, /* no answer came by the deadline: unless a message comes first, the layer
                              * above decides and calls wait_on or stop */
    TSIO_TIMER_DEADLINE      /* the other deadline has passed, and is removed */
} tsio_timer_kind;

/* Calls tsio_wheel_expire() on a wheel that holds only timers of connections, and returns the connection. */
tsio_conn *tsio_conn_expired(tsio_wheel *wheel, double now);

/* Returns what is due. Call it for each connection that tsio_conn_expired() returned, until it returns NONE. */
tsio_timer_kind tsio_conn_on_timer(tsio_conn *conn, tsio_wheel *wheel, double now);

/* Removes the timer from the wheel, and all deadlines. The heartbeat is off then. */
void tsio_conn_detach(tsio_conn *conn, tsio_wheel *wheel);

#endif
