import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { configureDash } from "../dist/index.js";
import { Engine } from "../dist/local.js";
import { replayed, sourceHash } from "../wasm/build.mjs";

const read = (name) => readFileSync(new URL(name, import.meta.url));
const MODULE = read("../wasm/headroom.wasm");

test("the module is what its source builds, and no larger than promised", () => {
  const built = read("../wasm/headroom.wasm.source").toString().trim();
  assert.equal(built, sourceHash(), "the engine has changed: run `node wasm/build.mjs`");
  const bytes = gzipSync(MODULE, { level: 9 }).length;
  assert.ok(bytes <= 150_000, `${bytes} bytes compressed`);
});

/** A minute of dash.js behind `headroom serve --log-inputs --log-decisions`. */
test("the module decides byte for byte as the server did", async () => {
  const engine = await Engine.load(MODULE);
  const decisions = replayed(engine, read("replay/inputs.jsonl").toString());
  assert.equal(decisions, read("replay/decisions.jsonl").toString());
  assert.ok(decisions.split("\n").length > 5, "a log that decides something");
});

test("a question that cannot be read is answered so", async () => {
  const engine = await Engine.load(MODULE);
  assert.match(engine.ask("{"), /^\{"error":"EOF/);
  assert.match(engine.ask('{"input":{"tick":{}}}'), /^\{"error":"missing field/);
});

/** What the agent uses of dash.js. */
class FakeDash extends EventEmitter {
  rungs = [400, 800, 2000, 5000];
  rules = {};
  updateSettings = () => {};
  addABRCustomRule = (type, _, rule) => (this.rules[type] = rule({}).create());
  getBufferLength = () => 4;
  getCurrentLiveLatency = () => 6;
  getCurrentRepresentationForType = (type) => ({ bitrateInKbit: type === "audio" ? 64 : 800 });
  getRepresentationsByType = () => this.rungs.map((bitrateInKbit) => ({ bitrateInKbit }));
  getTargetLiveDelay = () => 6;
  isPaused = () => false;

  /** A segment that came at `mbps`. */
  arrive(mbps) {
    const [startDate, endDate] = [new Date(1000), new Date(1400)];
    const request = { mediaType: "video", type: "MediaSegment", url: "7.m4s", duration: 2, bytesLoaded: mbps * 50_000, startDate, endDate };
    this.emit("fragmentLoadingCompleted", { request });
  }

  choice() {
    return this.rules.qualitySwitchRules.getSwitchRequest({
      getMediaType: () => "video",
      getMediaInfo: () => ({}),
      getAbrController: () => ({ getOptimalRepresentationForBitrate: (_, kbps) => this.rungs.findLast((rung) => rung <= kbps) }),
    }).representation;
  }
}

describe("mode local", () => {
  beforeEach(() => (globalThis.fetch = () => assert.fail("nobody is asked")));
  afterEach(() => delete globalThis.fetch);

  const playing = (module) => {
    const dash = new FakeDash();
    const errors = [];
    const onError = (error) => errors.push(error);
    configureDash(dash, { sessionId: "one", contentId: "show", stretch: false, advice: { mode: "local", module }, onError });
    return { dash, errors };
  };
  const settled = () => new Promise((resolve) => setTimeout(resolve, 100));

  test("the page decides by itself", async () => {
    const { dash, errors } = playing(MODULE);
    const after = async (mbps) => {
      for (let segment = 0; segment < 6; segment++) {
        dash.arrive(mbps);
        await settled();
      }
      return dash.choice();
    };
    assert.equal(await after(20), 5000);
    assert.ok((await after(1)) < 5000);
    assert.deepEqual(errors, []);
  });

  test("without the module the player chooses", async () => {
    const { dash, errors } = playing(new Uint8Array([0, 1, 2]));
    dash.arrive(20);
    await settled();
    assert.deepEqual([dash.choice(), errors.length], [null, 1]);
  });
});
