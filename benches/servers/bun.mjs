// The benchmarks' application on Bun, with socket.io on its engine for Bun.

import { createRequire } from "node:module";

import { addHandlers, givenPort, givenTls, OPTIONS } from "./application.mjs";

const require = createRequire(process.env.BENCH_PACKAGES);
const { Server } = require("socket.io");
const { Server: Engine } = require("@socket.io/bun-engine");

const engine = new Engine({ path: "/socket.io/" });
const io = new Server(OPTIONS);
io.bind(engine);
addHandlers(io);

const server = Bun.serve({
  ...engine.handler(),
  hostname: "127.0.0.1",
  port: givenPort(process.argv),
  tls: givenTls(process.argv),
});
console.log(`PORT ${server.port}`);
