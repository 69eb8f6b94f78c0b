import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { steerHls } from "../dist/index.js";
import { FakeHls } from "./fake-hls.mjs";

const ADVICE = { url: "https://edge.example/v1/advice", sessionId: "one", contentId: "show", timeoutMs: 50 };

/** What was asked, and how it is answered. */
let asked;
let answer;

beforeEach(() => {
  asked = [];
  answer = async () => Response.json({ bitrate_kbps: 600, reason: "plan" });
  globalThis.fetch = (url, { signal }) => {
    asked.push(new URL(url));
    return Promise.race([
      answer(),
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    ]);
  };
});
afterEach(() => delete globalThis.fetch);

const settled = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

function steered(options = {}) {
  const hls = new FakeHls();
  const errors = [];
  const steering = steerHls(hls, { advice: ADVICE, onError: (error) => errors.push(error), ...options });
  return { hls, errors, steering };
}

describe("advice", () => {
  test("is asked for with what the segment showed, and is the level of the next segment only", async () => {
    const { hls, errors } = steered();
    hls.load(400);
    await settled();
    assert.equal(
      asked[0].searchParams.get("CMCD"),
      'bl=(6300),br=(500;av),cid="show",d=2000,e=rr,ltc=3500,mtp=(1000),ot=av,rc=200,sf=h,sid="one",sta=p,ttlb=400,url="7.m4s",v=2',
    );
    assert.equal(hls.loadLevel, 1, "600 kbit/s carry the level of 500");
    hls.load(0);
    assert.equal(hls.loadLevel, -1, "under way: hls.js may give it up by its own rule");
    assert.deepEqual(errors, []);
  });

  test("knows Headroom's own orders, so its cap from a header does not bind it", async () => {
    const { hls } = steered();
    hls.respond('"hr";mb=180');
    assert.equal(hls.autoLevelCapping, 0);
    hls.load(400);
    await settled();
    assert.equal(hls.loadLevel, 1);
  });

  test("never exceeds the page's cap and leaves a level set by hand alone", async () => {
    answer = async () => Response.json({ bitrate_kbps: 5000 });
    const { hls } = steered();
    hls.autoLevelCapping = 0;
    hls.load(400);
    await settled();
    assert.equal(hls.loadLevel, 0);
    hls.load(0);
    hls.loadLevel = 2;
    hls.load(400);
    await settled();
    assert.equal(hls.loadLevel, 2);
    assert.equal(asked.length, 1);
  });

  const FAILURES = [
    ["nobody answers in time", () => new Promise(() => {}), 0],
    ["the player knows better", async () => new Response(null, { status: 204 }), 0],
    ["Headroom is overloaded", async () => new Response("{}", { status: 503 }), 0],
    ["the answer is nonsense", async () => Response.json({ bitrate_kbps: "much" }), 0],
    ["the answer is no JSON", async () => new Response("<html>"), 1],
    ["Headroom is gone", async () => Promise.reject(new TypeError("fetch failed")), 1],
  ];
  for (const [name, failing, told] of FAILURES) {
    test(`the player chooses when ${name}`, async () => {
      answer = failing;
      const { hls, errors } = steered();
      hls.load(400);
      await settled(80);
      assert.equal(hls.loadLevel, -1);
      assert.equal(errors.length, told);
    });
  }

  test("a late answer leaves the segment under way alone and counts for the next, until a newer one", async () => {
    let say;
    answer = () => new Promise((resolve) => (say = resolve));
    const { hls } = steered();
    hls.load(400);
    hls.load(0);
    say(Response.json({ bitrate_kbps: 600 }));
    await settled();
    assert.equal(hls.loadLevel, -1);
    hls.load(400);
    assert.equal(hls.loadLevel, 1, "hls.js would have chosen for one segment");
    say(new Response(null, { status: 204 }));
    await settled();
    assert.equal(hls.loadLevel, -1, "the player knows better");
  });

  test("a level whose playlist lacks the next segment is left for one that has it", async () => {
    const { hls } = steered();
    answer = async () => Response.json({ bitrate_kbps: 5000 });
    hls.load(400);
    await settled();
    assert.equal(hls.loadLevel, 2);
    const updated = (level, endSN) => {
      hls.levels[level].details = { endSN, live: true };
      hls.emit("hlsLevelUpdated", "hlsLevelUpdated", { level, details: hls.levels[level].details });
    };
    updated(2, 7);
    assert.equal(hls.loadLevel, 2, "nobody has segment 8 yet");
    updated(1, 8);
    updated(2, 7);
    assert.equal(hls.loadLevel, 1);
  });

  test("sound and initialisation are not asked about, and nothing is after stop", async () => {
    const { hls, steering } = steered();
    hls.load(400, 50_000, "audio");
    hls.load(400, 0);
    await settled();
    assert.equal(asked.length, 0);
    hls.load(400);
    await settled();
    steering.stop();
    assert.equal(hls.loadLevel, -1);
    hls.load(400);
    await settled();
    assert.equal(asked.length, 1);
  });
});
