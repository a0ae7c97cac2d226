/* upgrade.h -- a client that begins with polling and upgrades to a WebSocket, as socket.io-client
 * does without options. These are the calls between it and its two transports.
 *
 *     polling, connection 1    GET: open      GET: "40{...}"   GET: noop
 *     polling, connection 2             POST "40"
 *     WebSocket                          upgrade, "2probe", "3probe"    "5", ping, pong
 *
 * The ping is no part of it: its answer shows that the server has handled the "5".
 */
#ifndef BENCH_UPGRADE_H
#define BENCH_UPGRADE_H

#include "load/client.h"

/* --- called by the transports ------------------------------------------------------ */

/* The session is open; the "40" is on its way. */
void upgrade_begin(bench_client *client, const char *sid);

/* The WebSocket is open; a text message came on it. */
void upgrade_opened(bench_client *client);
void upgrade_got(bench_client *client, const uint8_t *data, size_t len);

/* Polling has paused. */
void upgrade_paused(bench_client *client);

/* --- called by the upgrade --------------------------------------------------------- */

/* Opens a WebSocket; of the session `sid`, of a new one if it is "". */
void websocket_connect(bench_client *client, const char *sid);

/* Sends a WebSocket ping. */
void websocket_ping(bench_client *client);

/* Begins no further GET. Calls upgrade_paused() when no request is unanswered. */
void polling_pause(bench_client *client);

#endif
