/** The stream of frames: one connection for the whole page, opened again when it breaks. */
import { Refused, events, open } from "./api";
import type { Frame } from "./types";

/** Frames come every second; after so long without one the connection is taken for dead. */
const SILENCE_MS = 8_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
/** A quarter of an hour, as the server keeps. */
const KEPT = 900;

export const COLUMNS = [
  "sessions",
  "starved",
  "held_down",
  "mos",
  "stall_ratio",
  "played_kbps",
  "decisions_per_s",
  "decision_age_s",
  "interval_s",
  "latency_s",
] as const;
export type Column = (typeof COLUMNS)[number];

type State = "connecting" | "live" | "waiting" | "locked";

class Live {
  state = $state<State>("connecting");
  problem = $state("");
  retryAt = $state(0);
  frame = $state.raw<Frame | null>(null);
  /** Counts frames: what charts watch instead of the arrays. */
  version = $state(0);
  times: number[] = [];
  past: Record<Column, (number | null)[]> = empty();
  #abort = new AbortController();
  #wake: (() => void) | null = null;

  /** Follows until the page goes away. */
  async run(): Promise<void> {
    let retry = FIRST_RETRY_MS;
    for (;;) {
      this.#abort = new AbortController();
      try {
        for await (const { event, data } of this.#frames()) {
          if (event === "past") this.#restart(JSON.parse(data));
          if (event === "frame") this.#take(JSON.parse(data) as Frame);
          this.state = "live";
          retry = FIRST_RETRY_MS;
        }
        this.problem = "The server closed the connection.";
      } catch (error) {
        this.problem = error instanceof Refused ? error.message : "The connection broke.";
        if (error instanceof Refused && error.status === 401) {
          this.state = "locked";
          await new Promise<void>((resolve) => (this.#wake = resolve));
          continue;
        }
      }
      this.state = "waiting";
      this.retryAt = Date.now() + retry;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, retry);
      });
      retry = Math.min(retry * 2, LONGEST_RETRY_MS);
    }
  }

  /** Tries again now. */
  wake(): void {
    this.#wake?.();
  }

  async *#frames() {
    const response = await open("/v1/live", this.#abort.signal);
    let timer = 0;
    const arm = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => this.#abort.abort(), SILENCE_MS);
    };
    arm();
    try {
      for await (const event of events(response)) {
        arm();
        yield event;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #restart(past: { at_us: number[]; columns: Record<string, (number | null)[]> }): void {
    this.times = past.at_us.map((at) => at / 1e6);
    this.past = empty();
    for (const column of COLUMNS) this.past[column] = past.columns[column] ?? this.times.map(() => null);
  }

  #take(frame: Frame): void {
    const at = frame.at_us / 1e6;
    if (at > (this.times.at(-1) ?? 0)) {
      const { tick, latency_s, mos, decisions_per_s } = frame;
      const rate = Object.values(decisions_per_s).reduce((sum, each) => sum + each, 0);
      const now: Record<Column, number | null> = {
        sessions: frame.sessions,
        starved: frame.starved,
        held_down: frame.held_down,
        mos: mos.mean ?? null,
        stall_ratio: frame.stall_ratio ?? null,
        played_kbps: frame.played_kbps,
        decisions_per_s: rate,
        decision_age_s: tick.decision_age_s,
        interval_s: tick.interval_s,
        latency_s: latency_s?.[1] ?? null,
      };
      this.times.push(at);
      for (const column of COLUMNS) this.past[column].push(now[column]);
      if (this.times.length > KEPT) {
        this.times.shift();
        for (const column of COLUMNS) this.past[column].shift();
      }
    }
    this.frame = frame;
    this.version += 1;
  }
}

function empty(): Record<Column, (number | null)[]> {
  return Object.fromEntries(COLUMNS.map((column) => [column, [] as (number | null)[]])) as Record<Column, (number | null)[]>;
}

export const live = new Live();
