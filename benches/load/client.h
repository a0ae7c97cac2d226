/* client.h -- one Socket.IO client: an Engine.IO session over one of two transports,
 * joined to the main namespace.
 *
 *              client_open          packet 0 comes        packet 40 comes
 *     CLOSED -------------> OPENING -------------> JOINING -------------> READY
 *                                     "40" is sent            |              ^
 *                                                             |              | the upgrade
 *                               with an upgrade outstanding   +-> UPGRADING -+ is done
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "load/net.h"
#include "load/options.h"
#include "load/packet.h"

typedef struct bench_load bench_load;
typedef struct bench_client bench_client;
typedef struct bench_polling bench_polling;
typedef struct bench_fanout bench_fanout;
typedef struct bench_exchange bench_exchange;

typedef enum { CLIENT_CLOSED, CLIENT_OPENING, CLIENT_JOINING, CLIENT_UPGRADING, CLIENT_READY } client_stage;

/* The steps of an upgrade, in upgrade.c. NO_UPGRADE: there is none, or it is done. */
typedef enum { NO_UPGRADE, UPGRADE_EXPECTED, UPGRADE_PROBING, UPGRADE_PAUSING, UPGRADE_CONFIRMING } upgrade_step;

/* Carries Engine.IO packets: websocket.c, polling.c, and upgrade.c with both. */
typedef struct {
    void (*open)(bench_client *client);
    /* `data` is lent. A binary one is an Engine.IO message by itself. */
    void (*send)(bench_client *client, bool binary, const uint8_t *data, size_t len);
    /* By RST; no callback follows. */
    void (*close)(bench_client *client);
    /* Frees what it keeps besides client.conn. */
    void (*free)(bench_client *client);
} bench_transport;

extern const bench_transport transport_websocket, transport_polling, transport_default;

struct bench_client {
    bench_load *load;
    uint32_t index;
    const bench_transport *transport;
    agent_kind agent;
    client_stage stage;
    upgrade_step upgrade;
    bool upgraded; /* the WebSocket is open */
    bool awaits_attachment;
    bench_packet pending; /* the packet whose attachment is awaited */
    uint64_t opened_ns;   /* when opening began */
    net_conn conn;        /* the WebSocket */
    bench_polling *polling;   /* NULL if it only had a WebSocket */
    bench_fanout *fanout;     /* whose events it receives, NULL: none's */
    uint64_t next_seq;        /* which of them is next */
    bench_exchange *exchange; /* its echoes or acknowledgements, NULL: none */
};

void client_init(bench_client *client, bench_load *load, uint32_t index);
void client_open(bench_client *client);
void client_close(bench_client *client);
void client_free(bench_client *client);

/* Emits an event with a payload for `seq`. */
void client_emit(bench_client *client, const packet_plan *plan, uint64_t seq);

/* For upgrade.c: the upgrade is done. The client may be closed and opened again when this returns. */
void client_upgraded(bench_client *client);

/* For transports: an Engine.IO packet came, a binary message came, the transport
 * ended. The data is lent, and may be sent from but not kept. */
void client_got_text(bench_client *client, const uint8_t *data, size_t len);
void client_got_binary(bench_client *client, const uint8_t *data, size_t len);
void client_lost(bench_client *client, const char *why);

#endif
