/**
 * What Headroom asks of one playback session. An absent field means "no opinion": the player is free in that respect.
 */
export interface Decision {
  /** Highest total bitrate, video and audio together, in kbit/s (CTA-5006 `mb`). */
  readonly maxBitrateKbps?: number;
  /** Throughput the server expects for the next seconds, in kbit/s (CTA-5006 `etp`). */
  readonly expectedThroughputKbps?: number;
  /** Distance to the live edge the player should aim for, in milliseconds. */
  readonly targetLatencyMs?: number;
  /** Rate at which the player may play to reach that distance; 1 is normal speed. */
  readonly playbackRate?: number;
}

type Field = keyof Decision;

/** Name on the wire and the range in which a value is believed. A value outside it is dropped, never clamped. */
const FIELDS: readonly (readonly [Field, string, number, number])[] = [
  ["maxBitrateKbps", "max_bitrate_kbps", 1, 1e6],
  ["expectedThroughputKbps", "expected_throughput_kbps", 1, 1e7],
  ["targetLatencyMs", "target_latency_ms", 200, 60_000],
  // Browsers mute outside 0.0625..16; viewers notice far earlier. DASH-IF's low-latency guidelines use up to +-50 %.
  ["playbackRate", "playback_rate", 0.5, 1.5],
];

/**
 * Reads the JSON of one event of `GET /v1/decisions/{session}/events`.
 * Unknown keys and unbelievable values are passed over; text that is no JSON object gives `undefined`.
 */
export function decisionFromEvent(json: string): Decision | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const record = value as Record<string, unknown>;
  const candidate = Object.fromEntries(FIELDS.map(([field, name]) => [field, record[name]]));
  // `max_bitrate_kbps` is the rung's video; where the server knows the audio beside it, it says both together as well.
  return believable({ ...candidate, maxBitrateKbps: record.suggested_bitrate_kbps ?? record.max_bitrate_kbps });
}

/** Keeps the fields that are finite numbers within their range. */
export function believable(candidate: Partial<Record<Field, unknown>>): Decision {
  const decision: { -readonly [F in Field]?: number } = {};
  for (const [field, , low, high] of FIELDS) {
    const value = candidate[field];
    if (typeof value === "number" && value >= low && value <= high) decision[field] = value;
  }
  return decision;
}
