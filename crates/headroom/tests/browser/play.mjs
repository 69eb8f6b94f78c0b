// Plays a live stream in a headless Chromium and prints what the player does, one JSON object a line.
//
//   node play.mjs '{"player":"hls|dash|shaka","url":"http://…","screenshot":"FILE","sessionId":"…","contentId":"…",
//                   "eventsUrl":"http://…","decisionsUrl":"http://…"}'
//
// Lines have `at_ms` (since the page began to load) and `event`: "sample" (four a second), "height", "waiting", "playing",
// "error", "response", "failed", "console", "end". The driver plays until its standard input ends, then takes the screenshot.
// With "hold" it says "ready" when everything is loaded, and plays from the first line of its input on; `at_ms` counts from there.
// "quiet" leaves responses out (at the end "answers" counts those to questions for advice), "small" makes the picture small, "agent": false plays without the agent, "defaults" with the
// players' own settings.
// Chromium is $CHROMIUM or `chromium` on the path.
import { accessSync, constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const HERE = dirname(fileURLToPath(import.meta.url));
const AGENT = join(HERE, "../../../../agent/dist");
const MODULES = join(HERE, "node_modules");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
/** First part of the path to the directory it stands for. */
const ROOTS = { page: join(HERE, "page"), agent: AGENT, modules: MODULES };

const options = JSON.parse(process.argv[2]);
let started = Date.now();
const print = (event, fields) => process.stdout.write(`${JSON.stringify({ at_ms: Date.now() - started, event, ...fields })}\n`);

// The page has an origin of its own, so everything the players read from the edge has to pass CORS, as it does in production.
const pages = createServer(async (request, response) => {
  const [root, ...rest] = new URL(request.url, "http://page").pathname.split("/").filter(Boolean);
  const file = join(ROOTS[root] ?? HERE, ...rest);
  const type = TYPES[file.slice(file.lastIndexOf("."))];
  if (!ROOTS[root] || !type || !file.startsWith(ROOTS[root])) return response.writeHead(404).end();
  try {
    response.writeHead(200, { "content-type": type }).end(await readFile(file));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || onPath("chromium"),
  args: [
    "--no-sandbox", // root has no user namespace to drop into
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
  ],
});
const page = await browser.newPage({ viewport: options.small ? { width: 480, height: 320 } : { width: 960, height: 640 } });
page.on("console", (message) => {
  if (message.type() === "error" || message.type() === "warning") print("console", { text: message.text().slice(0, 300) });
});
page.on("pageerror", (error) => print("error", { text: String(error).slice(0, 300) }));
let answers = 0;
page.on("response", (response) => {
  const url = response.url();
  if (options.adviceUrl && url.startsWith(options.adviceUrl) && response.ok()) answers += 1;
  if (options.quiet) return;
  if (url.startsWith(origin(options.url)) || !url.startsWith(`http://127.0.0.1:${pages.address().port}/`)) {
    const headers = response.headers();
    const { pathname, host, search } = new URL(url);
    print("response", {
      method: response.request().method(),
      status: response.status(),
      host,
      path: pathname,
      cmcd: search.includes("CMCD="),
      cmsd: headers["cmsd-dynamic"] ?? null,
    });
  }
});
page.on("requestfailed", (request) => {
  const { host, pathname } = new URL(request.url());
  print("failed", { method: request.method(), host, path: pathname, text: request.failure()?.errorText ?? "" });
});
await page.exposeFunction("report", print);
started = Date.now();
await page.goto(`http://127.0.0.1:${pages.address().port}/page/player.html#${encodeURIComponent(JSON.stringify(options))}`);

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  try {
    if (options.screenshot) await page.screenshot({ path: options.screenshot, timeout: 10_000 });
    print("end", { answers });
  } catch (error) {
    print("error", { text: `screenshot: ${String(error).slice(0, 200)}` });
  } finally {
    await browser.close();
    pages.close();
    process.exit(0);
  }
}
process.stdin.on("end", end).on("close", end);
if (options.hold) {
  process.stdin.once("data", () => {
    started = Date.now();
    page.evaluate(() => window.begin()).catch((error) => print("error", { text: `begin: ${String(error).slice(0, 200)}` }));
  });
}
process.stdin.resume();
process.on("SIGTERM", end);
browser.on("disconnected", () => {
  if (ending) return;
  print("error", { text: "the browser has gone" });
  process.exit(1);
});

function origin(url) {
  return new URL(url).origin;
}

function onPath(name) {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {
      // not in this directory
    }
  }
  throw new Error(`${name} is not on the path and CHROMIUM is not set`);
}
