// The README's page in two browser tabs; what the CDN would answer comes from the npm package.

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const [url, executablePath, bundle] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  await context.route("https://cdn.socket.io/4.8.3/socket.io.min.js", (route) => route.fulfill({ path: bundle }));
  const open = async () => {
    const page = await context.newPage();
    page.on("pageerror", (error) => assert.fail(error));
    await page.goto(url);
    return page;
  };
  const line = (page, text) => page.getByText(text, { exact: true }).waitFor();
  const first = await open();
  await first.waitForFunction("socket.connected");
  const second = await open();
  await line(first, "somebody joined");
  await second.locator("#text").fill("你好");
  await second.locator("#text").press("Enter");
  await line(second, "you (2 characters): 你好");
  await line(first, "你好");
  await browser.close();
}

main();
