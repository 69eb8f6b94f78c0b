import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { cmcdForHls, configureDash, configureShaka } from "../dist/index.js";

const REPORTING = { sessionId: "s-1", contentId: "live", eventsUrl: "http://edge/v1/cmcd", intervalSeconds: 3 };
/** Status of an event report (0: not delivered) and what the player is told; 429 and 5xx would make it send again. */
const STATUSES = [
  [204, 204],
  [0, 204],
  [404, 204],
  [429, 204],
  [503, 204],
  [410, 410],
];

const { fetch } = globalThis;
afterEach(() => (globalThis.fetch = fetch));

test("hls.js: CMCD v2 with an event target", () => {
  const { eventTargets, loader, ...cmcd } = cmcdForHls(REPORTING);
  assert.deepEqual(cmcd, { sessionId: "s-1", contentId: "live", version: 2 });
  assert.deepEqual(eventTargets.map(({ url, interval }) => [url, interval]), [["http://edge/v1/cmcd", 3]]);
  assert.equal("eventTargets" in cmcdForHls({ sessionId: "s", contentId: "c" }), false);
});

test("hls.js: a report is sent once, delivered or not", async () => {
  const { loader } = cmcdForHls(REPORTING);
  for (const [status, told] of STATUSES) {
    const sent = [];
    globalThis.fetch = async (url, { method, body }) => {
      sent.push([url, method, body]);
      if (status === 0) throw new TypeError("network");
      return { status };
    };
    assert.deepEqual(await loader({ url: "http://edge/v1/cmcd", body: "e=t" }), { status: told });
    assert.deepEqual(sent, [["http://edge/v1/cmcd", "POST", "e=t"]]);
  }
});

function configuredDash(reporting) {
  const dash = {};
  configureDash(
    {
      updateSettings: ({ streaming }) => (dash.streaming = streaming),
      addResponseInterceptor: (interceptor) => (dash.intercept = interceptor),
    },
    reporting,
  );
  return dash;
}

test("dash.js: CMCD v2, keys listed for events, CMSD cap on", () => {
  const { streaming } = configuredDash(REPORTING);
  assert.deepEqual([streaming.cmcd.version, streaming.cmcd.sid, streaming.cmcd.cid], [2, "s-1", "live"]);
  assert.ok(streaming.cmcd.eventTargets[0].enabledKeys.includes("sid"));
  assert.equal(streaming.cmsd.abr.applyMb, true);
  const { intercept, streaming: requestsOnly } = configuredDash({ sessionId: "s", contentId: "c" });
  assert.deepEqual([requestsOnly.cmcd.eventTargets, intercept], [[], undefined]);
});

test("dash.js: a report is sent once, media requests are untouched", async () => {
  const { intercept } = configuredDash(REPORTING);
  for (const [status, told] of STATUSES) {
    assert.equal((await intercept({ request: { url: "http://edge/v1/cmcd" }, status })).status, told);
    assert.equal((await intercept({ request: { url: "http://edge/seg.m4s" }, status })).status, status);
  }
});

test("Shaka: CMCD v2, CMSD cap on, the player's verdict handed back", () => {
  let seen;
  assert.equal(configureShaka({ configure: (config) => ((seen = config), true) }, REPORTING), true);
  assert.deepEqual([seen.cmcd.version, seen.cmcd.sessionId, seen.cmcd.eventTargets.length], [2, "s-1", 1]);
  assert.equal(seen.cmsd.applyMaximumSuggestedBitrate, true);
  assert.equal(seen.abr.switchInterval, 3);
  assert.equal(configureShaka({ configure: () => false }, REPORTING), false);
});
