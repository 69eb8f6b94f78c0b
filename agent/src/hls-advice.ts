import type Hls from "hls.js";
import type { Events, FragLoadedData } from "hls.js";
import { Asker, type AdviceSource, type Arrival } from "./advice.js";
import type { Bearer } from "./token.js";

/**
 * Asks each time a segment has arrived. The answer is the level of the next segment: as soon as that is under way hls.js is
 * in automatic mode again, with its own rule for transfers that will not make it. Where no answer comes in time the one
 * before stands, and where there is none hls.js simply chooses.
 */
export class HlsAdviser {
  readonly #hls: Hls;
  readonly #asker: Asker;
  readonly #pageCap: () => number;
  readonly #fail: (error: unknown) => void;
  /** The level set here, so that a level the page has set by hand is left alone. */
  #advised = -1;
  /** A segment of the picture is being fetched: its level is chosen. */
  #underWay = false;

  /** `pageCap` is the highest level the page allows, -1 for any: Headroom's own cap is part of its advice. */
  constructor(
    hls: Hls,
    source: AdviceSource,
    bearer: Bearer,
    pageCap: () => number,
    fail: (error: unknown) => void,
  ) {
    this.#hls = hls;
    this.#asker = new Asker(source, bearer, fail);
    this.#pageCap = pageCap;
    this.#fail = fail;
  }

  start(): void {
    this.#hls.on("hlsFragLoaded" as Events.FRAG_LOADED, this.#handleLoaded);
    this.#hls.on("hlsFragLoading" as Events.FRAG_LOADING, this.#handleLoading);
  }

  stop(): void {
    this.#asker.forget();
    this.#hls.off("hlsFragLoaded" as Events.FRAG_LOADED, this.#handleLoaded);
    this.#hls.off("hlsFragLoading" as Events.FRAG_LOADING, this.#handleLoading);
    this.#release();
  }

  readonly #handleLoaded = (_name: unknown, data: FragLoadedData): void => {
    this.#guarded(() => {
      const arrival = this.#arrivalOf(data);
      if (arrival === undefined || !this.#isFree()) return;
      this.#underWay = false;
      this.#advise();
      void this.#asker.ask(arrival, () => this.#guarded(() => this.#advise()));
    });
  };

  readonly #handleLoading = (_name: unknown, { frag }: { frag: FragLoadedData["frag"] }): void => {
    this.#guarded(() => {
      if (!isPicture(frag)) return;
      this.#underWay = true;
      this.#release();
    });
  };

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #advise(): void {
    if (this.#underWay || !this.#isFree()) return;
    const kbps = this.#asker.standing;
    if (kbps === undefined) return this.#release();
    const { levels } = this.#hls;
    const cap = this.#pageCap();
    // hls.js sorts levels by bitrate, which in HLS counts the audio rendition as the answer does.
    const highest = Math.max(0, levels.findLastIndex((level) => level.bitrate <= kbps * 1000));
    this.#advised = cap < 0 ? highest : Math.min(highest, cap);
    this.#hls.loadLevel = this.#advised;
  }

  #release(): void {
    if (this.#advised >= 0 && !this.#hls.autoLevelEnabled) this.#hls.loadLevel = -1;
    this.#advised = -1;
  }

  /** Nobody else has chosen a level by hand. */
  #isFree(): boolean {
    return this.#hls.autoLevelEnabled || this.#advised >= 0;
  }

  #arrivalOf({ frag }: FragLoadedData): Arrival | undefined {
    if (!isPicture(frag)) return undefined;
    const { stats, level, duration, relurl } = frag;
    const { levels, latency, media, mainForwardBufferInfo } = this.#hls;
    return {
      bytes: stats.loaded,
      tookMs: stats.loading.end - stats.loading.start,
      bitrateKbps: (levels[level]?.bitrate ?? 0) / 1000,
      durationMs: duration * 1000,
      bufferMs: (mainForwardBufferInfo?.len ?? 0) * 1000,
      latencyMs: latency * 1000,
      playing: media?.paused === false,
      url: relurl ?? "",
      format: "h",
      object: "av",
    };
  }
}

function isPicture(frag: FragLoadedData["frag"] | undefined): frag is FragLoadedData["frag"] {
  return frag?.type === "main" && frag.sn !== "initSegment";
}
