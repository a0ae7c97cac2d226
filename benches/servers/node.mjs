// The benchmarks' application on Node, with socket.io and its usual engine, `ws`.

import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";

import { addHandlers, givenPort, givenTls, OPTIONS } from "./application.mjs";

const require = createRequire(process.env.BENCH_PACKAGES);
const { Server } = require("socket.io");

const tls = givenTls(process.argv);
const http = tls ? createTlsServer(tls) : createServer();
addHandlers(new Server(http, OPTIONS));
http.listen(givenPort(process.argv), "127.0.0.1", 4096, () => console.log(`PORT ${http.address().port}`));
