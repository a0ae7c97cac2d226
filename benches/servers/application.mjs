// The benchmarks' application on socket.io; node.mjs and bun.mjs give it a server.

import { readFileSync } from "node:fs";

export const OPTIONS = { perMessageDeflate: false, httpCompression: false, serveClient: false };

export function addHandlers(io) {
  io.on("connection", (socket) => {
    socket.on("echo", (payload) => socket.emit("echo", payload));
    socket.on("ack", (payload, answer) => answer(payload));
    socket.on("join", (room, answer) => {
      socket.join(room);
      answer();
    });
    socket.on("all", (sequence, payload) => io.emit("all", sequence, payload));
    socket.on("room", (room, sequence, payload) => io.to(room).emit("room", sequence, payload));
  });
}

function given(argv, name) {
  const at = argv.indexOf(name);
  return at < 0 ? undefined : argv[at + 1];
}

export function givenPort(argv) {
  return Number(given(argv, "--port") ?? 0);
}

// The key and the certificate for TLS, or undefined.
export function givenTls(argv) {
  const folder = given(argv, "--tls");
  return folder && { key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/certificate.pem`) };
}
