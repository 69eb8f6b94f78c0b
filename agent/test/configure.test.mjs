import assert from "node:assert/strict";
import { test } from "node:test";
import { cmcdForHls, configureDash, configureShaka } from "../dist/index.js";

const REPORTING = { sessionId: "s-1", contentId: "live", eventsUrl: "http://edge/v1/cmcd", intervalSeconds: 3 };

test("hls.js: CMCD v2 with an event target", () => {
  const { eventTargets, ...cmcd } = cmcdForHls(REPORTING);
  assert.deepEqual(cmcd, { sessionId: "s-1", contentId: "live", version: 2 });
  assert.deepEqual(eventTargets.map(({ url, interval }) => [url, interval]), [["http://edge/v1/cmcd", 3]]);
  assert.equal("eventTargets" in cmcdForHls({ sessionId: "s", contentId: "c" }), false);
});

test("dash.js: CMCD v2, keys listed for events, CMSD cap on", () => {
  let streaming;
  configureDash({ updateSettings: (settings) => ({ streaming } = settings) }, REPORTING);
  assert.deepEqual([streaming.cmcd.version, streaming.cmcd.sid, streaming.cmcd.cid], [2, "s-1", "live"]);
  assert.ok(streaming.cmcd.eventTargets[0].enabledKeys.includes("sid"));
  assert.equal(streaming.cmsd.abr.applyMb, true);
});

test("Shaka: CMCD v2, CMSD cap on, the player's verdict handed back", () => {
  let seen;
  assert.equal(configureShaka({ configure: (config) => ((seen = config), true) }, REPORTING), true);
  assert.deepEqual([seen.cmcd.version, seen.cmcd.sessionId, seen.cmcd.eventTargets.length], [2, "s-1", 1]);
  assert.equal(seen.cmsd.applyMaximumSuggestedBitrate, true);
  assert.equal(seen.abr.switchInterval, 3);
  assert.equal(configureShaka({ configure: () => false }, REPORTING), false);
});
