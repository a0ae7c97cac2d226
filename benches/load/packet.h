/* packet.h -- the Socket.IO packets of the benchmark application.
 *
 *     text      2["all",17,"xxxx"]                                3<id>["xxxx"]
 *     binary    51-["all",17,{"_placeholder":true,"num":0}]       61-<id>[{...}]
 *               and the payload itself in the binary message that follows
 */
#ifndef BENCH_PACKET_H
#define BENCH_PACKET_H

#include "csrc/base.h"

enum { PACKET_HEAD_MAX = 256 }; /* all of a built packet but the payload */

#define PACKET_NO_ID UINT64_MAX

typedef enum { PACKET_OTHER, PACKET_ECHO, PACKET_ALL, PACKET_ROOM } packet_event;

typedef struct {
    char type; /* '0' to '6' */
    bool has_attachment;
    bool has_payload;
    packet_event event; /* of the types '2' and '5' */
    uint64_t id;        /* PACKET_NO_ID if there is none */
    uint64_t seq;       /* the number before the payload, 0 if there is none */
    const uint8_t *payload; /* lent; of an attachment, once that has come */
    size_t payload_len;
} bench_packet;

/* Parses what follows the Engine.IO packet type. False if it is none of the above,
 * a CONNECT or a DISCONNECT. White space is accepted where JSON allows it, but
 * escapes in strings are not: the payloads have none. */
bool packet_parse(bench_packet *packet, const uint8_t *data, size_t len);

/* What to emit. `arguments` are the event's name and what comes before the payload,
 * as JSON: "\"all\",17". */
typedef struct {
    const char *arguments;
    uint64_t id; /* PACKET_NO_ID: no acknowledgement is wanted */
    bool binary; /* the payload is an attachment */
    bool bare;   /* there is no payload */
} packet_plan;

/* Writes the packet as an Engine.IO message, '4' included, with a payload for `seq`
 * unless that is an attachment. Returns its length, at most PACKET_HEAD_MAX +
 * payload_len. */
size_t packet_build(uint8_t *dst, const packet_plan *plan, size_t payload_len, uint64_t seq);

#endif
