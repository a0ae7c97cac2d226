// The page of examples/fastapi in two browser contexts; what the CDN would answer comes from the npm package.

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const [url, executablePath, bundle, screenshot] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const open = async (name) => {
    const context = await browser.newContext({ viewport: { width: 480, height: 420 } });
    context.setDefaultTimeout(20_000);
    await context.route("https://cdn.socket.io/4.8.3/socket.io.min.js", (route) => route.fulfill({ path: bundle }));
    const page = await context.newPage();
    page.on("pageerror", (error) => assert.fail(error));
    await page.goto(url);
    await page.evaluate("new Promise((resolve) => { socket.connect(); socket.once('connect_error', resolve); })");
    await page.getByText("log in first").waitFor();
    await page.getByLabel("your name").fill(name);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("Connected.").waitFor();
    return page;
  };
  const line = (page, text) => page.getByText(text, { exact: true }).waitFor();
  const ada = await open("Ada");
  const grace = await open("Grace");
  await grace.getByLabel("message").fill("你好");
  await grace.getByRole("button", { name: "Say" }).click();
  await line(ada, "Grace: 你好");
  await line(grace, "Grace: 你好");
  const answer = await ada.evaluate("fetch('/news/sunshine', { method: 'POST' }).then((response) => response.json())");
  assert.deepEqual(answer, { clients: 2 });
  await line(ada, "News: sunshine");
  await line(grace, "News: sunshine");
  await ada.screenshot({ path: screenshot });
  await browser.close();
}

main();
