/** Numbers as people read them. Nothing known is a dash, never a zero. */

export const NONE = "–";
type Known = number | null | undefined;

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (value: Known) => (value == null ? NONE : grouped.format(value));

export const fixed = (value: Known, digits: number) => (value == null ? NONE : value.toFixed(digits));

/** Bit rates to three digits, split into number and unit so that the number can be aligned. */
export function rate(kbps: Known): [string, string] {
  if (kbps == null) return [NONE, "Mbit/s"];
  if (kbps >= 1e6) return [digits(kbps / 1e6), "Gbit/s"];
  if (kbps >= 1e3) return [digits(kbps / 1e3), "Mbit/s"];
  return [kbps.toFixed(0), "kbit/s"];
}

export const rateText = (kbps: Known) => rate(kbps).join(" ");

/** Shares as per cent; small ones keep the digits that matter. */
export function percent(ratio: Known): string {
  if (ratio == null) return NONE;
  const value = ratio * 100;
  if (value === 0) return "0";
  if (value < 0.01) return "< 0.01";
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}

export const seconds = (milliseconds: Known, decimals = 1) =>
  milliseconds == null ? NONE : (milliseconds / 1e3).toFixed(decimals);

/** A picture as people call it: 720p, and 720p60 where the frame rate is high. */
export const picture = (rung: { height: number; frame_rate: number } | undefined) =>
  rung ? `${rung.height}p${rung.frame_rate >= 48 ? Math.round(rung.frame_rate) : ""}` : "";

/** A probability: whole per cents, since none is known better. */
export const chance = (value: Known) => (value == null ? NONE : (value * 100).toFixed(0));

export function clock(at_us: number): string {
  return new Date(at_us / 1e3).toLocaleTimeString("en-GB");
}

/** An hour of a day: Sat 28, 20:00. */
export const day = (at_s: number) => new Date(at_s * 1e3).toLocaleString("en-GB", { weekday: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

export function span(us: number): string {
  const s = Math.max(0, Math.round(us / 1e6));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

type Tone = "plain" | "good" | "warn" | "bad";

/** What an opinion score means: the words of ITU-T P.800. */
export function scoreTone(score: Known): Tone {
  if (score == null) return "plain";
  return score >= 3.5 ? "good" : score >= 2.5 ? "warn" : "bad";
}

export function riskTone(risk: Known): Tone {
  if (risk == null) return "plain";
  return risk >= 0.5 ? "bad" : risk >= 0.2 ? "warn" : "plain";
}

/** Above 1 % of the time stalled, viewers leave (Dobrian et al. 2011: one per cent more costs minutes of viewing). */
export function stallTone(ratio: Known): Tone {
  if (ratio == null) return "plain";
  return ratio >= 0.02 ? "bad" : ratio >= 0.005 ? "warn" : "plain";
}

export const REASONS: Record<string, { label: string; tone: Tone }> = {
  room_above: { label: "Room above", tone: "plain" },
  plan: { label: "Best plan", tone: "plain" },
  throughput: { label: "Measured throughput", tone: "plain" },
  buffer: { label: "Buffer level", tone: "plain" },
  dwell: { label: "Too soon to climb", tone: "plain" },
  allocation: { label: "Shared bottleneck", tone: "plain" },
  override: { label: "Operator or viewer", tone: "plain" },
  no_evidence: { label: "Nothing measured yet", tone: "plain" },
  stale: { label: "Telemetry silent", tone: "warn" },
  stall_risk: { label: "Stall likely", tone: "warn" },
  collapse: { label: "Throughput collapsed", tone: "bad" },
  starvation: { label: "Buffer starving", tone: "bad" },
};

export const reasonLabel = (reason: string) => REASONS[reason]?.label ?? reason.replaceAll("_", " ");
export const reasonTone = (reason: string): Tone => REASONS[reason]?.tone ?? "plain";
