/* deliver.c -- the application's events by pattern: who gets which bytes.
 *
 *     42["echo",P]               the packet as it came, to its sender
 *     42["all",seq,P]            the same, to all
 *     42["room",room,seq,P]      without the room's name, to those in it
 *     42<id>["ack",P]            43<id>[P], to its sender
 *     42<id>["join",room]        43<id>[], to its sender
 *
 * The same with 451- for 42 and 461- for 43, and an attachment behind. */
#include <stdlib.h>

#include "limit/server.h"
#include "load/fail.h"
#include "load/frame.h"

/* --- lists of sessions ----------------------------------------------------------- */

static size_t list_add(session_list *list, limit_session *session)
{
    if (list->count == list->capacity) {
        list->capacity = 2 * list->capacity + 16;
        list->at = grow(list->at, list->capacity * sizeof(limit_session *));
    }
    list->at[list->count] = session;
    return list->count++;
}

/* The last one takes the free place; returns it, or NULL if it was the last that left. */
static limit_session *list_remove(session_list *list, size_t place)
{
    limit_session *last = list->at[--list->count];
    if (place == list->count)
        return NULL;
    list->at[place] = last;
    return last;
}

void deliver_admit(limit_session *session)
{
    if (session->place == NOWHERE)
        session->place = list_add(&session->server->sessions, session);
}

static void leave_room(limit_session *session)
{
    if (session->room == NULL)
        return;
    limit_session *moved = list_remove(&session->room->members, session->room_place);
    if (moved != NULL)
        moved->room_place = session->room_place;
    session->room = NULL;
}

void deliver_forget(limit_session *session)
{
    leave_room(session);
    if (session->place == NOWHERE)
        return;
    limit_session *moved = list_remove(&session->server->sessions, session->place);
    if (moved != NULL)
        moved->place = session->place;
    session->place = NOWHERE;
}

/* --- rooms ------------------------------------------------------------------------ */

/* Rooms are made as they are named, and never removed. */
static limit_room *room_named(limit_server *server, const uint8_t *name, size_t len)
{
    uint32_t hash = 0;
    if (len == 0 || len > ROOM_NAME_MAX)
        fail("the name of a room has %zu bytes", len);
    for (size_t i = 0; i < len; i++)
        hash = hash * 31 + name[i];
    for (uint32_t tries = 0; tries < ROOMS_MAX; tries++) {
        limit_room *room = &server->rooms[(hash + tries) % ROOMS_MAX];
        if (room->name_len == 0) {
            memcpy(room->name, name, len);
            room->name_len = len;
        }
        if (room->name_len == len && memcmp(room->name, name, len) == 0)
            return room;
    }
    fail("more than %d rooms", ROOMS_MAX);
}

static void join_room(limit_session *session, const uint8_t *name, size_t len)
{
    leave_room(session);
    session->room = room_named(session->server, name, len);
    session->room_place = list_add(&session->room->members, session);
}

/* --- frames ------------------------------------------------------------------------ */

/* A packet as the two pieces it is joined from, and its attachment. */
typedef struct {
    const uint8_t *head, *tail, *attachment;
    size_t head_len, tail_len, attachment_len;
} delivery;

/* Builds the frames once, whoever gets them. Returns their length in server.scratch. */
static size_t build(limit_server *server, const delivery *parts)
{
    const size_t most = 2 * FRAME_HEADER_MAX + parts->head_len + parts->tail_len + parts->attachment_len;
    if (most > server->scratch_capacity) {
        server->scratch = grow(server->scratch, 2 * most);
        server->scratch_capacity = 2 * most;
    }
    uint8_t *at = server->scratch;
    at += frame_build(at, FRAME_TEXT, parts->head_len + parts->tail_len, NULL);
    memcpy(at, parts->head, parts->head_len);
    memcpy(at + parts->head_len, parts->tail, parts->tail_len);
    at += parts->head_len + parts->tail_len;
    if (parts->attachment != NULL) {
        at += frame_build(at, FRAME_BINARY, parts->attachment_len, NULL);
        memcpy(at, parts->attachment, parts->attachment_len);
        at += parts->attachment_len;
    }
    return (size_t)(at - server->scratch);
}

static void send_to(limit_session *session, size_t len)
{
    net_write(&session->conn, session->server->scratch, len);
    if (!session->server->coalesced)
        net_flush(&session->conn);
}

/* From the last to the first: a session that breaks leaves its place to one that has
 * been served. */
static void send_to_all(const session_list *list, size_t len)
{
    for (size_t i = list->count; i-- > 0;)
        send_to(list->at[i], len);
}

/* --- events ------------------------------------------------------------------------- */

static bool starts_with(const uint8_t *data, size_t len, const char *text)
{
    const size_t text_len = strlen(text);
    return len >= text_len && memcmp(data, text, text_len) == 0;
}

/* The first string of the arguments, without its quotes; its length is in *len. */
static const uint8_t *string_in(const uint8_t *from, const uint8_t *end, size_t *len)
{
    const uint8_t *quote = memchr(from, '"', (size_t)(end - from));
    const uint8_t *closing = quote != NULL ? memchr(quote + 1, '"', (size_t)(end - quote - 1)) : NULL;
    if (closing == NULL)
        return NULL;
    *len = (size_t)(closing - quote) - 1;
    return quote + 1;
}

static void room_event(limit_session *session, delivery *parts, const uint8_t *name_at)
{
    static const uint8_t TEXT[] = "42[\"room\",", BINARY[] = "451-[\"room\",";
    const uint8_t *end = parts->tail + parts->tail_len;
    size_t name_len;
    const uint8_t *name = string_in(name_at, end, &name_len);
    if (name == NULL || end - name < (ptrdiff_t)name_len + 2)
        return;
    const bool binary = parts->attachment != NULL;
    const limit_room *room = room_named(session->server, name, name_len);
    parts->head = binary ? BINARY : TEXT;
    parts->head_len = binary ? sizeof BINARY - 1 : sizeof TEXT - 1;
    parts->tail = name + name_len + 2; /* behind the quote and the comma */
    parts->tail_len = (size_t)(end - parts->tail);
    send_to_all(&room->members, build(session->server, parts));
}

/* `arguments` starts behind the event's name; "43<id>" or "461-<id>" is made of the
 * packet's own head, whose type is its second byte. */
static void answer(limit_session *session, delivery *parts, size_t bracket, const uint8_t *arguments)
{
    uint8_t head[64];
    const uint8_t *end = parts->tail + parts->tail_len;
    if (bracket + 1 > sizeof head)
        return;
    memcpy(head, parts->tail, bracket + 1);
    head[1]++;
    parts->head = head;
    parts->head_len = bracket + 1;
    parts->tail = arguments;
    parts->tail_len = (size_t)(end - arguments);
    send_to(session, build(session->server, parts));
}

void deliver(limit_session *session, const uint8_t *text, size_t len, const uint8_t *attachment,
             size_t attachment_len)
{
    static const uint8_t NOTHING[1] = "";
    delivery parts = {.head = NOTHING, .tail = text, .tail_len = len, .attachment = attachment,
                   .attachment_len = attachment_len};
    const uint8_t *bracket = memchr(text, '[', len);
    if (bracket == NULL)
        return;
    const uint8_t *at = bracket + 1;
    const size_t left = len - (size_t)(at - text);
    size_t name_len;
    if (starts_with(at, left, "\"all\",")) {
        send_to_all(&session->server->sessions, build(session->server, &parts));
    } else if (starts_with(at, left, "\"echo\",")) {
        send_to(session, build(session->server, &parts));
    } else if (starts_with(at, left, "\"room\",")) {
        room_event(session, &parts, at + 7);
    } else if (starts_with(at, left, "\"ack\",")) {
        answer(session, &parts, (size_t)(bracket - text), at + 6);
    } else if (starts_with(at, left, "\"join\",")) {
        const uint8_t *name = string_in(at + 7, text + len, &name_len);
        if (name == NULL)
            return;
        join_room(session, name, name_len);
        answer(session, &parts, (size_t)(bracket - text), text + len - 1);
    }
}
