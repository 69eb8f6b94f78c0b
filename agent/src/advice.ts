import type Hls from "hls.js";
import type { Events, FragLoadedData } from "hls.js";

/** Where to ask before every segment, and as whom. */
export interface AdviceSource {
  /** `https://edge.example/v1/advice`. */
  readonly url: string;
  /** CMCD `sid`, the one the player reports with. */
  readonly sessionId: string;
  /** CMCD `cid`, the one the player reports with. */
  readonly contentId: string;
  /** Milliseconds after which an answer is not waited for, 1000 by default; the player then chooses. */
  readonly timeoutMs?: number;
}

/**
 * Asks Headroom what to fetch next each time a segment has arrived. The answer is the level of the next segment only: as
 * soon as that is under way hls.js is in automatic mode again, with its own rule for transfers that will not make it, and
 * where no answer comes in time it simply chooses.
 */
export class Adviser {
  readonly #hls: Hls;
  readonly #source: AdviceSource;
  readonly #pageCap: () => number;
  readonly #fail: (error: unknown) => void;
  #question: AbortController | undefined;
  /** The level set here, so that a level the page has set by hand is left alone. */
  #advised = -1;

  /** `pageCap` is the highest level the page allows, -1 for any: Headroom's own cap is part of its advice. */
  constructor(hls: Hls, source: AdviceSource, pageCap: () => number, fail: (error: unknown) => void) {
    this.#hls = hls;
    this.#source = source;
    this.#pageCap = pageCap;
    this.#fail = fail;
  }

  start(): void {
    this.#hls.on("hlsFragLoaded" as Events.FRAG_LOADED, this.#handleLoaded);
    this.#hls.on("hlsFragLoading" as Events.FRAG_LOADING, this.#handleLoading);
  }

  stop(): void {
    this.#question?.abort();
    this.#hls.off("hlsFragLoaded" as Events.FRAG_LOADED, this.#handleLoaded);
    this.#hls.off("hlsFragLoading" as Events.FRAG_LOADING, this.#handleLoading);
    this.#release();
  }

  readonly #handleLoaded = (_name: unknown, data: FragLoadedData): void => {
    this.#guarded(() => {
      const question = this.#questionOf(data);
      if (question !== undefined && this.#isFree()) void this.#ask(question);
    });
  };

  readonly #handleLoading = (_name: unknown, { frag }: { frag: FragLoadedData["frag"] }): void => {
    this.#guarded(() => {
      if (!isPicture(frag)) return;
      this.#question?.abort();
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

  async #ask(question: string): Promise<void> {
    this.#question?.abort();
    const abort = new AbortController();
    this.#question = abort;
    const timer = setTimeout(() => abort.abort(), this.#source.timeoutMs ?? 1000);
    try {
      const answer = await fetch(question, { signal: abort.signal });
      // 204: the player knows better, for instance while it starts.
      if (answer.status !== 200) return;
      const { bitrate_kbps: kbps } = (await answer.json()) as { bitrate_kbps?: unknown };
      if (typeof kbps === "number" && !abort.signal.aborted && this.#isFree()) this.#advise(kbps);
    } catch (error) {
      if (!abort.signal.aborted) this.#fail(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #advise(kbps: number): void {
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

  /** The question after a segment of the picture: CMCD v2 of its arrival. */
  #questionOf({ frag }: FragLoadedData): string | undefined {
    if (!isPicture(frag)) return undefined;
    const { stats, level } = frag;
    const tookMs = stats.loading.end - stats.loading.start;
    if (stats.loaded <= 0 || !(tookMs > 0)) return undefined;
    const { levels, latency, media } = this.#hls;
    const bitsPerMs = (stats.loaded * 8) / tookMs;
    const buffered = this.#hls.mainForwardBufferInfo?.len ?? 0;
    const [sid, cid] = [this.#source.sessionId, this.#source.contentId].map((text) => JSON.stringify(text));
    const keys = [
      `bl=(${hundreds(buffered * 1000)})`,
      `br=(${Math.round((levels[level]?.bitrate ?? 0) / 1000)};av)`,
      `cid=${cid}`,
      `d=${Math.round(frag.duration * 1000)}`,
      "e=rr",
      ...(latency > 0 ? [`ltc=${Math.round(latency * 1000)}`] : []),
      `mtp=(${Math.max(1, Math.round(bitsPerMs))})`,
      "ot=av",
      "rc=200",
      "sf=h",
      `sid=${sid}`,
      `sta=${media?.paused === false ? "p" : "a"}`,
      `ttlb=${Math.max(1, Math.round(tookMs))}`,
      `url=${JSON.stringify(frag.relurl ?? "")}`,
      "v=2",
    ];
    return `${this.#source.url}?CMCD=${encodeURIComponent(keys.join(","))}`;
  }
}

function isPicture(frag: FragLoadedData["frag"] | undefined): frag is FragLoadedData["frag"] {
  return frag?.type === "main" && frag.sn !== "initSegment";
}

/** CMCD counts buffer in steps of 100 ms. */
function hundreds(ms: number): number {
  return Math.round(ms / 100) * 100;
}
