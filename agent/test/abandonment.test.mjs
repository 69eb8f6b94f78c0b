import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { configureDash, configureShaka } from "../dist/index.js";
import { lowerRung } from "../dist/abandonment.js";

/** Written by `cargo test -p headroom-core --test it client_rules`: what the engine itself would give up. */
test("the engine's vectors", () => {
  const lines = readFileSync(new URL("vectors/abandonment.jsonl", import.meta.url), "utf8").trimEnd().split("\n");
  assert.ok(lines.length > 500);
  for (const line of lines) {
    const { transfer, lower } = JSON.parse(line);
    assert.equal(lowerRung(transfer) ?? null, lower, line);
  }
});

const REPORTING = { sessionId: "one", contentId: "show", stretch: false };
const ADVICE = { url: "https://edge.example/v1/advice" };
const RUNGS = [500, 4000];

/** The CMCD of every question; nobody answers. */
const asked = [];
beforeEach(() => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"], now: 1_000_000 });
  asked.length = 0;
  globalThis.fetch = (url) => {
    asked.push(new URL(url).searchParams.get("CMCD"));
    return new Promise(() => {});
  };
});
afterEach(() => {
  mock.timers.reset();
  delete globalThis.fetch;
});

class FakeDash extends EventEmitter {
  rules = {};
  bufferS = 1;
  given = [];
  updateSettings = () => {};
  addABRCustomRule = (type, _, rule) => (this.rules[type] = rule({}).create());
  getBufferLength = () => this.bufferS;
  getCurrentLiveLatency = () => NaN;
  getCurrentRepresentationForType = () => null;
  getRepresentationsByType = () => RUNGS.map((bitrateInKbit) => ({ bitrateInKbit }));
  isPaused = () => false;
  trigger = (_, { request }) => {
    const { representation } = this.rules.abandonFragmentRules.shouldAbandon({
      getMediaInfo: () => ({}),
      getCurrentRequest: () => request,
      getAbrController: () => ({ getOptimalRepresentationForBitrate: (_, kbps) => kbps }),
    });
    if (representation !== null) this.given.push(representation);
  };
  begin(fields) {
    const request = { mediaType: "video", type: "MediaSegment", index: 7, duration: 2, representation: { bitrateInKbit: 4000 }, ...fields };
    this.emit("fragmentLoadingStarted", { request, streamId: "0" });
    return request;
  }
}

function dash() {
  const player = new FakeDash();
  const errors = [];
  configureDash(player, { ...REPORTING, advice: ADVICE, onError: (error) => errors.push(error) });
  return { player, errors };
}

describe("dash.js", () => {
  test("a transfer in an outage is given up although nothing arrives, twice a segment at most", () => {
    const { player, errors } = dash();
    player.begin();
    mock.timers.tick(1100);
    assert.deepEqual(player.given, []);
    mock.timers.tick(200);
    assert.deepEqual(player.given, [500]);
    player.begin();
    mock.timers.tick(1300);
    player.begin();
    mock.timers.tick(5000);
    assert.deepEqual([player.given, errors], [[500, 500], []]);
    player.begin({ index: 8 });
    mock.timers.tick(1300);
    assert.equal(player.given.length, 3);
  });

  test("one that makes it, one at the lowest rung, sound, and one that is sent while it is encoded are not", () => {
    const { player } = dash();
    for (const fields of [
      { bytesLoaded: 900_000, bytesTotal: 1_000_000 },
      { representation: { bitrateInKbit: 500 } },
      { mediaType: "audio" },
      { availabilityTimeComplete: false },
    ]) {
      player.begin(fields);
      mock.timers.tick(3000);
    }
    assert.deepEqual(player.given, []);
  });

  test("a long transfer is asked about just before its end, once", () => {
    const { player } = dash();
    player.bufferS = 5;
    const request = player.begin({ bytesTotal: 1_000_000, url: "http://edge/7.m4s" });
    mock.timers.tick(400);
    request.bytesLoaded = 300_000;
    request.firstByteDate = new Date(1_000_100);
    mock.timers.tick(600);
    assert.equal(asked.length, 0, "2 s are left");
    request.bytesLoaded = 900_000;
    mock.timers.tick(100);
    assert.equal(asked.length, 1);
    assert.match(asked[0], /bl=\(6900\).*mtp=\(6545\).*ttlb=1100/);
    mock.timers.tick(100);
    Object.assign(request, { bytesLoaded: 1_000_000, startDate: new Date(1_000_000), endDate: new Date(1_001_200) });
    player.emit("fragmentLoadingCompleted", { request });
    assert.equal(asked.length, 1);
    player.begin({ index: 8 });
    player.emit("fragmentLoadingCompleted", { request });
    assert.equal(asked.length, 2, "a short one is asked about when it is there");
  });

  test("what is given up is really ended: with CMCD on dash.js has only the request before it was copied", async () => {
    const interceptors = [];
    const player = new FakeDash();
    player.addRequestInterceptor = (interceptor) => interceptors.push(interceptor);
    configureDash(player, { ...REPORTING });
    const ended = [];
    for (const mediaType of ["video", "audio"]) {
      const copy = { url: "x", customData: { request: { mediaType }, abort: () => ended.push(mediaType) } };
      for (const interceptor of interceptors) assert.equal(await interceptor(copy), copy);
    }
    player.emit("qualityChangeRequested", { mediaType: "video", reason: { rule: "some other" } });
    player.emit("qualityChangeRequested", { mediaType: "video", reason: null });
    assert.deepEqual(ended, []);
    player.emit("qualityChangeRequested", { mediaType: "video", reason: { forceAbandon: true } });
    assert.deepEqual(ended, ["video"]);
  });
});

const STREAMS = RUNGS.map((kbps) => ({ type: "video", bandwidth: kbps * 1000 }));
const VARIANTS = STREAMS.map((video) => ({ bandwidth: video.bandwidth + 64_000, video, audio: null }));

function shaka(lowLatency = false) {
  const filters = [];
  const listeners = [];
  const switched = [];
  const inner = {
    init: (onSwitch) => (inner.suggest = () => onSwitch(VARIANTS[1])),
    chooseVariant: () => VARIANTS[1],
    segmentDownloaded: () => {},
    setVariants: () => true,
    setMediaElement: () => {},
    enable: () => {},
  };
  const player = {
    configure: (config) => ((player.config = config), true),
    addEventListener: (_, listener) => listeners.push(listener),
    getNetworkingEngine: () => ({
      registerRequestFilter: (filter) => filters.push(filter),
      registerResponseFilter: (filter) => (player.arrive = () => filter(1, { data: { byteLength: 1 }, timeMs: 1 }, player.context)),
    }),
  };
  const errors = [];
  configureShaka(player, { ...REPORTING, advice: { ...ADVICE, abrManager: () => inner }, onError: (error) => errors.push(error) });
  const abr = player.config.abrFactory();
  abr.init((variant) => switched.push(variant));
  abr.setVariants(VARIANTS, lowLatency);
  abr.setMediaElement({ currentTime: 9, paused: false, buffered: { length: 1, start: () => 0, end: () => 10 } });
  abr.enable();
  abr.chooseVariant();
  const begin = (rung, startTime = 10) => {
    const request = {};
    player.context = { stream: STREAMS[rung], segment: { startTime, endTime: startTime + 2 } };
    filters.forEach((filter) => filter(1, request, player.context));
    return {
      head: (length) => listeners.forEach((listener) => listener({ request, headers: { "content-length": String(length) } })),
      progress: (bytes) => abr.segmentDownloaded(100, bytes, true, request, player.context),
    };
  };
  return { abr, begin, inner, switched, player, errors };
}

describe("Shaka", () => {
  test("a transfer in an outage is given up, and nothing overrules that before the lower rung is there", () => {
    const { abr, begin, inner, switched, player, errors } = shaka();
    const transfer = begin(1);
    mock.timers.tick(100);
    transfer.head(1_000_000);
    transfer.progress(50_000);
    mock.timers.tick(1100);
    assert.deepEqual(switched, [VARIANTS[0]]);
    begin(0);
    inner.suggest();
    assert.deepEqual([switched.length, abr.chooseVariant()], [1, VARIANTS[0]]);
    player.arrive();
    inner.suggest();
    assert.deepEqual([switched.at(-1), errors], [VARIANTS[1], []]);
  });

  test("one that makes it, and any of a stream that is sent while it is encoded, is not", () => {
    const { begin, switched } = shaka();
    const transfer = begin(1);
    mock.timers.tick(100);
    transfer.head(1_000_000);
    transfer.progress(900_000);
    mock.timers.tick(1200);
    assert.deepEqual(switched, []);
    const live = shaka(true);
    live.begin(1);
    mock.timers.tick(3000);
    assert.deepEqual(live.switched, []);
  });
});
