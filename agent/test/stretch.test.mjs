import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { steerHls } from "../dist/index.js";
import { bufferOf, Stretch, stretchedRate } from "../dist/stretch.js";
import { FakeHls } from "./fake-hls.mjs";

beforeEach(() => mock.timers.enable({ apis: ["setInterval"] }));
afterEach(() => mock.timers.reset());

/** Written by `cargo test -p headroom-core --test it client_rules`. */
test("the engine's vectors", () => {
  const lines = readFileSync(new URL("vectors/stretch.jsonl", import.meta.url), "utf8").trimEnd().split("\n");
  for (const line of lines) {
    const { bufferS, targetS, rate } = JSON.parse(line);
    assert.ok(Math.abs(stretchedRate(bufferS, targetS) - rate) < 1e-9, line);
  }
  assert.equal(lines.length, 60);
  assert.equal(stretchedRate(1, NaN), 1, "no live edge");
});

/** A media element that holds `bufferS`. */
class Media {
  playbackRate = 1;
  preservesPitch = true;
  paused = false;
  seeking = false;
  ended = false;
  currentTime = 10;
  bufferS = 6;
  buffered = { length: 1, start: () => 0, end: () => this.currentTime + this.bufferS };
}

function stretched(target = 6, segment = 2, full = true) {
  const media = new Media();
  const errors = [];
  const held = [];
  const player = { media: () => media, targetLatencyS: () => target, segmentS: () => segment, hold: (on) => held.push(on) };
  const stretch = new Stretch(player, (error) => errors.push(error));
  stretch.start();
  const after = (bufferS) => {
    media.bufferS = bufferS;
    mock.timers.tick(250);
    return media.playbackRate;
  };
  if (full) after(target);
  return { media, stretch, after, errors, held };
}

describe("stretching", () => {
  test("follows the buffer down and up, in whole hundredths and never above the rule", () => {
    const { after, errors, held } = stretched();
    assert.deepEqual([6, 4, 3.9, 3, 1, 3, 5].map(after), [1, 1, 0.99, 0.96, 0.92, 0.96, 1]);
    assert.deepEqual([errors, held], [[], [true, false]]);
  });

  test("waits for the player to start: until the buffer was full once, or ran empty", () => {
    const { after } = stretched(6, 2, false);
    assert.deepEqual([1, 2, 5, 2].map(after), [1, 1, 1, 0.92]);
    const { after: stalled } = stretched(6, 2, false);
    assert.deepEqual([1, 2, 0, 2].map(stalled), [1, 1, 0.92, 0.92]);
  });

  test("takes the wait for the next segment for what it is", () => {
    const { after } = stretched(4.5);
    assert.deepEqual([3, 2.5, 1.25].map(after), [1, 1, 0.92], "4.5 s less a segment are held at least");
  });

  test("keeps the pitch, and gives the page its own way back", () => {
    const { media, after } = stretched();
    media.preservesPitch = false;
    after(1);
    assert.equal(media.preservesPitch, true);
    after(6);
    assert.equal(media.preservesPitch, false);
  });

  for (const idle of ["paused", "seeking", "ended"]) {
    test(`never while ${idle}`, () => {
      const { media, after } = stretched();
      assert.equal(after(1), 0.92);
      media[idle] = true;
      assert.equal(after(1), 1);
      media[idle] = false;
      assert.equal(after(1), 0.92);
    });
  }

  test("leaves a rate alone that somebody else has chosen, and the 0 of a player that waits", () => {
    const { media, after } = stretched();
    for (const rate of [1.5, 0.5, 1.03]) {
      media.playbackRate = rate;
      assert.equal(after(1), rate);
    }
    media.playbackRate = 1;
    after(6);
    assert.equal(after(1), 0.92);
    media.playbackRate = 0;
    assert.equal(after(0), 0);
    media.playbackRate = 0.92;
    assert.equal(after(1), 0.92);
    assert.equal(after(6), 1);
  });

  test("who takes the rate back keeps it until the buffer has recovered", () => {
    const { media, after } = stretched();
    after(1);
    media.playbackRate = 1;
    assert.deepEqual([1, 1, 6, 1].map(after), [1, 1, 1, 0.92]);
  });

  test("does nothing without a live edge, and gives back what it took", () => {
    const { after } = stretched(NaN);
    assert.equal(after(0.1), 1);
    const { media, stretch, after: live } = stretched();
    live(1);
    stretch.stop();
    assert.equal(media.playbackRate, 1);
    assert.equal(live(1), 1);
  });
});

test("hls.js catches up again when the buffer has recovered", () => {
  const hls = new FakeHls();
  hls.media = new Media();
  hls.targetLatency = 6;
  hls.config.maxLiveSyncPlaybackRate = 1.1;
  hls.media.playbackRate = 1.05; // hls.js is catching up
  const steering = steerHls(hls);
  mock.timers.tick(250);
  hls.media.bufferS = 3;
  mock.timers.tick(250);
  assert.deepEqual([hls.media.playbackRate, hls.config.maxLiveSyncPlaybackRate], [0.96, 1]);
  hls.media.bufferS = 5;
  mock.timers.tick(250);
  assert.deepEqual([hls.media.playbackRate, hls.config.maxLiveSyncPlaybackRate], [1, 1.1]);
  steering.stop();
  const left = new FakeHls();
  left.media = Object.assign(new Media(), { bufferS: 1 });
  steerHls(left, { stretch: false });
  mock.timers.tick(250);
  assert.equal(left.media.playbackRate, 1);
});

test("the buffer ends at the first gap", () => {
  const ranges = [[0, 5], [8, 14], [14.5, 20]];
  const buffered = { length: 3, start: (index) => ranges[index][0], end: (index) => ranges[index][1] };
  for (const [currentTime, expected] of [[8, 6], [7.95, 6.05], [6, 0], [20, 0]]) {
    assert.ok(Math.abs(bufferOf({ currentTime, buffered }) - expected) < 1e-9, String(currentTime));
  }
  assert.equal(bufferOf(null), undefined);
});
