// One check of the chat page in Chromium, by its name; see CHECKS in test_chat_page.py, which starts this.

const assert = require("node:assert/strict");
const path = require("node:path");
const { chromium } = require("playwright-core");
const { contrastProblems } = require("./chat_contrast.cjs");

const [url, executablePath, artifacts, wanted] = process.argv.slice(2);
const FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const LIMIT = 900_000;
const ROOM = `room ${process.pid}`;
let browser;

async function open(options = {}, hash = "") {
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", viewport: { width: 1180, height: 800 }, ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => assert.fail(error));
  page.on("console", (message) => assert.doesNotMatch(message.text(), /Content Security Policy/));
  await page.goto(`${url}/${hash}`);
  await page.locator("html[data-link=connected]").waitFor();
  return page;
}

async function enter(page, name, room = ROOM) {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Room", { exact: true }).fill(room);
  await page.getByRole("button", { name: "Enter" }).click();
  await page.locator("#people li", { hasText: name }).waitFor({ state: "attached" });
}

async function say(page, text) {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.getByRole("textbox", { name: "Message" }).press("Enter");
  await page.locator(".mine[data-state=sent]", { hasText: text }).waitFor();
}

const focused = (page) => page.evaluate(() => document.activeElement.innerText || document.activeElement.id || document.activeElement.tagName);

/** A picture of noise, which compresses badly, in this type; `side` pixels wide and high. */
async function noise(page, type, side, alpha = 255) {
  const base64 = await page.evaluate(([type, side, alpha]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const pixels = new ImageData(side, side);
    let state = 1;
    for (let at = 0; at < pixels.data.length; at++) pixels.data[at] = at % 4 === 3 ? alpha : ((state = (state * 48_271) % 2_147_483_647) >> 8) & 255;
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas.toDataURL(type, 1).split(",")[1];
  }, [type, side, alpha]);
  return Buffer.from(base64, "base64");
}

/** Send it, and return what another one in the room gets: its width, height, bytes and the alpha of its first pixel. */
async function sendLarge(buffer, mimeType) {
  assert.ok(buffer.length > LIMIT, `${buffer.length} bytes`);
  const [from, to] = [await open(), await open()];
  await enter(from, "Ada");
  await enter(to, "Lin");
  await from.getByLabel("Send a picture").setInputFiles({ name: "large", mimeType, buffer });
  await from.locator(".mine.pictured[data-state=sent]").waitFor({ timeout: 30_000 });
  const received = to.locator(".message:not(.mine) img.picture");
  await received.waitFor();
  await to.waitForFunction((img) => img.complete && img.naturalWidth > 0, await received.elementHandle());
  return received.evaluate((img) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    canvas.getContext("2d").drawImage(img, 0, 0);
    return { width: img.naturalWidth, height: img.naturalHeight, alpha: canvas.getContext("2d").getImageData(0, 0, 1, 1).data[3] };
  });
}

const checks = {
  async addresses() {
    for (const hash of ["#%E0%A4%A", "#%", "#100%", "#%FF"]) {
      const page = await open({}, hash);
      assert.equal(await page.getByLabel("Room", { exact: true }).inputValue(), "Lobby");
      await enter(page, "Ada");
      await page.context().close();
    }
    const long = await open({}, `#${"x".repeat(200)}`);
    assert.equal(await long.getByLabel("Room", { exact: true }).inputValue(), "x".repeat(30));
    const good = await open({}, `#${encodeURIComponent("茶馆 ☕")}`);
    assert.equal(await good.getByLabel("Room", { exact: true }).inputValue(), "茶馆 ☕");
  },

  async surrogates() {
    const page = await open();
    await page.evaluate(() => {
      document.getElementById("enter-name").value = "Ada \ud83d"; // what maxlength leaves of an emoji
      document.getElementById("enter-room").value = "half \ud83d";
    });
    await page.getByRole("button", { name: "Enter" }).click();
    await page.locator("#people li", { hasText: "Ada \ufffd" }).waitFor();
    assert.equal(await page.locator("#room").innerText(), "half \ufffd");
  },

  async escape() {
    const page = await open();
    const dialog = page.locator("dialog#enter");
    for (let press = 0; press < 4; press++) {
      await page.keyboard.press("Escape");
      assert.ok(await dialog.evaluate((element) => element.open), `open after Escape ${press + 1}`);
    }
    await page.evaluate(() => document.getElementById("enter").requestClose?.()); // as Android's gesture to go back
    await page.evaluate(() => document.getElementById("enter").close());
    await dialog.and(page.locator("[open]")).waitFor();
    await enter(page, "Ada");
    await page.getByRole("button", { name: "Change" }).click();
    await page.getByLabel("Your name").pressSequentially("x");
    assert.equal(await page.getByLabel("Your name").inputValue(), "Adax");
    await page.keyboard.press("Escape");
    await page.locator("dialog#enter:not([open])").waitFor({ state: "attached" }); // the dialog closes only for a person in a room
    assert.equal(await page.locator("#room").innerText(), ROOM);
  },

  async "focus on a room"() {
    const page = await open();
    await enter(page, "Ada", `${ROOM} b`);
    const other = await open();
    await enter(other, "Lin", `${ROOM} c`);
    const room = page.locator("#rooms").getByRole("button", { name: `${ROOM} c` });
    await room.focus();
    for (const name of [`${ROOM} a`, `${ROOM} d`]) {
      const third = await open();
      await enter(third, "Bo", name);
      await page.locator("#rooms").getByRole("button", { name }).waitFor();
      assert.match(await focused(page), new RegExp(`^${ROOM} c`), "the list has changed");
      await third.context().close();
      await page.locator("#rooms").getByRole("button", { name }).waitFor({ state: "detached" });
      assert.match(await focused(page), new RegExp(`^${ROOM} c`), "and again");
    }
    await page.keyboard.press("Enter");
    await page.locator("#room", { hasText: `${ROOM} c` }).waitFor();
    await page.locator("#people li", { hasText: "Lin" }).waitFor();
    await page.locator("#rooms [aria-current=true]", { hasText: `${ROOM} c` }).waitFor();
    assert.match(await focused(page), new RegExp(`^${ROOM} c`), "the keyboard has chosen another room");
    await other.context().close();
    await page.locator("#people li").nth(1).waitFor({ state: "detached" });
    await page.getByRole("textbox", { name: "New room" }).fill(`${ROOM} e`);
    await page.keyboard.press("Enter");
    await page.locator("#room", { hasText: `${ROOM} e` }).waitFor();
    assert.equal(await focused(page), "text");
    const chips = await open();
    const chip = chips.locator("#enter-rooms").getByRole("button", { name: `${ROOM} e` });
    await chip.focus();
    const last = await open();
    await enter(last, "Bo", `${ROOM} a`);
    await chips.locator("#enter-rooms").getByRole("button", { name: `${ROOM} a` }).waitFor();
    assert.match(await focused(chips), new RegExp(`^${ROOM} e`), "in the dialog, too");
  },

  async "focus on a room that is gone"() {
    const page = await open();
    await enter(page, "Ada", `${ROOM} b`);
    const other = await open();
    await enter(other, "Lin", `${ROOM} c`);
    const room = page.locator("#rooms").getByRole("button", { name: `${ROOM} c` });
    await room.focus();
    await other.context().close();
    await room.waitFor({ state: "detached" });
    assert.match(await focused(page), new RegExp(`^${ROOM} b`));
  },

  async "large picture"() {
    const page = await open();
    const { width, height, alpha } = await sendLarge(await noise(page, "image/png", 800), "image/png");
    assert.equal(width, height);
    assert.ok(width >= 300 && width <= 800, `${width} pixels wide`);
    assert.equal(alpha, 255);
  },

  async "large picture with transparency"() {
    const page = await open();
    const { alpha } = await sendLarge(await noise(page, "image/png", 800, 128), "image/png");
    assert.ok(alpha > 100 && alpha < 156, `alpha ${alpha}`);
  },

  async "picture that cannot be read"() {
    const page = await open();
    await enter(page, "Ada");
    await page.getByLabel("Send a picture").setInputFiles({ name: "large.png", mimeType: "image/png", buffer: Buffer.alloc(LIMIT + 1) });
    await page.getByText("This picture cannot be read.").waitFor();
    await page.getByLabel("Send a picture").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
    await page.getByText("Only PNG, JPEG, GIF and WebP pictures can be sent.").waitFor();
  },

  async "own messages after a reload"() {
    const [ada, lin] = [await open(), await open()];
    await enter(ada, "Ada");
    await enter(lin, "Lin");
    await say(ada, "mine before");
    await say(lin, "theirs before");
    await ada.reload();
    await ada.locator("html[data-link=connected]").waitFor();
    await enter(ada, "Ada");
    await ada.locator(".message:not(.mine)", { hasText: "theirs before" }).waitFor();
    await ada.locator(".mine[data-state=sent]", { hasText: "mine before" }).waitFor();
    assert.equal(await ada.locator(".mine").count(), 1);
    assert.equal(await lin.locator(".mine").count(), 1);
    await say(ada, "mine after");
    assert.equal(await ada.locator(".message").count(), 3);
    await enterAnotherRoomAndComeBack(ada);
    assert.equal(await ada.locator(".mine[data-state=sent]").count(), 2);
  },

  async roles() {
    const page = await open();
    await enter(page, "Ada");
    await say(page, "hello");
    const log = page.getByRole("log", { name: "Messages" });
    await log.getByRole("list").getByRole("listitem").filter({ hasText: "hello" }).waitFor();
    assert.equal(await log.getAttribute("tabindex"), "0", "the keyboard scrolls it");
    for (const name of ["Rooms", "Here now"]) {
      const list = page.getByRole("complementary").getByRole("list", { name });
      assert.ok((await list.getByRole("listitem").count()) >= 1, name);
    }
    assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
    await page.getByRole("status").filter({ hasText: "Connected" }).waitFor();
    await page.getByRole("button", { name: "Change name or room" }).click();
    const dialog = page.getByRole("dialog", { name: "Trio chat" });
    await dialog.getByRole("list", { name: "Rooms with people in them" }).waitFor();
    for (const field of ["Your name", "Room"]) assert.equal(await dialog.getByLabel(field, { exact: true }).getAttribute("aria-describedby"), "enter-error");
  },

  async "names of speakers"() {
    const [ada, lin] = [await open(), await open()];
    await enter(ada, "Ada");
    await enter(lin, "Lin");
    for (const text of ["one", "two"]) await say(ada, text);
    for (const text of ["one", "two"]) {
      await ada.getByRole("listitem").filter({ hasText: text }).and(ada.locator("li")).waitFor();
      const own = await ada.locator(".message", { hasText: text }).ariaSnapshot();
      const theirs = await lin.locator(".message", { hasText: text }).ariaSnapshot();
      assert.match(own, /You/, own);
      assert.match(own, /img "Sent"/, own);
      assert.match(theirs, /Ada/, theirs);
    }
    assert.equal(await lin.locator(".message .name").nth(1).evaluate((name) => name.getBoundingClientRect().width), 1, "not seen twice");
  },

  async "typing is announced"() {
    const [ada, lin] = [await open(), await open()];
    await enter(ada, "Ada");
    await enter(lin, "Lin");
    const live = lin.locator("#typing");
    assert.equal(await live.getAttribute("role"), "status");
    assert.ok(await live.isVisible(), "a live region is there before it has something to say");
    assert.equal(await live.innerText(), "");
    await ada.getByRole("textbox", { name: "Message" }).pressSequentially("hello there", { delay: 50 });
    await lin.getByText("Ada is typing").waitFor();
  },

  async contrast() {
    const problems = [];
    for (const colorScheme of ["light", "dark"]) {
      for (const [size, viewport] of Object.entries({ wide: { width: 1180, height: 800 }, phone: { width: 390, height: 844 } })) {
        const room = `${ROOM} ${colorScheme} ${size}`;
        const [ada, lin] = [await open({ colorScheme, viewport }), await open()];
        const look = async (what) => {
          await ada.screenshot({ path: path.join(artifacts, `chat-${colorScheme}-${size}-${what}.png`) });
          for (const problem of await ada.evaluate(contrastProblems)) problems.push(`${colorScheme}, ${size}, ${what}: ${problem}`);
        };
        await enter(lin, "Lin", room);
        await ada.locator("#enter-rooms button").first().waitFor();
        await look("entry");
        await enter(ada, "Ada", room);
        await say(ada, "A message of mine, with its tick and its time.");
        await say(lin, "And one of somebody else.");
        await lin.getByRole("textbox", { name: "Message" }).pressSequentially("mm");
        await ada.getByText("Lin is typing").waitFor();
        await look("talk");
        await ada.evaluate(() => (document.documentElement.dataset.link = "reconnecting"));
        await look("reconnecting");
        await ada.evaluate(() => (document.documentElement.dataset.link = "refused"));
        await look("refused");
        await ada.evaluate(() => (document.documentElement.dataset.link = "connected"));
        await ada.locator(".mine").first().evaluate((item) => {
          item.dataset.state = "failed";
          item.querySelector(".trouble").hidden = false;
          item.querySelector(".trouble span").textContent = "Not sent: no answer from the server";
        });
        await look("failed");
        if (size === "phone") {
          await ada.getByRole("button", { name: "Rooms and people" }).click();
          await look("menu");
        }
        await ada.context().close();
        await lin.context().close();
      }
    }
    assert.deepEqual(problems, []);
  },
};

async function enterAnotherRoomAndComeBack(page) {
  for (const room of [`${ROOM} elsewhere`, ROOM]) {
    await page.getByRole("textbox", { name: "New room" }).fill(room);
    await page.keyboard.press("Enter");
    await page.locator("#room", { hasText: new RegExp(`^${room}$`) }).waitFor();
    await page.locator("#people li", { hasText: "you" }).waitFor();
    await page.locator("#rooms [aria-current=true]", { hasText: room }).waitFor();
  }
  await page.locator(".mine").nth(1).waitFor();
}

async function main() {
  browser = await chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: FLAGS });
  await checks[wanted]();
  await browser.close();
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
