// Node's Socket.IO servers and emitters on Redis, driven by JSON lines; our_servers.py does the same with ours. See
// clients/lines.js. A server reports "told" with the arguments of what other servers have sent it, "gone" with the id of
// a socket that has disconnected, and "rejection" for each promise whose rejection it does not handle.

"use strict";

const { createServer } = require("node:http");
const { createClient } = require("redis");
const { Server } = require("socket.io");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { createAdapter: createStreamsAdapter } = require("@socket.io/redis-streams-adapter");
const { Emitter } = require("@socket.io/redis-emitter");
const { pack, unpack, say, serve } = require("../clients/lines.js");

const NAMESPACES = ["/", "/other"];
const servers = new Map(); // a server's name -> { io, http, clients: of Redis }
const traffic = new Map(); // a server's name -> { timer, times: when each number was emitted }
const emitters = new Map(); // an emitter's name -> { emitter, redis }

// Without this, a process with redis@6 ends 5.5 s after the loss of Redis.
process.on("unhandledRejection", (error) => {
  for (const client of servers.keys()) say({ client, event: "rejection", args: [String(error?.message)] });
});

async function connected(url) {
  const redis = createClient({ url });
  redis.on("error", () => {}); // it connects again by itself
  await redis.connect();
  return redis;
}

const adapters = {
  async classic(url, prefix, options) {
    const clients = [await connected(url), await connected(url)];
    return [clients, createAdapter(...clients, { key: prefix, requestsTimeout: 2000, ...options })];
  },
  async sharded(url, prefix, options) {
    const clients = [await connected(url), await connected(url)];
    return [clients, createShardedAdapter(...clients, { channelPrefix: prefix, ...options })];
  },
  async streams(url, prefix, options) {
    const clients = [await connected(url)];
    return [clients, createStreamsAdapter(clients[0], { streamName: prefix, channelPrefix: prefix, ...options })];
  },
};

function addHandlers(client, nsp) {
  nsp.on("connection", (socket) => {
    socket.on("join", async (...args) => {
      const answer = args.pop();
      await socket.join(args);
      answer();
    });
    socket.on("disconnect", () => say({ client, event: "gone", args: [socket.id] }));
  });
  nsp.on("told", (...args) => say({ client, event: "told", args: pack(args) }));
  nsp.on("asked", (...args) => {
    const answer = args.pop();
    if (args[0] !== "silence") answer({ from: client, args });
  });
}

function chosen(broadcaster, { rooms, except, flags }) {
  for (const flag of flags) broadcaster = flag === "uncompressed" ? broadcaster.compress(false) : broadcaster[flag];
  if (rooms !== null) broadcaster = broadcaster.to(rooms);
  return except.length > 0 ? broadcaster.except(except) : broadcaster;
}

const choice = (command) => chosen(servers.get(command.client).io.of(command.nsp), command);

// The answers, and whether they are all: Node throws if some are missing, with those that came.
async function collected(promise) {
  try {
    return { values: await promise, complete: true };
  } catch (error) {
    return { values: error.responses ?? [], complete: false };
  }
}

const describe = ({ id, rooms, data, handshake }) => ({ id, rooms: [...rooms], data, handshake });

const remotely = {
  emit: (socket, { args }) => void socket.emit("ev", ...unpack(args)),
  call: (socket, { args, timeout }) => collected(socket.timeout(timeout * 1000).emitWithAck("ask", ...unpack(args))),
  join: (socket, { args }) => void socket.join(args),
  leave: (socket, { args }) => args.forEach((room) => socket.leave(room)),
  disconnect: (socket, { args }) => void socket.disconnect(...args),
};

const commands = {
  async serve({ client, adapter, redis, prefix, options, server }) {
    const [clients, factory] = await adapters[adapter](redis, prefix, options);
    const http = createServer();
    const io = new Server(http, { adapter: factory, allowEIO3: true, ...server });
    for (const name of NAMESPACES) addHandlers(client, io.of(name));
    servers.set(client, { io, http, clients });
    await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
    return http.address().port;
  },

  // Wait until Redis has taken all commands so far, subscriptions above all.
  async settled({ client }) {
    for (const redis of servers.get(client).clients) await redis.ping();
  },

  emit(command) {
    choice(command).emit(command.event, ...unpack(command.args));
  },

  call(command) {
    return collected(choice(command).timeout(command.timeout * 1000).emitWithAck(command.event, ...unpack(command.args)));
  },

  async fetch(command) {
    return (await choice(command).fetchSockets()).map(describe);
  },

  async allRooms({ client, nsp }) {
    return [...(await servers.get(client).io.of(nsp).adapter.allRooms())];
  },

  join: (command) => void choice(command).socketsJoin(command.names),
  leave: (command) => void choice(command).socketsLeave(command.names),
  disconnectSockets: (command) => void choice(command).disconnectSockets(command.close),

  tell({ client, nsp, args }) {
    servers.get(client).io.of(nsp).serverSideEmit("told", ...unpack(args));
  },

  ask({ client, nsp, args }) {
    return collected(servers.get(client).io.of(nsp).serverSideEmitWithAck("asked", ...unpack(args)));
  },

  async remote(command) {
    const [socket] = await servers.get(command.client).io.of(command.nsp).in(command.socket).fetchSockets();
    return remotely[command.action](socket, command);
  },

  setData({ client, nsp, socket, data }) {
    servers.get(client).io.of(nsp).sockets.get(socket).data = unpack(data);
  },

  // Emit "ev" with the server's name and a number to all clients, over and over. Times are those of Python's
  // time.monotonic().
  startTraffic({ client, interval }) {
    const { io } = servers.get(client);
    const times = [];
    const emit = () => {
      const number = times.push(Number(process.hrtime.bigint()) / 1e9) - 1;
      io.emit("ev", client, number);
    };
    traffic.set(client, { timer: setInterval(emit, interval * 1000), times });
  },

  stopTraffic({ client }) {
    const { timer, times } = traffic.get(client);
    clearInterval(timer);
    return times;
  },

  async close({ client }) {
    const { io, clients } = servers.get(client);
    servers.delete(client);
    await io.close();
    for (const redis of clients) redis.destroy();
  },

  async openEmitter({ client, redis, prefix }) {
    const client_ = await connected(redis);
    emitters.set(client, { redis: client_, emitter: new Emitter(client_, { key: prefix }) });
  },

  async emitterDo(command) {
    const { emitter, redis } = emitters.get(command.client);
    const nsp = emitter.of(command.nsp);
    const of = chosen(nsp, command);
    const args = unpack(command.args);
    const actions = {
      emit: () => of.emit(...args),
      join: () => of.socketsJoin(args),
      leave: () => of.socketsLeave(args),
      disconnectSockets: () => of.disconnectSockets(...args),
      tell: () => nsp.serverSideEmit("told", ...args),
    };
    actions[command.action]();
    await redis.ping();
  },

  // The servers stay for the next test.
  reset() {},
};

serve(commands);
