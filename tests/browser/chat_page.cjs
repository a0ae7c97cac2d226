// Two people in two browser contexts talk on the chat page. Started by test_chat_page.py, which owns the server: a line
// on standard output asks for something to be done to it, and a line on standard input says that it is done.

const assert = require("node:assert/strict");
const path = require("node:path");
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const [url, executablePath, artifacts] = process.argv.slice(2);
const ROOM = "茶馆";
const FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  console.log(what);
  assert.equal((await answers.next()).value, "done");
}

async function open(browser, options) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "Asia/Shanghai", deviceScaleFactor: 2, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  await page.clock.install(); // it runs as usual until it is put forward
  page.on("pageerror", (error) => assert.fail(error));
  page.on("console", (message) => assert.doesNotMatch(message.text(), /Content Security Policy/));
  await page.goto(url);
  return page;
}

async function enter(page, name, room) {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Room", { exact: true }).fill(room);
  await page.getByRole("button", { name: "Enter" }).click();
  await isConnected(page);
  await page.locator("#people li", { hasText: name }).waitFor();
}

async function isConnected(page) {
  await page.locator("html[data-link=connected]").waitFor();
  assert.equal(await page.locator("#link").textContent(), "Connected");
}

async function isReconnecting(page) {
  await page.locator("html[data-link=reconnecting]").waitFor();
  assert.match(await page.locator("#link").innerText(), /Reconnecting/);
}

/** Type, send, and see it here with its tick and there without one. */
async function say(from, to, text) {
  await from.getByRole("textbox", { name: "Message" }).fill(text);
  await from.getByRole("textbox", { name: "Message" }).press("Enter");
  await arrived(from, to, text);
}

async function arrived(from, to, text) {
  const sent = from.locator(".message.mine", { has: from.getByText(text, { exact: true }) });
  await sent.getByRole("img", { name: "Sent", exact: true }).waitFor();
  const received = to.locator(".message:not(.mine)", { has: to.getByText(text, { exact: true }) });
  await received.waitFor();
  assert.equal(await received.count(), 1, `received once: ${text}`);
}

/** A landscape as PNG, drawn in the page. */
function drawLandscape() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 840, height: 480 });
  const to = canvas.getContext("2d");
  const sky = to.createLinearGradient(0, 0, 0, 480);
  [[0, "#24476b"], [0.45, "#d98e73"], [0.7, "#f6d9a8"]].forEach(([at, color]) => sky.addColorStop(at, color));
  to.fillStyle = sky;
  to.fillRect(0, 0, 840, 480);
  to.fillStyle = "#fff3d6";
  to.beginPath();
  to.arc(590, 232, 38, 0, 7);
  to.fill();
  ["#a9786f", "#6d5664", "#33384f", "#161f30"].forEach((color, range) => {
    to.fillStyle = color;
    to.beginPath();
    to.moveTo(0, 480);
    for (let x = 0; x <= 840; x += 4) to.lineTo(x, 265 + range * 52 - 44 * Math.sin(x / (150 - range * 22) + range * 2.1) - 15 * Math.sin(x / 37 + range));
    to.lineTo(840, 480);
    to.fill();
  });
  return canvas.toDataURL("image/png");
}

/** The pixels that an <img> shows. */
function pixelsOf(img) {
  const canvas = Object.assign(document.createElement("canvas"), { width: img.naturalWidth, height: img.naturalHeight });
  canvas.getContext("2d").drawImage(img, 0, 0);
  return canvas.toDataURL("image/png");
}

async function sendPicture(from, to) {
  const picture = await from.evaluate(drawLandscape);
  const buffer = Buffer.from(picture.split(",")[1], "base64");
  await from.getByLabel("Send a picture").setInputFiles({ name: "landscape.png", mimeType: "image/png", buffer });
  await from.locator(".mine.pictured[data-state=sent]").waitFor();
  const received = to.locator(".message:not(.mine) img.picture");
  await received.waitFor();
  await to.waitForFunction((img) => img.complete && img.naturalWidth > 0, await received.elementHandle());
  assert.ok((await received.evaluate(pixelsOf)) === picture, "every pixel crossed");
}

/** A picture that is pasted, and one that is dropped. */
async function pasteAndDrop(from, to) {
  const before = await to.locator("img.picture").count();
  await from.evaluate(async () => {
    const canvas = new OffscreenCanvas(40, 30);
    canvas.getContext("2d").fillRect(0, 0, 20, 30);
    const blob = await canvas.convertToBlob({ type: "image/webp" });
    const transfer = new DataTransfer();
    transfer.items.add(new File([blob], "small.webp", { type: "image/webp" }));
    document.getElementById("text").dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
    document.getElementById("main").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
  });
  await to.locator("img.picture").nth(before + 1).waitFor();
}

/** The server is silent for longer than an acknowledgement may take; what it then gets twice is shown once. */
async function failsAndTriesAgain(from, to) {
  const text = "你听得见吗？";
  await ask("pause");
  await from.getByRole("textbox", { name: "Message" }).fill(text);
  await from.getByRole("textbox", { name: "Message" }).press("Enter");
  await from.getByRole("img", { name: "Sending" }).waitFor();
  await from.clock.fastForward(11_000);
  await from.getByRole("img", { name: "Not sent" }).waitFor();
  await shot(from, "failed");
  await ask("resume");
  await from.getByRole("button", { name: "Try again" }).click();
  await arrived(from, to, text);
}

/** Without a bundle on our server the page takes the client from the CDN, and only the very file that it names. */
async function fallsBackToCdn(browser) {
  const bundle = path.join(process.env.NODE_PATH, "socket.io-client", "dist", "socket.io.min.js");
  const context = await browser.newContext();
  await context.route("**/socket.io/socket.io.js", (route) => route.fulfill({ status: 404 }));
  await context.route("https://cdn.socket.io/4.8.3/socket.io.min.js", (route) =>
    route.fulfill({ path: bundle, contentType: "text/javascript", headers: { "Access-Control-Allow-Origin": "*" } }));
  const page = await context.newPage();
  await page.goto(url);
  await isConnected(page);
  await context.close();
}

async function shot(page, name) {
  await page.screenshot({ path: path.join(artifacts, `chat-${name}.png`) });
}

async function main() {
  const browser = await chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: FLAGS });
  const lin = await open(browser, { colorScheme: "light", viewport: { width: 1180, height: 880 } });
  const ada = await open(browser, { colorScheme: "dark", viewport: { width: 1180, height: 880 } });
  await shot(lin, "enter");
  await enter(lin, "林晓", ROOM);
  await ada.locator("#enter").getByRole("button", { name: ROOM }).click(); // offered on the first screen because somebody is in it
  assert.equal(await ada.getByLabel("Room", { exact: true }).inputValue(), ROOM);
  await enter(ada, "Ada", ROOM);
  await lin.locator("#people li", { hasText: "Ada" }).waitFor();
  await lin.getByText("Ada joined").waitFor();

  await say(lin, ada, "早上好！山里的雾刚散，今天能看得很远。");
  await say(ada, lin, "Good morning! Is the tea house by the lake already open?");
  await say(lin, ada, "开了，我正坐在窗边喝龙井。给你看看外面：");
  await sendPicture(lin, ada);
  await say(ada, lin, "太美了 😍 I will take the 10:40 train and bring the maps.");
  await say(lin, ada, "<b>不是标签</b> & \"quotes\" stay as they are");
  assert.equal(await ada.locator(".message b:not(.name)").count(), 0, "markup stays text");

  // Told more than once while these are typed: a volatile event may be dropped, and one is enough.
  const typed = ada.getByRole("textbox", { name: "Message" }).pressSequentially("那我们十二点在湖边见", { delay: 250 });
  await lin.getByText("Ada is typing").waitFor();
  await shot(lin, "light");
  await typed;
  await shot(ada, "dark");
  await failsAndTriesAgain(lin, ada);
  await fallsBackToCdn(browser);

  await ask("kill");
  await Promise.all([isReconnecting(lin), isReconnecting(ada)]);
  await lin.getByRole("textbox", { name: "Message" }).fill("这句话等服务器回来再发。");
  await lin.getByRole("textbox", { name: "Message" }).press("Enter");
  await lin.getByRole("img", { name: "Sending" }).waitFor();
  await shot(lin, "reconnecting");
  await ask("start");
  await Promise.all([isConnected(lin), isConnected(ada)]);
  await arrived(lin, ada, "这句话等服务器回来再发。"); // whoever of the two came back first
  await Promise.all([lin, ada].map((page) => page.locator("#people li").nth(1).waitFor())); // both came back to the room
  await say(ada, lin, "And here we are again.");
  await say(lin, ada, "一句也没丢。");

  await ada.setViewportSize({ width: 390, height: 844 });
  await ada.emulateMedia({ colorScheme: "light" });
  await shot(ada, "phone");
  await ada.getByRole("button", { name: "Rooms and people" }).click();
  await shot(ada, "phone-menu");
  await ada.getByRole("button", { name: "Close the menu" }).click({ position: { x: 370, y: 400 } });
  await pasteAndDrop(ada, lin);
  await ada.close();
  await lin.getByText("Ada left").last().waitFor();
  await browser.close();
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
