import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { cmcdForHls, configureDash, configureShaka, steerHls } from "../dist/index.js";
import { FakeEventSource, FakeHls } from "./fake-hls.mjs";

const EVENTS_URL = "https://edge.example/v1/cmcd";
const DECISIONS_URL = "https://edge.example/v1/decisions/one/events";
const NOW = 1_800_000_000_000;

/** A token that ends so many seconds from the beginning of the test. */
const tokenFor = (seconds, name = "x") => `hr1.k1.${NOW / 1000 + seconds}.b25l..${name}`;
const tokenOf = (url) => new URL(url).searchParams.get("headroom_token");

/** Addresses asked, and the status they are answered with. */
let asked;
let status;
const { fetch } = globalThis;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOW });
  asked = [];
  status = 204;
  globalThis.EventSource = FakeEventSource;
  globalThis.fetch = async (url) => {
    asked.push(url);
    return { status };
  };
});
afterEach(() => {
  mock.timers.reset();
  delete globalThis.EventSource;
  globalThis.fetch = fetch;
});

/** Lets what waits for an answer go on. */
const settled = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

/** A source that gives these one after the other, and the last again and again. */
function source(...tokens) {
  const give = async () => {
    give.asked++;
    return tokens.length > 1 ? tokens.shift() : tokens[0];
  };
  give.asked = 0;
  return give;
}

describe("reports", () => {
  const report = (token) => cmcdForHls({ sessionId: "one", contentId: "show", eventsUrl: EVENTS_URL, token }).loader;

  test("carry a token that is a text, and none where none is given", async () => {
    await report("a b&c")({ url: EVENTS_URL, body: "e=t" });
    await report(undefined)({ url: EVENTS_URL, body: "e=t" });
    assert.deepEqual(asked, [`${EVENTS_URL}?headroom_token=a%20b%26c`, EVENTS_URL]);
  });

  test("ask for a token once, and again before it ends", async () => {
    const [first, second] = [tokenFor(100, "first"), tokenFor(200, "second")];
    const token = source(first, second);
    const loader = report(token);
    await Promise.all([loader({ url: EVENTS_URL }), loader({ url: EVENTS_URL })]);
    mock.timers.tick(69_000);
    await loader({ url: EVENTS_URL });
    assert.deepEqual([asked.map(tokenOf), token.asked], [[first, first, first], 1]);
    mock.timers.tick(2_000);
    await loader({ url: EVENTS_URL });
    assert.deepEqual([tokenOf(asked[3]), token.asked], [second, 2]);
  });

  test("ask for another when one is refused, but not all the time", async () => {
    const token = source(tokenFor(3600, "taken back"), tokenFor(3600, "good"));
    const loader = report(token);
    status = 401;
    for (let again = 0; again < 5; again++) assert.deepEqual(await loader({ url: EVENTS_URL }), { status: 204 });
    assert.equal(token.asked, 1);
    mock.timers.tick(2_000);
    status = 204;
    await loader({ url: EVENTS_URL });
    assert.equal(tokenOf(asked.at(-1)), tokenFor(3600, "good"));
  });

  test("go without a token when the source fails", async () => {
    const loader = report(async () => {
      throw new Error("no backend");
    });
    assert.deepEqual(await loader({ url: EVENTS_URL }), { status: 204 });
    assert.deepEqual(asked, [EVENTS_URL]);
  });
});

describe("steering", () => {
  test("opens the stream of decisions with a token, and with the next when it ends", async () => {
    const [first, second] = [tokenFor(60, "first"), tokenFor(120, "second")];
    const steering = steerHls(new FakeHls(), { decisionsUrl: DECISIONS_URL, token: source(first, second) });
    await settled();
    const stream = FakeEventSource.last;
    assert.equal(tokenOf(stream.url), first);
    mock.timers.tick(60_000);
    stream.onerror();
    assert.ok(stream.closed);
    mock.timers.tick(2_000);
    await settled();
    assert.equal(tokenOf(FakeEventSource.last.url), second);
    FakeEventSource.last.onerror();
    steering.stop();
    const last = FakeEventSource.last;
    mock.timers.tick(10_000);
    await settled();
    assert.equal(FakeEventSource.last, last, "nothing is opened once it is stopped");
  });

  test("a source that fails reaches onError only", async () => {
    const errors = [];
    const options = { decisionsUrl: DECISIONS_URL, token: async () => Promise.reject(new Error("no backend")) };
    const steering = steerHls(new FakeHls(), { ...options, onError: (error) => errors.push(error.message) });
    await settled();
    assert.deepEqual(errors, ["no backend"]);
    assert.equal(FakeEventSource.last.url, DECISIONS_URL);
    steering.stop();
  });

  test("questions for advice carry it", async () => {
    const advice = { url: "https://edge.example/v1/advice", sessionId: "one", contentId: "show" };
    const hls = new FakeHls();
    const steering = steerHls(hls, { advice, token: source(tokenFor(600)) });
    hls.load(400);
    await settled();
    assert.equal(tokenOf(asked[0]), tokenFor(600));
    assert.ok(new URL(asked[0]).searchParams.get("CMCD").includes('sid="one"'));
    steering.stop();
  });
});

test("dash.js: reports are signed, media requests are not", async () => {
  const dash = {};
  configureDash(
    {
      updateSettings: () => {},
      addRequestInterceptor: (interceptor) => (dash.request = interceptor),
      addResponseInterceptor: (interceptor) => (dash.response = interceptor),
    },
    { sessionId: "one", contentId: "show", eventsUrl: EVENTS_URL, token: source(tokenFor(600)) },
  );
  const { url } = await dash.request({ url: EVENTS_URL });
  assert.equal(tokenOf(url), tokenFor(600));
  assert.equal((await dash.response({ request: { url }, status: 503 })).status, 204, "and never sent twice");
  assert.deepEqual(await dash.request({ url: "https://edge.example/seg.m4s" }), { url: "https://edge.example/seg.m4s" });
});

test("Shaka: the address of reports carries the text", () => {
  let seen;
  const reporting = { sessionId: "one", contentId: "show", eventsUrl: EVENTS_URL, token: "text" };
  configureShaka({ configure: (config) => ((seen = config), true) }, reporting);
  assert.equal(seen.cmcd.eventTargets[0].url, `${EVENTS_URL}?headroom_token=text`);
});
