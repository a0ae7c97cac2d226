// Real Engine.IO clients of two versions, driven by JSON lines; see lines.js. What a client sees are "open", "message",
// "upgrade", "ping" for either half of a heartbeat, and "close" with the reason.

"use strict";

const { pack, unpack, say, serve } = require("./lines.js");

const versions = Object.fromEntries(["3", "6"].map((n) => [`engine ${n}`, require(`engine.io-client-${n}`)]));
const sockets = new Map(); // a client's name -> its socket

serve({
  connect({ client, version, url, opts }) {
    const socket = new versions[version].Socket(url, opts);
    sockets.set(client, socket);
    const report = (event, ...args) => {
      if (sockets.get(client) === socket) say({ client, event, args: pack(args) });
    };
    socket.on("open", () => report("open"));
    socket.on("message", (data) => report("message", data ?? "")); // an empty text is undefined
    socket.on("upgrade", (transport) => report("upgrade", transport.name));
    socket.on("packet", ({ type }) => (type === "ping" || type === "pong") && report("ping"));
    socket.on("close", (reason) => report("close", reason));
  },

  send({ client, messages }) {
    for (const message of unpack(messages)) sockets.get(client).send(message);
  },

  close({ client }) {
    sockets.get(client).close();
  },

  // Let go of all clients; nothing is said of them any more.
  reset() {
    const all = [...sockets.values()];
    sockets.clear();
    for (const socket of all) socket.close();
  },

  state({ client }) {
    const { id, readyState, transport } = sockets.get(client);
    return { id, state: readyState, transport: transport.name };
  },
});
