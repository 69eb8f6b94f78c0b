import type Hls from "hls.js";
import type { Events } from "hls.js";
import type { AdviceSource } from "./adviser.js";
import { parseCmsdDynamic } from "./cmsd.js";
import { decisionFromEvent, type Decision } from "./decision.js";
import { Bearer, type TokenSource } from "./token.js";
import { HlsAdviser } from "./hls-advice.js";
import { Stretch } from "./stretch.js";

export interface HlsSteeringOptions {
  /** Server-sent events of this session, `https://edge.example/v1/decisions/SESSION/events`. Absent: response headers only. */
  readonly decisionsUrl?: string;
  /** Asks before every segment and fetches what is advised; the rest of a decision counts as without it. */
  readonly advice?: AdviceSource;
  /** Goes with `decisionsUrl` and `advice`, where the server asks for tokens. */
  readonly token?: TokenSource;
  /** A decision is forgotten, and the player free again, when none has arrived for this long. Seconds, 10 by default. */
  readonly forgetAfterSeconds?: number;
  /** Slows playback down, to 0.92 at most, while the buffer is short; `true` by default. */
  readonly stretch?: boolean;
  /** Called when a new decision has been applied. */
  readonly onDecision?: (decision: Decision) => void;
  /** Called when the agent failed. Playback is never affected. */
  readonly onError?: (error: unknown) => void;
}

export interface HlsSteering {
  /** The decision in force; empty when there is none. */
  readonly decision: Decision;
  /** Lifts whatever was imposed and stops listening. */
  stop(): void;
}

/** A stream of decisions that ended is opened again after this long, ms. */
const REOPEN = 2_000;

/** The smallest capacity growth, as a factor, at which a rising forecast replaces the player's own estimate. */
const ESTIMATE_GROWTH = 1.2;

/**
 * Lets an hls.js player obey Headroom: CMSD-Dynamic headers of its own requests and, where `decisionsUrl` is given, the
 * event stream. Uses public hls.js API only. Anything that goes wrong here leaves the player as it would be without.
 */
export function steerHls(hls: Hls, options: HlsSteeringOptions = {}): HlsSteering {
  const steering = new Steering(hls, options);
  steering.start();
  return steering;
}

class Steering implements HlsSteering {
  decision: Decision = {};

  readonly #hls: Hls;
  readonly #options: HlsSteeringOptions;
  readonly #bearer: Bearer;
  #events: EventSource | undefined;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #adviser: HlsAdviser | undefined;
  #forget: ReturnType<typeof setTimeout> | undefined;
  /** The cap somebody else (the page, hls.js' cap to player size) wants, and the one set here. -1 is none. */
  #foreignCap = -1;
  #ownCap = -1;
  #pageTargetLatency: number | null = null;
  #pageMaxRate = 1;
  /** hls.js may not catch up: the buffer is short. */
  #held = false;
  readonly #stretch: Stretch;

  constructor(hls: Hls, options: HlsSteeringOptions) {
    this.#hls = hls;
    this.#options = options;
    const fail = (error: unknown): void => this.#guarded(() => { throw error; });
    this.#bearer = new Bearer(options.token, fail);
    const stretched = {
      media: () => hls.media,
      targetLatencyS: () => hls.targetLatency,
      segmentS: () => this.#adviser?.segmentS ?? hls.latestLevelDetails?.targetduration,
      hold: (held: boolean) => this.#hold(held),
    };
    this.#stretch = new Stretch(stretched, fail);
  }

  start(): void {
    this.#guarded(() => {
      this.#ownCap = this.#foreignCap = this.#hls.autoLevelCapping;
      this.#pageMaxRate = this.#hls.config.maxLiveSyncPlaybackRate;
      for (const name of RESPONSES) this.#hls.on(name, this.#handleResponse);
      this.#hls.on("hlsManifestParsed" as Events.MANIFEST_PARSED, this.#handleLevels);
      this.#hls.on("hlsDestroying" as Events.DESTROYING, this.#handleDestroying);
      this.#listen();
      if (this.#options.stretch !== false) this.#stretch.start();
      if (this.#options.advice) {
        const fail = (error: unknown): void => this.#guarded(() => { throw error; });
        this.#adviser = new HlsAdviser(this.#hls, this.#options.advice, this.#bearer, () => this.#pageCap(), fail);
        this.#adviser.start();
      }
    });
  }

  stop(): void {
    this.#guarded(() => {
      this.#disconnect();
      this.#apply({});
    });
  }

  readonly #handleResponse = (_name: unknown, event: { networkDetails?: unknown }): void => {
    this.#guarded(() => {
      const decision = parseCmsdDynamic(responseHeader(event.networkDetails, "cmsd-dynamic"));
      // A header knows nothing of latency and rate: those of the event stream stay in force.
      if (decision !== undefined) this.#accept({ ...withoutBitrates(this.decision), ...decision });
    });
  };

  readonly #handleLevels = (): void => {
    this.#guarded(() => this.#applyCap(this.decision.maxBitrateKbps));
  };

  readonly #handleDestroying = (): void => {
    this.#guarded(() => this.#disconnect());
  };

  #listen(): void {
    const { decisionsUrl } = this.#options;
    if (decisionsUrl === undefined || typeof EventSource === "undefined") return;
    const signed = this.#bearer.sign(decisionsUrl);
    if (typeof signed === "string") this.#open(signed);
    else void signed.then((url) => this.#guarded(() => this.#open(url)));
  }

  #open(url: string): void {
    if (this.#stopped) return;
    const events = new EventSource(url);
    this.#events = events;
    const handleMessage = (message: MessageEvent<string>): void => {
      this.#guarded(() => {
        const decision = decisionFromEvent(message.data);
        if (decision !== undefined) this.#accept(decision);
      });
    };
    events.onmessage = handleMessage;
    events.addEventListener("decision", handleMessage);
    if (this.#options.token === undefined) return;
    // The browser would connect again with the same token, which is what the stream has ended with.
    events.onerror = () => {
      events.close();
      this.#bearer.refused();
      clearTimeout(this.#reopen);
      this.#reopen = setTimeout(() => this.#guarded(() => this.#listen()), REOPEN);
    };
  }

  #disconnect(): void {
    this.#stopped = true;
    this.#stretch.stop();
    clearTimeout(this.#forget);
    clearTimeout(this.#reopen);
    this.#adviser?.stop();
    this.#adviser = undefined;
    this.#events?.close();
    this.#events = undefined;
    for (const name of RESPONSES) this.#hls.off(name, this.#handleResponse);
    this.#hls.off("hlsManifestParsed" as Events.MANIFEST_PARSED, this.#handleLevels);
    this.#hls.off("hlsDestroying" as Events.DESTROYING, this.#handleDestroying);
  }

  #accept(decision: Decision): void {
    clearTimeout(this.#forget);
    const seconds = this.#options.forgetAfterSeconds ?? 10;
    this.#forget = setTimeout(() => this.#guarded(() => this.#apply({})), seconds * 1000);
    if (same(decision, this.decision)) return;
    this.#apply(decision);
    this.#options.onDecision?.(decision);
  }

  #apply(decision: Decision): void {
    const before = this.decision;
    this.decision = decision;
    this.#applyCap(decision.maxBitrateKbps);
    if ((decision.maxBitrateKbps ?? Infinity) > (before.maxBitrateKbps ?? Infinity)) {
      this.#applyThroughput(decision.expectedThroughputKbps);
    }
    if (decision.targetLatencyMs !== before.targetLatencyMs) this.#applyTargetLatency(decision.targetLatencyMs);
    if (decision.playbackRate !== before.playbackRate) this.#applyPlaybackRate(decision.playbackRate ?? 1);
  }

  /** The cap somebody else has set. */
  #pageCap(): number {
    const { autoLevelCapping } = this.#hls;
    if (autoLevelCapping !== this.#ownCap) this.#foreignCap = autoLevelCapping;
    return this.#foreignCap;
  }

  /** The tighter of the foreign cap and ours. A cap below the lowest level keeps the lowest level. */
  #applyCap(maxBitrateKbps: number | undefined): void {
    const hls = this.#hls;
    let cap = this.#pageCap();
    if (maxBitrateKbps !== undefined && hls.levels.length > 0) {
      // hls.js sorts levels by bitrate, which in HLS counts the audio rendition as `mb` does.
      const highest = hls.levels.findLastIndex((level) => level.bitrate <= maxBitrateKbps * 1000);
      const ours = Math.max(0, highest);
      cap = cap < 0 ? ours : Math.min(cap, ours);
    }
    this.#ownCap = cap;
    if (hls.autoLevelCapping !== cap) hls.autoLevelCapping = cap;
  }

  /**
   * After a long time at a low rung hls.js has measured little and climbs late. When a cap is raised, the server's
   * forecast becomes its new starting estimate if that is clearly higher; real measurements take over at once.
   */
  #applyThroughput(expectedThroughputKbps: number | undefined): void {
    if (expectedThroughputKbps === undefined) return;
    const bitsPerSecond = expectedThroughputKbps * 1000;
    const own = this.#hls.bandwidthEstimate;
    if (!(own * ESTIMATE_GROWTH > bitsPerSecond)) this.#hls.bandwidthEstimate = bitsPerSecond;
  }

  #applyTargetLatency(targetLatencyMs: number | undefined): void {
    this.#pageTargetLatency ??= this.#hls.targetLatency;
    const seconds = targetLatencyMs === undefined ? this.#pageTargetLatency : targetLatencyMs / 1000;
    if (seconds !== null) this.#hls.targetLatency = seconds;
    if (targetLatencyMs === undefined) this.#pageTargetLatency = null;
  }

  /** hls.js catches up by itself, up to the rate it is allowed. Slowing down it does not know: that is set directly. */
  #applyPlaybackRate(rate: number): void {
    this.#allowCatchUp();
    this.#stretch.limit(Math.min(rate, 1));
  }

  /** Catching up waits for the buffer: hls.js would set the rate back four times a second. */
  #hold(held: boolean): void {
    this.#held = held;
    const { media, config } = this.#hls;
    if (held && media && media.playbackRate > 1 && media.playbackRate <= config.maxLiveSyncPlaybackRate) {
      media.playbackRate = 1;
    }
    this.#allowCatchUp();
  }

  #allowCatchUp(): void {
    const rate = this.decision.playbackRate ?? 1;
    this.#hls.config.maxLiveSyncPlaybackRate = this.#held ? 1 : rate > 1 ? rate : this.#pageMaxRate;
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      try {
        this.#options.onError?.(error);
      } catch {
        // A failing error handler must not reach playback either.
      }
    }
  }
}

/** Every hls.js event that hands over the response of a request. */
const RESPONSES = ["hlsFragLoaded", "hlsLevelLoaded", "hlsAudioTrackLoaded", "hlsManifestLoaded"] as readonly (
  | Events.FRAG_LOADED
  | Events.LEVEL_LOADED
  | Events.AUDIO_TRACK_LOADED
  | Events.MANIFEST_LOADED
)[];

/** A header of an XMLHttpRequest or of a fetch Response; both kinds of loader exist in hls.js. */
function responseHeader(details: unknown, name: string): string | undefined {
  if (typeof details !== "object" || details === null) return undefined;
  const { headers, getAllResponseHeaders } = details as Partial<Response & XMLHttpRequest>;
  if (headers && typeof headers.get === "function") return headers.get(name) ?? undefined;
  // Asking for a header that CORS hides makes the browser log an error, listing all does not.
  if (typeof getAllResponseHeaders !== "function") return undefined;
  for (const line of (getAllResponseHeaders.call(details) ?? "").split("\r\n")) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}

function withoutBitrates({ targetLatencyMs, playbackRate }: Decision): Decision {
  return {
    ...(targetLatencyMs !== undefined && { targetLatencyMs }),
    ...(playbackRate !== undefined && { playbackRate }),
  };
}

function same(a: Decision, b: Decision): boolean {
  return (
    a.maxBitrateKbps === b.maxBitrateKbps &&
    a.expectedThroughputKbps === b.expectedThroughputKbps &&
    a.targetLatencyMs === b.targetLatencyMs &&
    a.playbackRate === b.playbackRate
  );
}
