import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, test } from "node:test";
import { configureDash, configureShaka } from "../dist/index.js";

const REPORTING = { sessionId: "one", contentId: "show" };
const ADVICE = { url: "https://edge.example/v1/advice?headroom_token=t", timeoutMs: 50 };

/** What was asked, and how it is answered. */
let asked;
let answer;

beforeEach(() => {
  asked = [];
  answer = async () => Response.json({ bitrate_kbps: 700 });
  globalThis.fetch = (url) => {
    asked.push(new URL(url));
    return answer();
  };
});
afterEach(() => delete globalThis.fetch);

const settled = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the agent uses of dash.js, and of the rules' surroundings. */
class FakeDash extends EventEmitter {
  settings = {};
  rungs = [180, 500, 1200];
  rules = {};
  bufferS = 3.04;
  abandoned = [];
  updateSettings = (settings) => (this.settings = settings);
  addABRCustomRule = (type, name, rule) => (this.rules[type] = rule({}).create());
  getBufferLength = () => this.bufferS;
  getRepresentationsByType = () => this.rungs.map((bitrateInKbit) => ({ bitrateInKbit }));
  getCurrentLiveLatency = () => 4.5;
  getCurrentRepresentationForType = (type) => ({ bitrateInKbit: type === "audio" ? 128 : 500 });
  isPaused = () => false;

  segment(name, fields = {}) {
    const [startDate, endDate] = [new Date(1000), new Date(1400)];
    const request = { mediaType: "video", type: "MediaSegment", url: "http://edge/live/7.m4s?x=1", duration: 2, bytesLoaded: 50_000, startDate, endDate, ...fields };
    this.emit(name, { request });
  }

  /** dash.js asks its rules whether to give the transfer up. */
  trigger = (event, { request, streamId }) => {
    const { representation } = this.rules.abandonFragmentRules.shouldAbandon(this.#context("video", request));
    if (representation !== null) this.abandoned.push([event, streamId, representation]);
  };

  choice(type = "video") {
    return this.rules.qualitySwitchRules.getSwitchRequest(this.#context(type));
  }

  #context(type, request) {
    return {
      getMediaType: () => type,
      getMediaInfo: () => ({}),
      getCurrentRequest: () => request,
      getAbrController: () => ({
        getOptimalRepresentationForBitrate: (_, kbps) => this.rungs.findLast((rung) => rung <= kbps) ?? this.rungs[0],
      }),
    };
  }
}

function askingDash() {
  const dash = new FakeDash();
  const errors = [];
  configureDash(dash, { ...REPORTING, advice: ADVICE, onError: (error) => errors.push(error) });
  return { dash, errors };
}

describe("dash.js", () => {
  test("an answer outvotes the other rules for the picture, and stands while the next is late", async () => {
    const { dash, errors } = askingDash();
    assert.equal(dash.settings.streaming.cmsd.abr.applyMb, false, "the cap is part of the advice");
    assert.equal(dash.settings.streaming.buffer.fastSwitchEnabled, false, "what is buffered is counted on");
    dash.segment("fragmentLoadingCompleted");
    await settled();
    assert.equal(asked[0].searchParams.get("headroom_token"), "t");
    assert.equal(
      asked[0].searchParams.get("CMCD"),
      'bl=(5000),br=(628;av),cid="show",d=2000,e=rr,ltc=4500,mtp=(1000),ot=av,rc=200,sf=d,sid="one",sta=p,ttlb=400,url="7.m4s",v=2',
    );
    const { representation, priority } = dash.choice();
    assert.deepEqual([representation, priority], [500, 1], "700 kbit/s less 128 of sound");
    assert.equal(dash.choice("audio").representation, null);
    let say;
    answer = () => new Promise((resolve) => (say = resolve));
    dash.segment("fragmentLoadingCompleted");
    await settled();
    assert.equal(dash.choice().representation, 500, "dash.js' own rules would have it switch and switch back");
    say(Response.json({ bitrate_kbps: 400 }));
    await settled();
    assert.equal(dash.choice().representation, 180);
    dash.emit("fragmentLoadingAbandoned", { mediaType: "video" });
    assert.equal(dash.choice().representation, null, "dash.js gave the transfer up: it knows better");
    assert.deepEqual(errors, []);
  });

  test("an answer ends with the second segment after it", async () => {
    const { dash } = askingDash();
    dash.segment("fragmentLoadingCompleted", { duration: 0.02 });
    await settled();
    assert.equal(dash.choice().representation, 500);
    await settled(50);
    assert.equal(dash.choice().representation, null);
  });

  for (const [name, failing, told] of [
    ["says it knows no better", async () => new Response(null, { status: 204 }), 0],
    ["is gone", async () => Promise.reject(new TypeError("fetch failed")), 1],
    ["answers nonsense", async () => Response.json({ bitrate_kbps: null }), 0],
  ]) {
    test(`dash.js chooses when Headroom ${name}`, async () => {
      answer = failing;
      const { dash, errors } = askingDash();
      dash.segment("fragmentLoadingCompleted");
      await settled();
      assert.deepEqual([dash.choice().representation, errors.length], [null, told]);
    });
  }

  test("with one segment in the buffer nobody asks, and an answer only bounds the other rules", async () => {
    const { dash } = askingDash();
    dash.segment("fragmentLoadingStarted");
    dash.segment("fragmentLoadingCompleted");
    await settled();
    dash.bufferS = 1.9;
    assert.deepEqual([dash.choice().representation, dash.choice().priority], [500, 0.5]);
    dash.bufferS = NaN; // what dash.js says of an empty buffer
    dash.segment("fragmentLoadingCompleted");
    await settled();
    assert.equal(asked.length, 1);
  });

  test("a rung whose segment could not be had is not advised again at once", async () => {
    const { dash } = askingDash();
    dash.segment("fragmentLoadingCompleted");
    await settled();
    assert.equal(dash.choice().representation, 500);
    const request = { mediaType: "video", type: "MediaSegment", duration: 0.02, representation: { bitrateInKbit: 500 } };
    dash.emit("fragmentLoadingCompleted", { request, error: { code: 27 } });
    assert.equal(dash.choice().representation, 180);
    await settled(50);
    assert.deepEqual([dash.choice().representation, asked.length], [500, 1]);
  });

  test("sound, initialisation and segments without a duration of transfer are not asked about", async () => {
    const { dash } = askingDash();
    dash.segment("fragmentLoadingCompleted", { mediaType: "audio" });
    dash.segment("fragmentLoadingCompleted", { type: "InitializationSegment" });
    dash.segment("fragmentLoadingCompleted", { endDate: null });
    await settled();
    assert.equal(asked.length, 0);
  });
});

const VARIANTS = [1200, 180, 500].map((kbps) => ({ bandwidth: kbps * 1000 }));
const [HIGH, LOW, MIDDLE] = VARIANTS;

/** Shaka's own manager, which always wants the lowest variant. */
class FakeAbr {
  calls = [];
  init(onSwitch) {
    this.suggest = () => onSwitch(LOW);
  }
  chooseVariant() {
    return LOW;
  }
  segmentDownloaded(...call) {
    this.calls.push(call);
  }
  setVariants() {
    return true;
  }
  setMediaElement() {}
  enable() {}
  disable() {}
}

function askingShaka() {
  const inner = new FakeAbr();
  const switched = [];
  const [requests, responses] = [[], []];
  const errors = [];
  const player = {
    configure: (config) => ((player.config = config), true),
    isLive: () => true,
    getPresentationStartTimeAsDate: () => new Date(Date.now() - 9500),
    getMediaElement: () => MEDIA,
    getNetworkingEngine: () => ({
      registerRequestFilter: (filter) => requests.push(filter),
      registerResponseFilter: (filter) => responses.push(filter),
    }),
  };
  const onError = (error) => errors.push(error);
  configureShaka(player, { ...REPORTING, advice: { ...ADVICE, abrManager: () => inner }, stretch: false, onError });
  const abr = player.config.abrFactory();
  abr.init((variant) => switched.push(variant), () => {});
  abr.setVariants(VARIANTS);
  abr.setMediaElement(MEDIA);
  abr.enable();
  const request = (context, request = {}) => requests.forEach((filter) => filter(1, request, context));
  const arrive = (context, timeMs = 400) => responses.forEach((filter) => filter(1, { timeMs, data: { byteLength: 50_000 } }, context));
  return { abr, inner, switched, config: player.config, request, arrive, player, errors };
}

/** Plays at 4 s and holds 6 s ahead of that. */
const MEDIA = { currentTime: 4, paused: false, buffered: { length: 1, start: () => 0, end: () => 10 } };
const PICTURE = { stream: { type: "video" }, segment: { startTime: 10, endTime: 12, getUris: () => ["http://edge/7.m4s"] } };

describe("Shaka", () => {
  test("an answer is played at once and stands until the next segment has arrived", async () => {
    const { abr, inner, switched, config, arrive } = askingShaka();
    assert.equal(config.cmsd.applyMaximumSuggestedBitrate, false);
    assert.equal(abr.chooseVariant(), LOW);
    arrive(PICTURE);
    await settled();
    assert.deepEqual([switched, abr.chooseVariant()], [[MIDDLE], MIDDLE]);
    inner.suggest();
    assert.deepEqual(switched, [MIDDLE], "Shaka's own choice does not overrule it");
    answer = async () => new Response(null, { status: 204 });
    arrive(PICTURE);
    await settled();
    inner.suggest();
    assert.deepEqual(switched, [MIDDLE, LOW], "no answer: Shaka chooses");
  });

  test("a question for a segment, not for each tenth of a second of it", async () => {
    const { abr, inner, arrive, player } = askingShaka();
    configureShaka(player, { ...REPORTING, advice: { ...ADVICE, abrManager: () => inner } });
    for (const [ms, bytes] of [[180, 8_000], [100, 25_000], [120, 17_000]]) abr.segmentDownloaded(ms, bytes, true, {}, PICTURE);
    await settled();
    assert.deepEqual([asked.length, inner.calls.length], [0, 3], "Shaka goes on measuring");
    arrive(PICTURE);
    arrive({ ...PICTURE, segment: undefined });
    await settled();
    assert.equal(asked.length, 1);
    const fields = asked[0].searchParams.get("CMCD");
    assert.match(fields, /bl=\(8000\).*ltc=55\d\d.*mtp=\(1000\).*ttlb=400/, fields);
  });

  test("what is advised while a segment comes waits for its end: Shaka would fetch it anew", async () => {
    const { abr, switched, request, arrive, errors } = askingShaka();
    abr.chooseVariant();
    arrive(PICTURE);
    request(PICTURE);
    await settled();
    assert.deepEqual([asked.length, switched], [1, []]);
    arrive(PICTURE);
    for (let turn = 0; turn < 50; turn++) await null;
    assert.deepEqual(switched, [], "Shaka still holds the transfer");
    await settled();
    assert.deepEqual([switched, errors], [[MIDDLE], []]);
  });

  test("with one segment in the buffer Shaka's own choice counts if it is lower", async () => {
    const { abr, arrive } = askingShaka();
    arrive(PICTURE);
    await settled();
    assert.equal(abr.chooseVariant(), MIDDLE);
    abr.setMediaElement({ ...MEDIA, currentTime: 10 });
    arrive(PICTURE);
    await settled();
    assert.deepEqual([abr.chooseVariant(), asked.length], [LOW, 1]);
  });

  test("nothing is asked about sound, nothing is played that the page has not left to choose", async () => {
    const { abr, switched, arrive } = askingShaka();
    arrive({ ...PICTURE, stream: { type: "audio" } });
    await settled();
    assert.equal(asked.length, 0);
    arrive(PICTURE);
    abr.disable();
    await settled();
    assert.deepEqual(switched, []);
  });

  test("more than the ladder has, and less", async () => {
    for (const [kbps, expected] of [[9000, HIGH], [10, LOW]]) {
      answer = async () => Response.json({ bitrate_kbps: kbps });
      const { abr, arrive } = askingShaka();
      arrive(PICTURE);
      await settled();
      assert.equal(abr.chooseVariant(), expected);
    }
  });
});
