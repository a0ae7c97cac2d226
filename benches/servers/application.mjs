// The benchmarks' application on socket.io; node.mjs and bun.mjs give it a server.

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

export function givenPort(argv) {
  const at = argv.indexOf("--port");
  return at < 0 ? 0 : Number(argv[at + 1]);
}
