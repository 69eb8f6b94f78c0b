// Looks at the dashboard in a headless Chromium and prints what it finds, one JSON object a line.
//
//   node dashboard.mjs '{"scenario":"demo|crowd|capacity|hostile|frozen|locked","url":"http://…","directory":"DIR", …}'
//
// Lines are {"check":"…","ok":true,"detail":…}. The test that started this judges; here nothing is thrown for a failed
// check, so that one run tells everything. Chromium is $CHROMIUM.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const options = JSON.parse(process.argv[2]);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const check = (name, ok, detail = null) => process.stdout.write(`${JSON.stringify({ check: name, ok: Boolean(ok), detail })}\n`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    "--no-sandbox", // root has no user namespace to drop into
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
const hosts = new Set();
const complaints = [];
page.on("request", (request) => hosts.add(new URL(request.url()).host));
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("dialog", (dialog) => {
  complaints.push(`dialog: ${dialog.message()}`);
  void dialog.dismiss();
});
page.on("console", (message) => {
  const text = message.text();
  // A resource that this server does not have yet is an empty state, not an error of the page.
  if (message.type() === "error" && !/status of (400|401|404|409|422)|ERR_ABORTED|ERR_INCOMPLETE|ERR_CONNECTION/.test(text)) complaints.push(text);
});
await page.addInitScript(() => {
  window.violations = [];
  addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
});

const go = async (hash, ready) => {
  await page.goto(`${options.url}/#/${hash}`);
  if (ready) await page.waitForSelector(ready, { timeout: 15_000 });
};
const shot = (name) => page.screenshot({ path: join(options.directory, `${name}.png`) });
const live = () => page.waitForSelector('.state[data-state="live"]', { timeout: 20_000 });

/** Serious findings of axe-core on the page as it is. */
async function accessible(name) {
  // The page's policy forbids scripts from elsewhere, so axe comes in through the debugger, past the policy.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 3).map((node) => node.html.slice(0, 160)) }));
  });
  const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  check(`axe: ${name}`, serious.length === 0, found);
}

/** Nothing hangs over the edge of the page, and no card lies over another. */
async function laidOut(name) {
  const flaws = await page.evaluate(() => {
    const found = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) found.push(`page ${document.documentElement.scrollWidth} > ${width}`);
    const boxes = [...document.querySelectorAll(".card")].map((card) => [card.getAttribute("aria-label") ?? card.textContent.trim().slice(0, 30), card.getBoundingClientRect()]);
    for (const [label, box] of boxes) {
      if (box.width < 60 || box.height < 30) found.push(`${label} is ${box.width} × ${box.height}`);
      for (const [other, near] of boxes) {
        const over = Math.min(box.right, near.right) - Math.max(box.left, near.left) > 1 && Math.min(box.bottom, near.bottom) - Math.max(box.top, near.top) > 1;
        if (label !== other && over) found.push(`${label} lies over ${other}`);
      }
    }
    return found;
  });
  check(`layout: ${name}`, flaws.length === 0, flaws);
}

/** Frames and long tasks (W3C Long Tasks: 50 ms and more) while `step(elapsed share)` is called before each frame, for `ms`. */
const smoothness = (ms, step) =>
  page.evaluate(async ([ms, step]) => {
    const act = step ? new Function("share", step) : () => undefined;
    const long = [];
    const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)));
    observer.observe({ entryTypes: ["longtask"] });
    const gaps = [];
    const began = performance.now();
    let last = began;
    while (performance.now() - began < ms) {
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      gaps.push(now - last);
      last = now;
      act((now - began) / ms);
    }
    observer.disconnect();
    gaps.sort((left, right) => left - right);
    return { frames: gaps.length, median_ms: gaps[gaps.length >> 1], p95_ms: gaps[Math.floor(gaps.length * 0.95)], long_tasks: long.length, longest_task_ms: Math.max(0, ...long) };
  }, [ms, step]);

/** Positions of every card, figure and table row head: what must not move while numbers change. */
const positions = () =>
  page.evaluate(() => [...document.querySelectorAll(".card, .figure .value, .figure .note, h2, tbody th")].map((element) => {
    const box = element.getBoundingClientRect();
    return [Math.round(box.left), Math.round(box.top)].join(",");
  }));

/** Share of a chart's pixels that are not background. */
const inked = () =>
  page.evaluate(() => [...document.querySelectorAll("canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let drawn = 0;
    for (let index = 3; index < data.length; index += 4) if (data[index] > 0) drawn += 1;
    return drawn / (data.length / 4);
  }));

const SCENARIOS = {
  async demo() {
    await go("fleet", ".figure");
    await live();
    await page.waitForFunction((expected) => document.querySelector(".figure .value")?.textContent === String(expected), options.sessions, { timeout: 40_000 });
    await page.waitForTimeout(12_000);
    const before = await positions();
    await page.waitForTimeout(4_000);
    const after = await positions();
    const moved = before.map((at, index) => [at, after[index]]).filter(([at, then]) => at !== then);
    check("nothing moves as frames arrive", before.length === after.length && moved.length === 0, moved.slice(0, 5));
    check("charts are drawn", (await inked()).every((share) => share > 0.002), await inked());
    await shot("fleet-light");
    await accessible("fleet, light");
    await laidOut("fleet, 1360");
    for (const width of [1024, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(400);
      await laidOut(`fleet, ${width}`);
      if (width === 390) await shot("fleet-narrow");
    }
    await page.setViewportSize({ width: 1360, height: 900 });
    await page.emulateMedia({ colorScheme: "dark" });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.waitForTimeout(1_200);
    await shot("fleet-dark");
    await accessible("fleet, dark");
    const toggle = page.locator('header.bar button[aria-label$="colours, change"]');
    await toggle.click();
    const light = await background();
    await toggle.click();
    check("the toggle wins over the system", dark !== light && (await background()) === dark, { dark, light });
    await toggle.click();
    await page.emulateMedia({ colorScheme: "light" });

    // By keyboard alone: to the sessions, down the list, into one.
    await page.reload();
    await page.waitForSelector(".figure");
    await page.keyboard.press("Tab");
    check("the first stop skips to the content", (await page.evaluate(() => document.activeElement?.textContent)) === "Skip to content");
    for (let stop = 0; stop < 8; stop += 1) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement?.getAttribute("href"))) === "#/sessions") break;
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector('[role="grid"] [role="gridcell"].number');
    await page.waitForTimeout(500);
    await shot("sessions-light");
    await accessible("sessions");
    await laidOut("sessions");
    for (let stop = 0; stop < 20; stop += 1) {
      if ((await page.evaluate(() => document.activeElement?.getAttribute("role"))) === "grid") break;
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const chosen = await page.evaluate(() => document.querySelector(".row.active .mono")?.textContent);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".why p");
    check("the keyboard opens a session", decodeURIComponent(page.url()).endsWith(`id:${chosen}`), page.url());
    await page.waitForTimeout(14_000);
    const why = await page.textContent(".why p");
    check("a decision explains itself", /^[A-Z].*\d.*\.$/.test(why.trim()) || why.startsWith("The player chooses alone"), why);
    check("the decision is listed", (await page.locator("main li p").count()) > 0);
    check("session charts are drawn", (await inked()).every((share) => share > 0.002), await inked());
    await shot("session-light");
    await accessible("session");
    await laidOut("session");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.evaluate(() => localStorage.removeItem("headroom-theme"));
    await page.reload();
    await page.waitForSelector(".why p");
    await page.waitForTimeout(1_500);
    check("a reload keeps the timeline", (await page.evaluate(() => performance.now())) > 0 && (await inked())[0] > 0.002, await inked());
    await shot("session-dark");
    await accessible("session, dark");

    await go("streams", "td a");
    await shot("streams-dark");
    await accessible("streams");
    await page.click("td a");
    await page.waitForSelector(".figure");
    await page.waitForTimeout(6_000);
    // Fifty messages are kept and a dozen shown: the page is seconds behind, not a minute.
    const spoken = await page.evaluate(async () => {
      const { latest } = await (await fetch("/v1/streams/demo/audience")).json();
      const clock = (message) => new Date(message.at_us / 1e3).toTimeString().slice(0, 8);
      return { shown: [...document.querySelectorAll("main li time")].map((time) => time.textContent), latest: latest.map(clock) };
    });
    const { shown, latest } = spoken;
    check("the latest messages are shown, the newest first", shown.length === 12 && shown[0] >= latest[20] && shown[0] >= shown[11], spoken);
    await shot("stream-dark");
    await accessible("stream, dark");
    await laidOut("stream");
    await page.emulateMedia({ colorScheme: "light" });
    await page.waitForTimeout(1_200);
    await shot("stream-light");
    await accessible("stream, light");
    await go("alerts", "h1");
    await page.waitForTimeout(800);
    await accessible("alerts");
    await shot("alerts-light");
    await go("capacity", ".figure .value");
    await page.waitForTimeout(500);
    check("capacity is drawn", (await inked()).length === 2 && (await inked()).every((share) => share > 0.002), await inked());
    const names = await page.locator("tbody th").allTextContents();
    check("what is made up says so", names.length >= 5 && names.every((name) => name.startsWith("made-up ")), names);
    await go("nowhere", "h1");
    check("an unknown page says so", (await page.textContent("h1")) === "There is no such page");
    await go("sessions/nobody", ".empty");
    check("an unknown session says so", (await page.textContent(".empty")).includes("No live session has this name"));
  },

  async crowd() {
    await go("capacity", "h1");
    await page.waitForFunction(() => document.querySelector(".empty")?.textContent !== "Reading", null, { timeout: 10_000 });
    check("a server without history says so", (await page.textContent(".empty")).includes("No history is kept"), await page.textContent(".empty"));
    await accessible("capacity, empty");
    await go("sessions", '[role="grid"] [role="gridcell"].number');
    check("all are counted", (await page.textContent(".head .muted")) === `${options.sessions.toLocaleString("en")} live`, await page.textContent(".head .muted"));
    let asked = 0;
    page.on("request", (request) => (asked += request.url().includes("/v1/sessions?") ? 1 : 0));
    await page.evaluate(() => (window.most = 0));
    const scrolled = await smoothness(4_000, `
      const list = document.querySelector(".scroll");
      list.scrollTop = share * list.scrollHeight;
      window.most = Math.max(window.most, document.querySelectorAll(".all .row").length);`);
    scrolled.rows = await page.evaluate(() => window.most);
    // Drawn by the processor, on a machine that may be busy: a list of all rows in the page takes seconds a frame.
    check("scrolling stays smooth", scrolled.median_ms < 120 && scrolled.p95_ms < 500, scrolled);
    check("only what is seen is in the page", scrolled.rows < 80, scrolled.rows);
    check("scrolling asks seldom", asked < 110, asked);
    await page.waitForFunction((last) => document.querySelector(`#row-${last} .mono`), options.sessions - 1, { timeout: 10_000 });
    check("the last row arrives", true);
    await page.focus('[role="grid"]');
    await page.keyboard.press("Home");
    await page.waitForSelector("#row-0 .mono", { timeout: 10_000 });
    await page.keyboard.press("End");
    await page.waitForSelector(`#row-${options.sessions - 1} .mono`, { timeout: 10_000 });
    check("Home and End reach both ends", true);
    await shot("crowd-sessions");
    await go("fleet", ".figure");
    await page.waitForTimeout(2_500);
    const fleet = await smoothness(5_000, "");
    check("the fleet stays smooth", fleet.median_ms < 120 && fleet.longest_task_ms < 1_000, fleet);
    await shot("crowd-fleet");
    await laidOut("crowd");
  },

  async capacity() {
    await go("capacity", ".figure .value");
    await page.waitForTimeout(500);
    check("charts are drawn", (await inked()).length === 2 && (await inked()).every((share) => share > 0.002), await inked());
    check("streams and pathways are told apart", (await page.locator("tbody th").allTextContents()).join() === "games,talk,events,cdn-a,cdn-b", await page.locator("tbody th").allTextContents());
    const value = () => page.textContent(".figure .value");
    const before = Number(await value());
    check("the peak is what was put in", before > 1 && before < 4, before);
    await shot("capacity-light");
    await accessible("capacity, light");
    await laidOut("capacity");
    // By keyboard: into the form, to the viewers, twice as many.
    for (let stop = 0; stop < 24; stop += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement?.closest("label")?.textContent.startsWith("Viewers"))) break;
    }
    await page.keyboard.type("2");
    await page.keyboard.press("Tab");
    await page.waitForFunction((least) => Number(document.querySelector(".figure .value")?.textContent) > least, before * 1.8, { timeout: 10_000 });
    check("twice the viewers are twice the egress", Math.abs(Number(await value()) / before - 2) < 0.02, await value());
    check("and no longer fit", (await page.textContent("main")).includes("full "));
    await page.keyboard.press("Tab");
    await page.keyboard.type("nobody");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".empty", { timeout: 10_000 });
    check("a question without an answer says why", (await page.textContent(".empty")).includes("nobody is neither a pathway"), await page.textContent(".empty"));
    await page.setViewportSize({ width: 390, height: 900 });
    await go("fleet", ".figure");
    await go("capacity", ".figure .value");
    await page.waitForTimeout(500);
    await shot("capacity-narrow");
    await laidOut("capacity, 390");
    await page.setViewportSize({ width: 1360, height: 900 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForTimeout(500);
    await shot("capacity-dark");
    await accessible("capacity, dark");
    await go("alerts", "tbody td");
    await page.waitForSelector("canvas", { timeout: 30_000 });
    await page.waitForTimeout(500);
    check("an alert is drawn with its threshold", (await inked())[0] > 0.002 && (await page.textContent("main")).includes("Threshold"), await inked());
    // A rule needs minutes before it looks ahead, so what a predicted breach looks like comes from here.
    const values = Array.from({ length: 60 }, (_, index) => 4.1 - 0.0004 * index * index);
    const ahead = Array.from({ length: 30 }, (_, index) => [0, 1, 2].map((which) => 2.7 - 0.03 * index + (which - 1) * 0.01 * (index + 4)));
    const predicted = {
      rule: "opinion", subject: "stream=main", severity: "page", stage: "predicted", since_s: 1_795_392_000, value: 2.7, threshold: 2.2,
      probability: 0.94, breach_in_s: 160, summary: "viewers would rate the stream badly", silenced: true,
      track: { step_s: 10, last_s: 1_795_392_100, values, ahead },
    };
    await page.route("**/v1/alerts", (route) => route.fulfill({ json: { total: 1, offset: 0, items: [predicted] } }));
    await page.waitForFunction(() => document.body.innerText.includes("in 2 min 40 s, 94 %"), null, { timeout: 10_000 });
    await page.waitForTimeout(500);
    check("a predicted breach is drawn on the forecast", (await inked())[0] > 0.01 && (await page.textContent("main")).includes("Expected"), await inked());
    check("a silenced alert says so", (await page.textContent("tbody")).includes("predicted, silenced"));
    await shot("alerts-dark");
    await accessible("alerts, dark");
    await laidOut("alerts");
    await page.setViewportSize({ width: 390, height: 900 });
    await page.waitForTimeout(400);
    await laidOut("alerts, 390");
    const cells = await page.locator("tbody td").evaluateAll((all) => all.map((cell) => [cell.textContent, cell.clientWidth >= cell.scrollWidth && cell.getBoundingClientRect().right <= innerWidth]));
    check("a telephone shows all of an alert", cells.length === 5 && cells.every(([, whole]) => whole), cells);
    await shot("alerts-narrow");
    await page.setViewportSize({ width: 1360, height: 900 });
  },

  async hostile() {
    await go("streams", "td a");
    await page.waitForFunction((name) => [...document.querySelectorAll("td a")].some((link) => link.textContent === name), options.name, { timeout: 10_000 });
    check("a hostile stream name is text", true);
    await shot("hostile-streams");
    await laidOut("hostile streams");
    await page.locator("td a", { hasText: options.name.slice(0, 20) }).first().click();
    await page.waitForSelector(".figure");
    check("and on its own page", (await page.textContent("h1")) === options.name, await page.textContent("h1"));
    await laidOut("hostile stream");
    await page.goto(`${options.url}/#/sessions/${encodeURIComponent(options.name)}`);
    await page.waitForSelector(".why p", { timeout: 10_000 });
    check("a hostile session name is text", (await page.textContent("h1")) === options.name, await page.textContent("h1"));
    await shot("hostile-session");
    await laidOut("hostile session");
    for (const odd of ["%", "%E0%A4%A", "../../v1/sessions", "id:zz", "javascript:alert(1)"]) {
      await page.goto(`${options.url}/#/sessions/${odd}`);
      await page.waitForTimeout(400);
    }
    await go("fleet", ".figure");
    await page.waitForFunction((name) => document.body.innerText.includes(name), options.name, { timeout: 10_000 });
    check("nothing hostile ran", (await page.evaluate(() => window.hacked)) === undefined);
    const blocked = await page.evaluate(() => {
      const element = document.createElement("div");
      try {
        element.innerHTML = "<img src=x onerror='window.hacked=1'>";
        return false;
      } catch {
        return true;
      }
    });
    check("the browser refuses text as markup", blocked);
    // That probe was ours, and the browser's complaint about it is the point.
    await page.evaluate(() => (window.violations.length = 0));
    for (let index = complaints.length; index--; ) if (complaints[index].includes("TrustedHTML")) complaints.splice(index, 1);
  },

  async frozen() {
    await go("fleet", ".figure");
    await live();
    const before = await page.textContent(".figure .value");
    process.kill(options.pid, "SIGSTOP");
    await page.waitForSelector(".banner", { timeout: 20_000 });
    check("a silent server is announced", (await page.textContent(".state")).startsWith("Reconnecting"), await page.textContent(".state"));
    check("the last numbers stay", (await page.textContent(".figure .value")) === before);
    await shot("frozen");
    await accessible("reconnecting");
    process.kill(options.pid, "SIGCONT");
    await live();
    check("and found again", (await page.locator(".banner").count()) === 0);
  },

  async locked() {
    await go("", "form.lock");
    await accessible("locked");
    await page.fill("#token", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector("form.lock .bad");
    check("a wrong token is refused", true);
    await shot("locked");
    await page.fill("#token", options.token);
    await page.keyboard.press("Enter");
    await live();
    await page.waitForSelector("main .card");
    check("the right one opens", true);
    check("the token is not in the address", !page.url().includes(options.token));
  },
};

try {
  await SCENARIOS[options.scenario]();
  const violations = await page.evaluate(() => window.violations);
  check("the content policy was never broken", violations.length === 0, violations);
  check("nothing came from elsewhere", hosts.size === 1 && hosts.has(new URL(options.url).host), [...hosts]);
} catch (error) {
  await shot("failed").catch(() => undefined);
  check("the scenario ends", false, String(error).slice(0, 600));
}
check("no error in the page", complaints.length === 0, complaints);
await browser.close();
process.exit(0);
