// Client bundles in Chromium, driven by JSON lines as those under Node are: see tests/clients/runner.js.
//
// Each client is a page in a browser context of its own, with its own cookies; connecting again is another page there. Commands go to the page, which has a
// function for each; what is done here is what only the browser can do. Beside what a page says there is "exchange", for
// each response of the engine: the method, and the types of what was sent and what came back.

const { createInterface } = require("node:readline");
const { chromium } = require("playwright-core");

const [executablePath] = process.argv.slice(2);
const FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const launched = chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: FLAGS });
const pages = new Map(); // a client's name -> its page

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

async function open(client, home, version) {
  const context = pages.get(client)?.context() ?? (await (await launched).newContext());
  const page = await context.newPage();
  const report = (event, ...args) => pages.get(client) === page && say({ client, event, args });
  pages.set(client, page);
  page.on("pageerror", (error) => report("pageerror", error.message));
  page.on("response", (response) => {
    const request = response.request();
    if (!new URL(response.url()).search.includes("EIO=")) return;
    const types = [request.headers(), response.headers()].map((headers) => headers["content-type"] ?? null);
    report("exchange", request.method(), ...types);
  });
  await page.exposeFunction("report", report);
  await page.goto(home);
  await page.addScriptTag({ url: `/bundles/${version}.js` });
  return page;
}

const commands = {
  async connect({ client, version, url, opts }) {
    const { page: home = new URL("/page", url).href, ...options } = opts;
    const page = await open(client, home, version);
    await page.evaluate(([url, options]) => commands.connect({ url, opts: options }), [url, options]);
  },

  async cookies({ client }) {
    const cookies = await pages.get(client).context().cookies();
    return Object.fromEntries(cookies.map(({ name, value }) => [name, value]));
  },

  async reset() {
    const closing = [...pages.values()].map((page) => page.context().close());
    pages.clear();
    await Promise.all(closing);
  },
};

function inPage(command) {
  return pages.get(command.client).evaluate((command) => commands[command.do](command), command);
}

async function obey(line) {
  const command = JSON.parse(line);
  try {
    const result = await (commands[command.do] ?? inPage)(command);
    say({ id: command.id, result: result ?? null });
  } catch (error) {
    say({ id: command.id, error: error.message });
  }
}

async function end() {
  await (await launched).close();
  process.exit();
}

createInterface({ input: process.stdin }).on("line", obey).on("close", end);
