import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { steerHls } from "../dist/index.js";
import { FakeEventSource, FakeHls } from "./fake-hls.mjs";

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.EventSource = FakeEventSource;
});
afterEach(() => {
  mock.timers.reset();
  delete globalThis.EventSource;
});

describe("bitrate cap", () => {
  const CAPS = [
    // kbit/s, level; the fake ladder is 180, 500, 1200
    [1200, 2],
    [1199, 1],
    [500, 1],
    [200, 0],
    [10, 0],
  ];
  for (const [kbps, level] of CAPS) {
    test(`${kbps} kbit/s allows level ${level}`, () => {
      const hls = new FakeHls();
      steerHls(hls);
      hls.respond(`"hr";mb=${kbps}`);
      assert.equal(hls.autoLevelCapping, level);
    });
  }

  test("is lifted by a header without a cap, kept by a response without a header", () => {
    const hls = new FakeHls();
    steerHls(hls);
    hls.respond('"hr";mb=500');
    hls.respond(undefined);
    assert.equal(hls.autoLevelCapping, 1);
    hls.respond('"hr";etp=900');
    assert.equal(hls.autoLevelCapping, -1);
  });

  test("is forgotten when nothing arrives any more", () => {
    const hls = new FakeHls();
    steerHls(hls, { forgetAfterSeconds: 5 });
    hls.respond('"hr";mb=500');
    mock.timers.tick(4_000);
    hls.respond('"hr";mb=500');
    mock.timers.tick(4_999);
    assert.equal(hls.autoLevelCapping, 1);
    mock.timers.tick(1);
    assert.equal(hls.autoLevelCapping, -1);
  });

  test("never raises the page's own cap, and gives it back", () => {
    const hls = new FakeHls();
    hls.autoLevelCapping = 1;
    const steering = steerHls(hls);
    hls.respond('"hr";mb=5000');
    assert.equal(hls.autoLevelCapping, 1);
    hls.respond('"hr";mb=200');
    assert.equal(hls.autoLevelCapping, 0);
    steering.stop();
    assert.equal(hls.autoLevelCapping, 1);
  });

  test("holds for levels that become known later", () => {
    const hls = new FakeHls();
    const { levels } = hls;
    hls.levels = [];
    steerHls(hls);
    hls.respond('"hr";mb=500');
    assert.equal(hls.autoLevelCapping, -1);
    hls.levels = levels;
    hls.emit("hlsManifestParsed", "hlsManifestParsed", {});
    assert.equal(hls.autoLevelCapping, 1);
  });

  test("is read from fetch responses too", () => {
    const hls = new FakeHls();
    steerHls(hls);
    hls.emit("hlsFragLoaded", "", { networkDetails: new Response("", { headers: { "CMSD-Dynamic": '"hr";mb=200' } }) });
    assert.equal(hls.autoLevelCapping, 0);
  });
});

describe("throughput estimate", () => {
  const CASES = [
    // what follows a cap of 200 kbit/s, estimate before, estimate after
    ['"hr";mb=1200;etp=3000', 400_000, 3_000_000],
    ['"hr";etp=3000', 400_000, 3_000_000],
    ['"hr";mb=1200;etp=450', 400_000, 400_000],
    ['"hr";mb=1200;etp=300', 400_000, 400_000],
    ['"hr";mb=180;etp=3000', 400_000, 400_000],
  ];
  for (const [header, before, after] of CASES) {
    test(`${header} turns ${before} into ${after}`, () => {
      const hls = new FakeHls();
      hls.bandwidthEstimate = before;
      steerHls(hls);
      hls.respond('"hr";mb=200');
      hls.respond(header);
      assert.equal(hls.bandwidthEstimate, after);
    });
  }
});

describe("event stream", () => {
  test("sets latency and rate; headers do not undo them; stop gives the page's values back", () => {
    const hls = new FakeHls();
    const steering = steerHls(hls, { decisionsUrl: "http://edge/v1/decisions/s/events" });
    assert.equal(FakeEventSource.last.url, "http://edge/v1/decisions/s/events");
    FakeEventSource.last.send({ max_bitrate_kbps: 500, target_latency_ms: 2500, playback_rate: 1.1 });
    assert.deepEqual([hls.autoLevelCapping, hls.targetLatency, hls.config.maxLiveSyncPlaybackRate], [1, 2.5, 1.1]);
    hls.respond('"hr";mb=200');
    assert.deepEqual([hls.autoLevelCapping, hls.targetLatency, hls.config.maxLiveSyncPlaybackRate], [0, 2.5, 1.1]);
    steering.stop();
    assert.deepEqual([hls.autoLevelCapping, hls.targetLatency, hls.config.maxLiveSyncPlaybackRate], [-1, 4, 1]);
    assert.equal(FakeEventSource.last.closed, true);
    assert.equal(hls.eventNames().length, 0);
  });

  test("slows down by the media element, and leaves a rate the viewer chose alone", () => {
    const hls = new FakeHls();
    steerHls(hls, { decisionsUrl: "x" });
    FakeEventSource.last.send({ playback_rate: 0.95 });
    assert.equal(hls.media.playbackRate, 0.95);
    FakeEventSource.last.send({});
    assert.equal(hls.media.playbackRate, 1);
    hls.media.playbackRate = 1.5;
    FakeEventSource.last.send({ playback_rate: 0.95 });
    assert.equal(hls.media.playbackRate, 1.5);
  });
});

describe("failures stay inside", () => {
  test("a player that throws reaches onError only", () => {
    const hls = new FakeHls();
    Object.defineProperty(hls, "autoLevelCapping", {
      get: () => -1,
      set: () => {
        throw new Error("no");
      },
    });
    const errors = [];
    steerHls(hls, { onError: (error) => errors.push(error.message) });
    hls.respond('"hr";mb=200');
    assert.deepEqual(errors, ["no"]);
  });

  test("so does an EventSource that throws, and an error handler that throws", () => {
    globalThis.EventSource = class {
      constructor() {
        throw new Error("no events");
      }
    };
    const hls = new FakeHls();
    steerHls(hls, {
      decisionsUrl: "x",
      onError: () => {
        throw new Error("handler");
      },
    });
    hls.respond('"hr";mb=200');
    assert.equal(hls.autoLevelCapping, 0);
  });

  test("strange responses are no decision", () => {
    const hls = new FakeHls();
    const errors = [];
    steerHls(hls, { onError: (error) => errors.push(error) });
    for (const networkDetails of [undefined, null, 7, {}, { getAllResponseHeaders: () => null }]) {
      hls.emit("hlsFragLoaded", "", { networkDetails });
    }
    assert.equal(hls.autoLevelCapping, -1);
    assert.deepEqual(errors, []);
  });
});
