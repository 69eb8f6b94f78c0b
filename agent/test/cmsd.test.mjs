import assert from "node:assert/strict";
import { test } from "node:test";
import { decisionFromEvent, parseCmsdDynamic } from "../dist/index.js";

const HEADERS = [
  // header, decision
  ['"edge-1";mb=300;etp=600', { maxBitrateKbps: 300, expectedThroughputKbps: 600 }],
  ["edge-1;mb=300", { maxBitrateKbps: 300 }],
  ['"edge-1" ; mb=300 ;etp=600.5', { maxBitrateKbps: 300, expectedThroughputKbps: 600.5 }],
  ['"origin";mb=9000, "edge-1";mb=300', { maxBitrateKbps: 300 }],
  ['"edge-1";mb=300, "cdn";rtt=20', { maxBitrateKbps: 300 }],
  ['"a,b;mb=1";mb=300', { maxBitrateKbps: 300 }],
  ['"a\\"b";mb=300', { maxBitrateKbps: 300 }],
  ['"edge-1";rtt=20', {}],
  ['"edge-1"', {}],
  ['"edge-1";mb=0', {}],
  ['"edge-1";mb=-5', {}],
  ['"edge-1";mb=1e3', {}],
  ['"edge-1";mb="300"', {}],
  ['"edge-1";mb=99999999999999999999', {}],
  ['"edge-1;mb=300', undefined],
  ["", undefined],
  [null, undefined],
  [undefined, undefined],
  [`"${"x".repeat(5000)}";mb=300`, undefined],
];

for (const [header, decision] of HEADERS) {
  test(`CMSD-Dynamic ${String(header).slice(0, 50)}`, () => assert.deepEqual(parseCmsdDynamic(header), decision));
}

const EVENTS = [
  ['{"max_bitrate_kbps":700,"playback_rate":1.05}', { maxBitrateKbps: 700, playbackRate: 1.05 }],
  ['{"max_bitrate_kbps":700,"suggested_bitrate_kbps":764}', { maxBitrateKbps: 764 }],
  ['{"max_bitrate_kbps":700,"suggested_bitrate_kbps":null}', { maxBitrateKbps: 700 }],
  ['{"target_latency_ms":3000,"expected_throughput_kbps":null,"reason":"x"}', { targetLatencyMs: 3000 }],
  ['{"playback_rate":16,"target_latency_ms":-1}', {}],
  ['{"max_bitrate_kbps":"700"}', {}],
  ["{}", {}],
  ["[1]", undefined],
  ["null", undefined],
  ["{", undefined],
];

for (const [json, decision] of EVENTS) {
  test(`decision event ${json}`, () => assert.deepEqual(decisionFromEvent(json), decision));
}
