// What a question and its answer are, whoever answers.

/** Where to ask before every segment: a server, or the engine in the page itself. */
export type AdviceTarget = RemoteAdvice | LocalAdvice;

export interface RemoteAdvice {
  readonly mode?: "remote";
  /** `https://edge.example/v1/advice`. */
  readonly url: string;
  /** Milliseconds after which an answer is not waited for, 1000 by default; the player then chooses. */
  readonly timeoutMs?: number;
}

/** Decides as a server would that knows this one viewer: no question leaves the page. */
export interface LocalAdvice {
  readonly mode: "local";
  /** `headroom.wasm` of this package: its address, its bytes, or the module compiled. */
  readonly module: string | URL | BufferSource | WebAssembly.Module;
  /** What steering is for: no more stalls (`smooth`, the default), more picture (`balanced`), or most bits (`sharp`). */
  readonly objective?: "smooth" | "balanced" | "sharp";
}

/** Where to ask before every segment, and as whom. */
export type AdviceSource = AdviceTarget & {
  /** CMCD `sid`, the one the player reports with. */
  readonly sessionId: string;
  /** CMCD `cid`, the one the player reports with. */
  readonly contentId: string;
};

/** Who answers. */
export interface Adviser {
  /** The bit rate within which to fetch the largest rung, audio included; nothing where the player knows better. */
  advise(arrival: Arrival, signal: AbortSignal): Promise<number | undefined>;
}

/** A segment that has arrived, or as good as, and the player at that moment. */
export interface Arrival {
  /** What has come of it. */
  readonly bytes: number;
  /** From the request to the last of these bytes. */
  readonly tookMs: number;
  /** Encoded bit rate of what is played, kbit/s, audio included where `object` says so. */
  readonly bitrateKbps: number;
  readonly durationMs: number;
  /** Ahead of the playhead, this segment included. */
  readonly bufferMs: number;
  /** Behind the live edge; 0 where that is not known. */
  readonly latencyMs: number;
  readonly playing: boolean;
  /** Whose player it is; the engine's rules differ by it. */
  readonly client: "dash.js" | "hls.js" | "shaka";
  readonly url: string;
  /** CMCD `sf`: HLS or DASH. */
  readonly format: "h" | "d";
  /** CMCD `ot`: video with or without sound. */
  readonly object: "av" | "v";
  /** What the player may choose from, audio included, lowest first, kbit/s. */
  readonly ladderKbps: readonly number[];
  /** Behind the live edge, as the page wants it; nothing where that is not known. */
  readonly targetLatencyMs: number | undefined;
}

/** CMCD counts buffer in steps of this size, ms. */
export const BUFFER_STEP_MS = 100;
