// The application of the cluster benchmarks on Node, with @socket.io/redis-adapter over the package redis or ioredis.
// It obeys the same lines as cluster_ours.py.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { addHandlers, givenPort, OPTIONS } from "./application.mjs";

const require = createRequire(process.env.BENCH_PACKAGES);
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/redis-adapter");

const given = (name) => process.argv[process.argv.indexOf(name) + 1];
const TEXT = "x".repeat(50);
const MARK = `mark ${process.pid}`;

async function connected(url) {
  if (given("--client") === "ioredis") {
    const { Redis } = require("ioredis");
    return new Redis(url);
  }
  const client = require("redis").createClient({ url });
  await client.connect();
  return client;
}

const http = createServer();
const url = given("--redis");
const publisher = await connected(url);
const subscriber = await connected(url);
const io = new Server(http, { ...OPTIONS, adapter: createAdapter(publisher, subscriber) });
const { encode } = createRequire(require.resolve("@socket.io/redis-adapter"))("notepack.io");
const packet = { type: 2, data: ["all", 0, TEXT], nsp: "/" };
const event = encode([io.of("/").adapter.uid, packet, { rooms: [], except: [], flags: {} }]);
let back; // called when the last message of a burst comes back
if (given("--client") === "ioredis") {
  await subscriber.subscribe(MARK);
  subscriber.on("message", (channel) => channel === MARK && back());
} else {
  await subscriber.subscribe(MARK, () => back());
}
addHandlers(io);

function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

// Emit so many events at a time, and one message more; when that comes back, the others have come back, too.
// If the event is encoded before, only the client of Redis and the handling of the own message are used.
async function burst(size, number, isEncoded) {
  const before = cpu();
  for (let at = 0; at < number; at++) {
    const isBack = new Promise((resolve) => (back = resolve));
    for (let sequence = 0; sequence < size; sequence++) {
      if (isEncoded) publisher.publish("socket.io#/#", event);
      else io.emit("all", sequence, TEXT);
    }
    publisher.publish(MARK, "mark");
    await isBack;
  }
  return { messages: (size + 1) * number, cpu_us: cpu() - before };
}

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const [word, size, number] = line.split(" ");
    const isBurst = word === "burst" || word === "bus";
    const result = isBurst ? await burst(Number(size), Number(number), word === "bus") : { cpu_us: cpu() };
    console.log(JSON.stringify(result));
  })
  .on("close", () => process.exit());

http.listen(givenPort(process.argv), "127.0.0.1", 4096, () => console.log(`PORT ${http.address().port}`));
