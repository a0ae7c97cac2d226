// Shows the chat. Text from other users is only assigned to textContent, never parsed as HTML.

const LOG_LENGTH = 400;
const GROUP_MS = 5 * 60_000;
const NAME_LENGTH = 30;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const letters = new Intl.Segmenter();
const $ = (id) => document.getElementById(id);
const make = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

let enterHandler;

// --- frame: connection, menu, entering

export function showLink(state, text) {
  document.documentElement.dataset.link = state;
  $("link").textContent = text;
}

export function showMe({ name, room }) {
  paint($("me-avatar"), name);
  $("me-name").textContent = name;
  $("room").textContent = room;
  document.title = `${room} · Trio chat`;
  location.hash = encodeURIComponent(room);
  remember(name);
}

export function onEnter(handler) {
  enterHandler = (name, room, { write = true } = {}) => {
    openMenu(false);
    handler(name, room);
    $("enter").close();
    if (write && matchMedia("(hover: hover)").matches) $("text").focus();
  };
  submit("enter-form", () => enterHandler($("enter-name").value.trim(), $("enter-room").value.trim()));
  submit("new-room", ({ room }) => enterHandler($("me-name").textContent, room.value.trim()));
  $("change").onclick = () => enter({ name: $("me-name").textContent, room: $("room").textContent });
  // The dialog stays open until a room is joined. A page can prevent only the first Escape, and no other way to close
  // the dialog, such as a gesture. In these cases it is opened again.
  const stay = (event) => {
    if (!hasRoom()) event.preventDefault();
  };
  $("enter").onkeydown = (event) => {
    if (event.key === "Escape") stay(event);
  };
  $("enter").oncancel = stay;
  $("enter").onclose = () => {
    if (!hasRoom()) $("enter").showModal();
  };
  $("menu").onclick = () => openMenu(true);
  $("shade").onclick = () => openMenu(false);
}

export function enter({ name, room }, trouble = "") {
  openMenu(false);
  $("enter-name").value = name || remembered();
  $("enter-room").value = room || addressed() || "Lobby";
  $("enter-error").textContent = trouble;
  $("enter-error").hidden = !trouble;
  if (!$("enter").open) $("enter").showModal();
}

const hasRoom = () => $("room").textContent !== "";

/** Return the room in the address, if the address can be decoded. */
function addressed() {
  try {
    return [...decodeURIComponent(location.hash.slice(1))].slice(0, NAME_LENGTH).join("");
  } catch {
    return "";
  }
}

function openMenu(open) {
  document.body.classList.toggle("menu-open", open);
  $("menu").ariaExpanded = String(open);
}

function submit(form, handler) {
  $(form).onsubmit = (event) => {
    event.preventDefault();
    const fields = $(form).elements;
    for (const field of fields) if (field.required && !field.value.trim()) return field.focus();
    handler(fields);
    if (form !== "enter-form") $(form).reset();
  };
}

// --- rooms and people

export function showRooms(rooms, current) {
  update($("rooms"), rooms, "row", (button, { name }) => {
    button.toggleAttribute("aria-current", name === current);
    if (name === current) button.ariaCurrent = "true";
    // After a click the focus moves to the text field; after a key press it stays in the list, to choose another room.
    button.onclick = (event) => enterHandler($("me-name").textContent, name, { write: event.detail > 0 });
  });
  update($("enter-rooms"), rooms, "chip", (button, { name }) => {
    button.type = "button";
    button.onclick = () => ($("enter-room").value = name);
  });
}

/** Show rooms as buttons. Buttons of rooms that were already shown are kept, so that the focus does not move. */
function update(list, rooms, className, prepare) {
  const items = new Map([...list.children].map((item) => [item.dataset.room, item]));
  const next = rooms.map((room) => {
    const item = items.get(room.name) ?? roomItem(room.name, className);
    items.delete(room.name);
    item.querySelector(".number").textContent = room.people;
    prepare(item.firstElementChild, room);
    return item;
  });
  for (const item of items.values()) {
    const hasFocus = item.contains(document.activeElement);
    const neighbour = item.previousElementSibling ?? item.nextElementSibling;
    item.remove();
    if (hasFocus) neighbour?.firstElementChild.focus();
  }
  next.forEach((item, at) => list.children[at] === item || list.insertBefore(item, list.children[at] ?? null));
}

function roomItem(name, className) {
  const item = make("li", "");
  const button = make("button", className);
  button.append(make("span", "label", name), make("span", "number"));
  item.dataset.room = name;
  item.append(button);
  return item;
}

export function showPeople(people, myId) {
  $("count").textContent = people.length === 1 ? "Only you" : `${people.length} people`;
  $("people").replaceChildren(...people.map(({ id, name }) => {
    const row = make("li", "row");
    row.append(paint(make("span", "avatar"), name), make("span", "label", name));
    if (id === myId) row.append(make("span", "number", "you"));
    return row;
  }));
}

export function showTyping(names) {
  $("typing").classList.toggle("shown", names.length > 0);
  $("typing-names").textContent = names.length === 0 ? "" : names.length > 2 ? "Several people are typing" : `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing`;
}

function paint(avatar, name) {
  let hash = 7;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) % 65_521;
  avatar.style.setProperty("--hue", (hash * 137.508) % 360);
  avatar.textContent = [...letters.segment(name)][0]?.segment.toUpperCase() ?? "";
  return avatar;
}

// --- the log

export function clearLog() {
  $("log").replaceChildren();
  $("latest").hidden = true;
}

export function notice(text) {
  append(make("li", "notice", text));
}

/** Show a message, and return functions that show its state: pending(), sent(at), failed(why). */
export function addMessage({ mine, name, at, text, picture }, retry) {
  const item = $("message").content.firstElementChild.cloneNode(true);
  const part = (selector) => item.querySelector(selector);
  const stamp = (time) => {
    part("time").textContent = clock.format(time);
    part("time").dateTime = new Date(time).toISOString();
  };
  const state = (value, label) => {
    item.dataset.state = value;
    part(".tick use").setAttribute("href", `#icon-${value}`);
    part(".tick").ariaLabel = label;
    part(".trouble").hidden = value !== "failed";
  };
  const last = $("log").lastElementChild;
  const follows = last?.dataset.by === `${mine}:${name}` && at - last.dataset.at < GROUP_MS;
  Object.assign(item.dataset, { by: `${mine}:${name}`, at });
  item.classList.toggle("mine", mine);
  item.classList.toggle("follows", follows);
  item.classList.toggle("pictured", Boolean(picture));
  paint(part(".avatar"), name);
  part(".name").textContent = mine ? "You" : name;
  if (picture) part(".text").replaceWith(image(picture, mine ? "you" : name));
  else part(".text").textContent = text;
  if (!mine) part(".tick").remove();
  part(".trouble button").onclick = retry;
  stamp(at);
  append(item, mine);
  return {
    pending: () => state("pending", "Sending"),
    sent: (time) => (stamp(time), state("sent", "Sent")),
    failed: (why) => (state("failed", "Not sent"), (part(".trouble span").textContent = `Not sent: ${why}`)),
  };
}

function image(blob, name) {
  const atEnd = isAtEnd();
  const img = Object.assign(make("img", "picture"), { src: URL.createObjectURL(blob), alt: `Picture from ${name}` });
  img.onload = () => (atEnd || isAtEnd()) && scrollToEnd();
  return img;
}

function append(item, always = false) {
  const follow = always || isAtEnd();
  $("log").append(item);
  while ($("log").childElementCount > LOG_LENGTH) {
    const first = $("log").firstElementChild;
    const img = first.querySelector("img");
    if (img) URL.revokeObjectURL(img.src);
    first.remove();
  }
  if (follow) scrollToEnd();
  else $("latest").hidden = !item.classList.contains("message");
}

const isAtEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 80;
const scrollToEnd = () => $("scroll").scrollTo({ top: $("scroll").scrollHeight });
$("latest").onclick = scrollToEnd;
$("scroll").onscroll = () => isAtEnd() && ($("latest").hidden = true);
new ResizeObserver(() => document.activeElement === $("text") && scrollToEnd()).observe($("scroll"));

// --- writing

export function onText(send, typing) {
  submit("compose", () => {
    const text = $("text").value.trim();
    if (text) send(text);
  });
  $("text").oninput = typing;
  $("text").onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // Enter confirms the text of an input method
    event.preventDefault();
    $("compose").requestSubmit();
  };
}

export function onPicture(send) {
  const sendAll = (files) => [...files].forEach((file) => send(file));
  const hover = (on) => $("main").classList.toggle("dropping", on);
  $("file").onchange = () => (sendAll($("file").files), ($("file").value = ""));
  $("text").onpaste = (event) => sendAll([...event.clipboardData.files].filter(({ type }) => type.startsWith("image/")));
  $("main").ondragover = (event) => (event.preventDefault(), hover(true));
  $("main").ondragleave = () => hover(false);
  $("main").ondrop = (event) => (event.preventDefault(), hover(false), sendAll(event.dataTransfer.files));
}

// --- the name is stored in this browser, if it allows it

function remember(name) {
  try {
    localStorage.setItem("name", name);
  } catch { /* private windows may refuse */ }
}

function remembered() {
  try {
    return localStorage.getItem("name") ?? "";
  } catch {
    return "";
  }
}
