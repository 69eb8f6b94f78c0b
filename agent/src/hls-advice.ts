import type Hls from "hls.js";
import type { Events, FragLoadedData, LevelUpdatedData } from "hls.js";
import { Asker, isShort } from "./advice.js";
import type { AdviceSource, Arrival } from "./adviser.js";
import type { Bearer } from "./token.js";
import { heldAtEnd, TransferWatch, type Running } from "./transfer.js";

type Frag = FragLoadedData["frag"];

/**
 * Asks each time a segment has arrived, or shortly before. The answer is the level of the next segment: as soon as that is
 * under way hls.js is in automatic mode again, with its own rule for transfers that will not make it. Where no answer comes in
 * time the one before stands, and where there is none hls.js simply chooses.
 */
export class HlsAdviser {
  readonly #hls: Hls;
  readonly #asker: Asker;
  readonly #pageCap: () => number;
  readonly #fail: (error: unknown) => void;
  /** The level set here, so that a level the page has set by hand is left alone. */
  #advised = -1;
  /** The segment of the picture that is being fetched: its level is chosen. */
  #underWay: Frag | undefined;
  /** The segment that arrived last. */
  #arrived: Frag | undefined;
  readonly #watch: TransferWatch;

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
    this.#watch = new TransferWatch(() => this.#look(), fail);
  }

  /** Of the segment fetched last. */
  segmentS: number | undefined;

  start(): void {
    this.#hls.on("hlsFragLoaded" as Events.FRAG_LOADED, this.#handleLoaded);
    this.#hls.on("hlsFragLoading" as Events.FRAG_LOADING, this.#handleLoading);
    this.#hls.on("hlsLevelUpdated" as Events.LEVEL_UPDATED, this.#handleUpdated);
  }

  stop(): void {
    this.#watch.end();
    this.#asker.forget();
    this.#hls.off("hlsFragLoaded" as Events.FRAG_LOADED, this.#handleLoaded);
    this.#hls.off("hlsFragLoading" as Events.FRAG_LOADING, this.#handleLoading);
    this.#hls.off("hlsLevelUpdated" as Events.LEVEL_UPDATED, this.#handleUpdated);
    this.#release();
  }

  readonly #handleLoaded = (_name: unknown, { frag }: FragLoadedData): void => {
    this.#guarded(() => {
      if (!isPicture(frag)) return;
      this.#watch.end();
      if (!this.#isFree()) return;
      this.#underWay = undefined;
      this.#arrived = frag;
      const bufferMs = this.#bufferMs() + frag.duration * 1000;
      this.#advise(bufferMs, frag);
      const { loaded, loading } = frag.stats;
      this.#asker.ask(this.#arrivalOf(frag, loaded, loading.end - loading.start, bufferMs), () => this.#handleNews(frag));
    });
  };

  readonly #handleLoading = (_name: unknown, { frag }: { frag: Frag }): void => {
    this.#guarded(() => {
      if (!isPicture(frag)) return;
      this.#underWay = frag;
      this.segmentS = frag.duration;
      this.#release();
      this.#asker.begin();
      this.#watch.begin();
    });
  };

  /** The playlist of the level that was advised lacks the next segment while that of the level before has it. */
  readonly #handleUpdated = (_name: unknown, { level, details }: LevelUpdatedData): void => {
    this.#guarded(() => {
      const frag = this.#arrived;
      if (frag === undefined || level !== this.#advised || level === frag.level || !details.live) return;
      const next = Number(frag.sn) + 1;
      const { levels } = this.#hls;
      if (details.endSN >= next || (levels[frag.level]?.details?.endSN ?? -1) < next) return;
      this.#asker.miss((levels[level]?.bitrate ?? 0) / 1000, frag.duration * 1000);
      this.#handleNews(frag);
    });
  };

  /** Asks before the end of a long transfer. */
  #look(): void {
    const frag = this.#underWay;
    const running = frag && this.#runningOf(frag);
    if (frag === undefined || running === undefined || !this.#asker.isTime(running)) return;
    const arrival = this.#arrivalOf(frag, running.receivedBytes, running.elapsedMs, heldAtEnd(running));
    this.#asker.askAhead(arrival, () => this.#handleNews(frag));
  }

  #handleNews(frag: Frag): void {
    this.#guarded(() => this.#advise(this.#bufferMs(), frag));
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #advise(bufferMs: number, { duration }: Frag): void {
    if (this.#underWay !== undefined || !this.#isFree()) return;
    const kbps = this.#asker.standing;
    if (kbps === undefined) return this.#release();
    const { levels, nextAutoLevel } = this.#hls;
    const cap = this.#pageCap();
    // hls.js sorts levels by bitrate, which in HLS counts the audio rendition as the answer does.
    const highest = Math.max(0, levels.findLastIndex((level) => level.bitrate <= kbps * 1000));
    const own = isShort(bufferMs, duration * 1000) && nextAutoLevel >= 0 ? nextAutoLevel : Infinity;
    this.#advised = Math.min(highest, own, cap < 0 ? Infinity : cap);
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

  /** What the player holds ahead of the playhead. */
  #bufferMs(): number {
    return (this.#hls.mainForwardBufferInfo?.len ?? 0) * 1000;
  }

  #runningOf({ stats, level, duration }: Frag): Running | undefined {
    const { start, first, end } = stats.loading;
    if (!(start > 0) || end > 0) return undefined;
    const estimate = ((this.#hls.levels[level]?.bitrate ?? 0) * duration) / 8;
    return {
      elapsedMs: performance.now() - start,
      firstByteMs: first > 0 ? first - start : undefined,
      receivedBytes: stats.loaded,
      totalBytes: stats.total > 0 ? stats.total : Math.max(estimate, stats.loaded),
      durationMs: duration * 1000,
      bufferMs: this.#bufferMs(),
    };
  }

  #arrivalOf({ level, duration, relurl }: Frag, bytes: number, tookMs: number, bufferMs: number): Arrival {
    const { levels, latency, media, targetLatency } = this.#hls;
    return {
      ...{ bytes, tookMs, bufferMs },
      bitrateKbps: (levels[level]?.bitrate ?? 0) / 1000,
      durationMs: duration * 1000,
      latencyMs: latency * 1000,
      playing: media?.paused === false,
      client: "hls.js",
      url: relurl ?? "",
      format: "h",
      object: "av",
      ladderKbps: levels.map((level) => level.bitrate / 1000),
      targetLatencyMs: targetLatency === null ? undefined : targetLatency * 1000,
    };
  }
}

function isPicture(frag: Frag | undefined): frag is Frag {
  return frag?.type === "main" && frag.sn !== "initSegment";
}
