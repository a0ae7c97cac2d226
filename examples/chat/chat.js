// The communication with the server; view.js shows the result.

import { fit } from "./picture.js";
import * as view from "./view.js";

const CDN = "https://cdn.socket.io/4.8.3/socket.io.min.js";
const CDN_DIGEST = "sha384-kzavj5fiMwLKzzD1f8S7TeoVIEi7uKHvbTA3ueZkrzYq75pNQUiUi6Dy98Q3fxb0";
const ACK_MS = 10_000;
const TYPING_EVERY_MS = 1_500;
const TYPING_LASTS_MS = 4_000;
const PICTURE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const PICTURE_BYTES = 900_000;
const SHOWN_IDS = 1_000;
const LOSSES = 3; // after so many lost connections a pending message is not sent again automatically

const me = { name: "", room: "", joined: false };
const outbox = new Map(); // message id -> message that the server has not acknowledged
const shown = new Set(); // ids of shown messages, so that a message received twice is shown once
const mine = recall("mine", []); // ids of messages sent from this tab, also before a reload
const typists = new Map(); // socket id -> timer
let people = [];
let toldTyping = 0;
let socket;

// --- connection

async function start() {
  if (!window.io) await loadFromCdn();
  socket = window.io({ reconnectionDelay: 400, reconnectionDelayMax: 4_000 });
  socket.on("connect", () => (me.room ? join() : view.showLink("connected", "Connected")));
  socket.on("disconnect", (reason) => {
    me.joined = false;
    typists.forEach(clearTimeout);
    typists.clear();
    showTypists();
    view.showLink("reconnecting", "Connection lost. Reconnecting…");
    if (reason === "io server disconnect") socket.connect(); // the only reason after which the client does not reconnect by itself
  });
  socket.on("connect_error", (error) => {
    if (socket.active) view.showLink("reconnecting", "The server cannot be reached. Reconnecting…");
    else view.showLink("refused", `The server refused the connection: ${error.message}`);
  });
  socket.on("rooms", (rooms) => view.showRooms(rooms, me.room));
  socket.on("people", showPeople);
  socket.on("message", (message) => receive(message, { text: message.text }));
  socket.on("picture", (message, data) => receive(message, { picture: new Blob([data], { type: message.type }) }));
  socket.on("typing", heardTyping);
}

function loadFromCdn() {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: CDN, integrity: CDN_DIGEST, crossOrigin: "anonymous" });
    script.onload = resolve;
    script.onerror = () => reject(new Error("Neither this server nor the CDN has the Socket.IO client"));
    document.head.append(script);
  });
}

async function join() {
  try {
    const answer = await request("join", me.name, me.room);
    me.joined = true;
    people = answer.people;
    for (const message of answer.said) receive(message, { text: message.text }); // the latest messages; those that are shown already are skipped
    view.showPeople(people, socket.id);
    view.showLink("connected", "Connected");
    outbox.forEach(deliver);
  } catch (error) {
    if (socket.connected) view.enter(me, error.message);
  }
}

async function request(event, ...values) {
  const answer = await socket.timeout(ACK_MS).emitWithAck(event, ...values).catch(() => ({ error: "no answer from the server" }));
  if (answer.error) throw new Error(answer.error);
  return answer;
}

function goTo(...names) {
  const [name, room] = names.map(wellFormed);
  const moved = room !== me.room;
  Object.assign(me, { name, room });
  view.showMe(me);
  if (moved) {
    me.joined = false;
    outbox.clear();
    shown.clear();
    view.clearLog();
  }
  if (socket?.connected) join();
}

// --- sending: a message is pending until the server acknowledges it; after a lost connection it is sent again with the next join

function sendText(text) {
  const id = newId();
  toldTyping = 0;
  post(id, { text }, () => request("say", { id, text }));
}

async function sendPicture(file) {
  if (!PICTURE_TYPES.includes(file.type)) return view.notice("Only PNG, JPEG, GIF and WebP pictures can be sent.");
  let picture, data;
  try {
    picture = await fit(file, PICTURE_BYTES);
    data = await picture.arrayBuffer();
  } catch {
    return view.notice("This picture cannot be read.");
  }
  if (picture !== file) view.notice(`The picture of ${kilobytes(file.size)} was scaled down to ${kilobytes(data.byteLength)}.`);
  const id = newId();
  post(id, { picture }, () => request("picture", id, picture.type, data));
}

function post(id, content, send) {
  const message = { id, send, sending: false, losses: 0 };
  isNew(id);
  mine.push(id);
  keep("mine", mine.slice(-SHOWN_IDS));
  message.shown = view.addMessage({ ...content, mine: true, name: me.name, at: Date.now() }, () => deliver(message));
  deliver(message);
}

async function deliver(message) {
  outbox.set(message.id, message);
  message.shown.pending();
  if (!me.joined || message.sending) return;
  const connection = socket.id;
  message.sending = true;
  try {
    const { at } = await message.send();
    outbox.delete(message.id);
    message.shown.sent(at);
  } catch (error) {
    if (socket.id !== connection && ++message.losses < LOSSES) return;
    outbox.delete(message.id);
    message.shown.failed(error.message);
  } finally {
    message.sending = false;
  }
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Replace lone surrogates, such as `maxlength` leaves of a cut emoji: neither addresses nor the server accept them. */
function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

function kilobytes(bytes) {
  return `${Math.ceil(bytes / 1_000).toLocaleString()} kB`;
}

// --- receiving

function receive({ id, from, name, at }, content) {
  if (!isNew(id)) return;
  stoppedTyping(from);
  if (mine.includes(id)) view.addMessage({ ...content, mine: true, name, at }).sent(at);
  else view.addMessage({ ...content, mine: false, name, at });
}

function isNew(id) {
  if (shown.has(id)) return false;
  shown.add(id);
  if (shown.size > SHOWN_IDS) shown.delete(shown.values().next().value);
  return true;
}

function showPeople(now) {
  if (!me.joined) return; // this list is of the former room; the acknowledgement of `join` has the list of the new one
  const known = new Map(people.map(({ id, name }) => [id, name]));
  for (const { id, name } of now) if (!known.delete(id)) view.notice(`${name} joined`);
  for (const [id, name] of known) {
    stoppedTyping(id);
    view.notice(`${name} left`);
  }
  people = now;
  view.showPeople(people, socket.id);
}

// --- typing: sent at most every 1.5 s, removed after 4 s; volatile, because a late notice is useless

function tellTyping() {
  if (!me.joined || Date.now() - toldTyping < TYPING_EVERY_MS) return;
  toldTyping = Date.now();
  socket.volatile.emit("typing");
}

function heardTyping(id) {
  clearTimeout(typists.get(id));
  typists.set(id, setTimeout(() => stoppedTyping(id), TYPING_LASTS_MS));
  showTypists();
}

function stoppedTyping(id) {
  clearTimeout(typists.get(id));
  typists.delete(id);
  showTypists();
}

function showTypists() {
  view.showTyping(people.filter(({ id }) => typists.has(id)).map(({ name }) => name));
}

// --- storage of this tab, if the browser allows it

function keep(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch { /* private windows may refuse */ }
}

function recall(key, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

view.onEnter(goTo);
view.onText(sendText, tellTyping);
view.onPicture(sendPicture);
view.enter(me);
start().catch((error) => view.showLink("refused", error.message));
