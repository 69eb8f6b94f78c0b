import type { Bearer } from "./token.js";

/** Where to ask before every segment. */
export interface AdviceTarget {
  /** `https://edge.example/v1/advice`. */
  readonly url: string;
  /** Milliseconds after which an answer is not waited for, 1000 by default; the player then chooses. */
  readonly timeoutMs?: number;
}

/** Where to ask before every segment, and as whom. */
export interface AdviceSource extends AdviceTarget {
  /** CMCD `sid`, the one the player reports with. */
  readonly sessionId: string;
  /** CMCD `cid`, the one the player reports with. */
  readonly contentId: string;
}

/** A segment that has just arrived, and the player at that moment. */
export interface Arrival {
  readonly bytes: number;
  /** From the request to the last byte. */
  readonly tookMs: number;
  /** Encoded bit rate of what is played, kbit/s, audio included where `object` says so. */
  readonly bitrateKbps: number;
  readonly durationMs: number;
  readonly bufferMs: number;
  /** Behind the live edge; 0 where that is not known. */
  readonly latencyMs: number;
  readonly playing: boolean;
  readonly url: string;
  /** CMCD `sf`: HLS or DASH. */
  readonly format: "h" | "d";
  /** CMCD `ot`: video with or without sound. */
  readonly object: "av" | "v";
}

/** An answer stands this many segments: until the next one, should that be late. */
const STANDS_SEGMENTS = 2;

/**
 * Asks Headroom what to fetch next, one question at a time. Whatever goes wrong, there is simply no answer and the player
 * chooses. A late answer is no failure: until it comes the one before stands, for two choosers that take turns cost a switch
 * each time.
 */
export class Asker {
  readonly #source: AdviceSource;
  readonly #bearer: Bearer;
  readonly #fail: (error: unknown) => void;
  #question: AbortController | undefined;
  #answer: { readonly kbps: number; readonly until: number } | undefined;

  constructor(source: AdviceSource, bearer: Bearer, fail: (error: unknown) => void) {
    this.#source = source;
    this.#bearer = bearer;
    this.#fail = fail;
  }

  /** The bit rate within which to fetch the largest rung, audio included; `undefined` where the player chooses. */
  get standing(): number | undefined {
    return this.#answer !== undefined && Date.now() < this.#answer.until ? this.#answer.kbps : undefined;
  }

  /** Calls `told` when there is news, which is `standing`; never when the next question comes first. */
  async ask(arrival: Arrival, told: () => void): Promise<void> {
    if (!(arrival.bytes > 0 && arrival.tookMs > 0)) return;
    this.#question?.abort();
    const abort = new AbortController();
    this.#question = abort;
    const timer = setTimeout(() => abort.abort(), this.#source.timeoutMs ?? 1000);
    const answered = (kbps?: number): void => {
      if (abort.signal.aborted) return;
      const until = Date.now() + STANDS_SEGMENTS * arrival.durationMs;
      this.#answer = kbps === undefined ? undefined : { kbps, until };
      told();
    };
    try {
      const signed = this.#bearer.sign(this.#address(arrival));
      const url = typeof signed === "string" ? signed : await signed;
      if (abort.signal.aborted) return;
      const answer = await fetch(url, { signal: abort.signal });
      if (answer.status === 401) this.#bearer.refused();
      // 204: the player knows better, for instance while it starts.
      if (answer.status !== 200) return answered();
      const { bitrate_kbps: kbps } = (await answer.json()) as { bitrate_kbps?: unknown };
      answered(typeof kbps === "number" ? kbps : undefined);
    } catch (error) {
      if (abort.signal.aborted) return;
      answered();
      this.#fail(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nothing that was answered stands, nor what is still to come. */
  forget(): void {
    this.#question?.abort();
    this.#question = undefined;
    this.#answer = undefined;
  }

  /** CMCD v2 of the arrival, in the query: whatever the edge keeps in front of `/v1/advice` stays. */
  #address(arrival: Arrival): string {
    const { bytes, tookMs, bitrateKbps, durationMs, bufferMs, latencyMs, playing, url, format, object } = arrival;
    const [sid, cid] = [this.#source.sessionId, this.#source.contentId].map((text) => JSON.stringify(text));
    const keys = [
      `bl=(${hundreds(bufferMs)})`,
      `br=(${Math.round(bitrateKbps)};${object})`,
      `cid=${cid}`,
      `d=${Math.round(durationMs)}`,
      "e=rr",
      ...(latencyMs > 0 ? [`ltc=${Math.round(latencyMs)}`] : []),
      `mtp=(${Math.max(1, Math.round((bytes * 8) / tookMs))})`,
      `ot=${object}`,
      "rc=200",
      `sf=${format}`,
      `sid=${sid}`,
      `sta=${playing ? "p" : "a"}`,
      `ttlb=${Math.max(1, Math.round(tookMs))}`,
      `url=${JSON.stringify(url)}`,
      "v=2",
    ];
    const separator = this.#source.url.includes("?") ? "&" : "?";
    return `${this.#source.url}${separator}CMCD=${encodeURIComponent(keys.join(","))}`;
  }
}

/** CMCD counts buffer in steps of 100 ms. */
function hundreds(ms: number): number {
  return Math.round(ms / 100) * 100;
}
