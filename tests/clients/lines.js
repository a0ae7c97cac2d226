// What the runners have in common: commands as JSON lines in, results and what clients see as JSON lines out.
//
// In:   {"id": 1, "do": "emit", "client": "a", "event": "say", "args": ["hi", {"$b": "AQID"}]}
// Out:  {"id": 1, "result": null}  or  {"id": 1, "error": "operation has timed out"}
// and   {"client": "a", "event": "said", "args": ["hi", {"$b": "AQID"}]}
//
// Binary is {"$b": "<base64>"} in both directions. The process ends with its standard input.

"use strict";

const { createInterface } = require("node:readline");

function pack(value) {
  if (ArrayBuffer.isView(value)) {
    return { $b: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (value instanceof ArrayBuffer) return { $b: Buffer.from(value).toString("base64") };
  return mapped(value, pack);
}

function unpack(value) {
  return typeof value?.$b === "string" ? Buffer.from(value.$b, "base64") : mapped(value, unpack);
}

function mapped(value, change) {
  if (Array.isArray(value)) return value.map(change);
  if (value === null || typeof value !== "object") return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

// Obey commands, by their names, until there are no more.
function serve(commands) {
  async function obey(line) {
    const command = JSON.parse(line);
    try {
      say({ id: command.id, result: pack(await commands[command.do](command)) });
    } catch (error) {
      say({ id: command.id, error: error.message });
    }
  }
  createInterface({ input: process.stdin }).on("line", obey).on("close", () => process.exit());
}

module.exports = { pack, unpack, say, serve };
