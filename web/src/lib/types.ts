/** What the control listener answers; docs/dashboard.md lists the endpoints. */

export interface Whole {
  sessions: number;
  starved: number;
  paused: number;
  starting: number;
  held_down: number;
  played_kbps: number;
  stall_ratio: number | null;
  mos: { mean: number | null; quarters: number[] };
  /** 10 %, 50 % and 90 % quantiles. */
  buffer_s: [number, number, number] | null;
  latency_s: [number, number, number] | null;
}

export interface StreamLine {
  stream: string;
  name: string | null;
  format: string | null;
  sessions: number;
  starved: number;
  held_down: number;
  mos: number | null;
  stall_ratio: number | null;
  played_kbps: number;
}

export interface Frame extends Whole {
  at_us: number;
  reasons: Record<string, number>;
  decisions_per_s: Record<string, number>;
  samples_per_s: number;
  emergencies_per_s: number;
  tick: { target_s: number; interval_s: number; decision_age_s: number; took_ms: number };
  streams: StreamLine[];
  streams_total: number;
}

export interface StreamView extends Whole {
  at_us: number;
  stream: string;
  name: string | null;
  format: string | null;
  reasons: Record<string, number>;
  ladder: { kbps: number; height: number; frame_rate: number; playing: number; capped: number }[];
}

export interface Snapshot {
  session: string;
  stream: string;
  started_us: number;
  last_seen_us: number;
  buffer_length_ms: number | null;
  live_latency_ms: number | null;
  playing_kbps: number | null;
  max_bitrate_kbps: number | null;
  forecast_kbps: [number, number, number] | null;
  mos: number | null;
  stall_risk: number;
  reason: string;
  rtt_ms: number | null;
  jitter_ms: number | null;
  loss_ratio: number | null;
  starvations: number;
  stalled_ms: number;
}

export interface Point {
  at_us: number;
  buffer_ms: number | null;
  latency_ms: number | null;
  playing_kbps: number | null;
  max_bitrate_kbps: number | null;
  forecast_kbps: [number, number, number] | null;
  stall_risk: number;
  starvations: number;
}

export interface Decided {
  at_us: number;
  reason: string;
  max_bitrate_kbps: number | null;
  why: string;
}

export interface Timeline {
  session: string;
  stream: string;
  stream_name: string | null;
  now_us: number;
  ended: boolean;
  ladder: { bitrate_kbps: number; height: number; frame_rate: number }[];
  state: Snapshot | null;
  why: string | null;
  points: Point[];
  decisions: Decided[];
}

export interface Page<T> {
  total: number;
  offset: number;
  items: T[];
}

export interface Ahead {
  p10: number[];
  p50: number[];
  p90: number[];
  skill: { origins: number; over_naive: number | null };
}

export interface Fit {
  capacity_kbps: number;
  utilisation: number;
  likely_s: number | null;
  possible_s: number | null;
  weeks_of_growth: number | null;
}

export interface PlanLine {
  name: string | null;
  lost: boolean;
  past: { sessions: number[]; egress_kbps: number[] };
  sessions: Ahead;
  egress_kbps: Ahead;
  peak: { at_s: number; sessions: number; p50_kbps: number; p90_kbps: number };
  growth_per_week: number | null;
  saturation: Fit | null;
}

export interface Plan {
  from_s: number;
  hours: number;
  past_hours: number;
  total: PlanLine;
  groups: PlanLine[];
  pathways: { name: string; share: number; lost: boolean; peak_kbps: number; saturation: Fit | null; gigabytes: [number, number, number]; cost: [number, number, number] }[];
  currency: string;
  segments: { peak_requests_per_s: number; latency_floor_s: number } | null;
}
