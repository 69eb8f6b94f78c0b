import { BUFFER_STEP_MS, type AdviceSource, type Adviser, type Arrival } from "./adviser.js";
import { LocalEngine } from "./local.js";
import { Server } from "./server.js";
import type { Bearer } from "./token.js";
import { remainingMs, type Running } from "./transfer.js";

/** An answer stands this many segments: until the next one, should that be late. */
const STANDS_SEGMENTS = 2;

/** What a question takes before one was answered, and at most, ms. */
const ANSWER_MS = { first: 100, most: 500 };

/** A question is asked this much earlier than the answer is needed, ms: a transfer is looked at so often. */
const SPARE_MS = 100;

/** A transfer is asked about before its end once it has taken this part of the segment's duration: shorter ones are waited for. */
const LONG = 0.5;

/**
 * Asks Headroom what to fetch next, one question at a time. Nobody waits for the answer: it is asked for while the player
 * waits for the live edge, or before the end of a transfer after which it will not. Whatever goes wrong, there is simply no
 * answer and the player chooses. A late answer is no failure: until it comes the one before stands, for two choosers that
 * take turns cost a switch each time.
 */
export class Asker {
  readonly #adviser: Adviser;
  readonly #timeoutMs: number;
  readonly #fail: (error: unknown) => void;
  #question: AbortController | undefined;
  #answerMs = ANSWER_MS.first;
  /** When the transfer under way was asked about. */
  #aheadAt = -Infinity;
  #answer: { readonly kbps: number; readonly until: number } | undefined;
  /** The lowest rung whose next segment was not there. */
  #missing: { readonly kbps: number; readonly until: number } | undefined;

  constructor(source: AdviceSource, bearer: Bearer, fail: (error: unknown) => void) {
    this.#adviser = source.mode === "local" ? new LocalEngine(source) : new Server(source, bearer);
    this.#timeoutMs = (source.mode === "local" ? undefined : source.timeoutMs) ?? 1000;
    this.#fail = fail;
  }

  /** The bit rate within which to fetch the largest rung, audio included; `undefined` where the player chooses. */
  get standing(): number | undefined {
    const now = Date.now();
    if (this.#answer === undefined || now >= this.#answer.until) return undefined;
    // Below the rung that is missing, by less than rungs differ.
    const published = this.#missing !== undefined && now < this.#missing.until ? this.#missing.kbps - 1 : Infinity;
    return Math.min(this.#answer.kbps, published);
  }

  /** The next segment of the rung of `kbps` is not published: for a while nothing as high is advised. */
  miss(kbps: number, durationMs: number): void {
    this.#missing = { kbps, until: Date.now() + STANDS_SEGMENTS * durationMs };
  }

  /** A transfer begins. */
  begin(): void {
    this.#aheadAt = -Infinity;
  }

  /** Whether to ask now what follows the transfer under way: once, so that the answer comes just before its end. */
  isTime(running: Running): boolean {
    const rest = remainingMs(running);
    if (this.#aheadAt > 0 || rest === undefined) return false;
    return running.elapsedMs >= LONG * running.durationMs && rest <= this.#answerMs + SPARE_MS;
  }

  /** Asks before the end of a transfer; `arrival` is what it will have been. */
  askAhead(arrival: Arrival, told: () => void): void {
    this.#aheadAt = Date.now();
    void this.#ask(arrival, told);
  }

  /**
   * Asks as a segment arrives, unless that was done while it came. Calls `told` when there is news, which is `standing`; never
   * when the next question comes first.
   */
  ask(arrival: Arrival, told: () => void): void {
    if (Date.now() - this.#aheadAt > 2 * ANSWER_MS.most) void this.#ask(arrival, told);
  }

  async #ask(arrival: Arrival, told: () => void): Promise<void> {
    if (!(arrival.bytes > 0 && arrival.tookMs > 0) || isShort(arrival.bufferMs, arrival.durationMs)) return;
    this.#question?.abort();
    const abort = new AbortController();
    this.#question = abort;
    const askedAt = Date.now();
    const timer = setTimeout(() => abort.abort(), this.#timeoutMs);
    const answered = (kbps?: number): void => {
      if (abort.signal.aborted) return;
      const until = Date.now() + STANDS_SEGMENTS * arrival.durationMs;
      this.#answer = kbps === undefined ? undefined : { kbps, until };
      told();
    };
    try {
      const kbps = await this.#adviser.advise(arrival, abort.signal);
      this.#answerMs = Math.min(ANSWER_MS.most, (this.#answerMs + Date.now() - askedAt) / 2);
      answered(kbps);
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
}

/**
 * With no more than one segment in the buffer nobody asks, and what was advised before only bounds what the player chooses:
 * there is no time to be wrong.
 */
export function isShort(bufferMs: number, durationMs: number): boolean {
  return bufferMs < durationMs + BUFFER_STEP_MS / 2;
}
