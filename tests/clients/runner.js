// Real Socket.IO clients of four versions, driven by JSON lines. See lines.js; what a client sees of its
// own are "connect", "disconnect", "connect_error", and of its manager "upgrade", "reconnect", "ping" for either half of
// a heartbeat, and "close".

"use strict";

const { pack, unpack, say, serve } = require("./lines.js");

const versions = Object.fromEntries(["1", "2", "3", "4"].map((n) => [n, require(`socket.io-client-${n}`)]));
const sockets = new Map(); // a client's name -> its socket
const answers = new Map(); // a client's name -> { event -> values of the acknowledgement }

function watch(client, socket) {
  const report = (event, ...args) => {
    if (sockets.get(client) === socket) say({ client, event, args: pack(args) });
  };
  sockets.set(client, socket);
  answers.set(client, {});
  socket.on("connect", () => report("connect", socket.id));
  socket.on("disconnect", (reason) => report("disconnect", reason));
  const take = (event, args, ack) => {
    report(event, ...args);
    const values = answers.get(client)?.[event];
    if (ack && values) ack(...values);
  };
  if (socket.onAny) {
    socket.on("connect_error", (error) => report("connect_error", error.message, error.data));
    socket.onAny((event, ...args) => {
      take(event, args, typeof args.at(-1) === "function" ? args.pop() : null);
    });
  } else {
    socket.on("error", (data) => report("connect_error", data)); // how versions 1 and 2 call CONNECT_ERROR
    socket.onevent = ({ data: [event, ...args], id }) => take(event, args, id == null ? null : socket.ack(id));
  }
  return report;
}

const commands = {
  connect({ client, version, url, opts }) {
    const library = versions[version];
    const socket = (library.io ?? library)(url, opts); // versions 1 and 2 are the function
    const report = watch(client, socket);
    const manager = socket.io;
    manager.on("open", () => {
      manager.engine.once("upgrade", (transport) => report("upgrade", transport.name));
      manager.engine.on("packet", ({ type }) => (type === "ping" || type === "pong") && report("ping"));
    });
    manager.on("reconnect", (attempt) => report("reconnect", attempt));
    manager.on("close", () => report("close"));
  },

  // Another namespace on the connection of the client named `on`.
  of({ client, on, nsp, opts }) {
    watch(client, sockets.get(on).io.socket(nsp, opts));
  },

  // Connect a refused or disconnected client again.
  again({ client, auth }) {
    const socket = sockets.get(client);
    socket.auth = auth;
    socket.connect();
  },

  // Leave the namespace and join it again, without a turn of the event loop in between.
  rejoin({ client }) {
    sockets.get(client).disconnect().connect();
  },

  // What the client acknowledges an event with, from now on; without this it never does.
  answer({ client, event, args }) {
    answers.get(client)[event] = unpack(args);
  },

  emit({ client, event, args, volatile }) {
    const socket = sockets.get(client);
    (volatile ? socket.volatile : socket).emit(event, ...unpack(args));
  },

  call({ client, event, args, timeout }) {
    const socket = sockets.get(client);
    return new Promise((resolve, reject) => {
      if (timeout === null) {
        socket.emit(event, ...unpack(args), (...values) => resolve(values));
      } else {
        const answered = (error, ...values) => (error ? reject(error) : resolve(values));
        socket.timeout(timeout).emit(event, ...unpack(args), answered);
      }
    });
  },

  disconnect({ client }) {
    sockets.get(client).disconnect();
  },

  // End the Engine.IO session without a word about namespaces.
  hangUp({ client }) {
    sockets.get(client).io.engine.close();
  },

  // Let go of all clients; nothing is said of them any more.
  reset() {
    const managers = new Set([...sockets.values()].map((socket) => socket.io));
    sockets.clear();
    answers.clear();
    for (const manager of managers) {
      manager.reconnection(false);
      manager.close?.();
      manager.engine?.close();
    }
  },

  state({ client }) {
    const { connected, id, io } = sockets.get(client);
    const { name, ws } = io.engine.transport;
    const extensions = Object.keys(ws?._extensions ?? ws?.extensions ?? {}); // where ws keeps them, now and in 1.x
    return { connected, id, session: io.engine.id, transport: name, extensions };
  },
};

serve(commands);
