import { every } from "./transfer.js";

/** By how much playback slows down at most. This and the border are those of headroom-core. */
const SLOWEST = 0.08;

/** Slowing begins below this part of the target latency and is complete at half of it. */
const BORDER = 2 / 3;

/** How often the buffer is looked at, ms. */
const STEP_MS = 250;

/** A buffer of less than this is empty: players stop with some frames left. */
const EMPTY_S = 0.1;

/** The fastest a player with `bufferS` ahead of it may play: 1, falling to 0.92 as the buffer runs out. */
export function stretchedRate(bufferS: number, targetLatencyS: number): number {
  const borderS = BORDER * targetLatencyS;
  if (!(borderS > 0)) return 1;
  return 1 - SLOWEST * Math.min(1, Math.max(0, (borderS - bufferS) / (borderS / 2)));
}

/** What is needed of a media element. */
export interface StretchedMedia {
  playbackRate: number;
  preservesPitch?: boolean;
  readonly currentTime: number;
  readonly paused: boolean;
  readonly seeking?: boolean;
  readonly ended?: boolean;
  readonly buffered?: { readonly length: number; start(index: number): number; end(index: number): number };
}

/** The player whose playback is stretched; all is asked anew at every step. */
export interface StretchedPlayer {
  media(): StretchedMedia | null | undefined;
  /** Behind the live edge, as the page wants it; nothing where the stream is not live. */
  targetLatencyS(): number | null | undefined;
  segmentS(): number | undefined;
  /** Called when stretching begins and ends, for a player whose catch-up would take the rate back. */
  hold?(held: boolean): void;
}

/**
 * Slows playback down while the buffer is short, so that an outage finds more of it. A rate that somebody else has chosen is
 * left alone, and who takes the rate back while it is stretched keeps it until the buffer has recovered.
 */
export class Stretch {
  readonly #player: StretchedPlayer;
  readonly #fail: (error: unknown) => void;
  /** The buffer was full once, or ran empty. Before, the player is starting, and fills it by itself. */
  #started = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The rate that was set here; 1 is none. */
  #imposed = 1;
  #yielded = false;
  #held = false;
  /** Whether the page keeps the pitch by itself. */
  #pagePitch = true;
  #ceiling = 1;

  constructor(player: StretchedPlayer, fail: (error: unknown) => void) {
    this.#player = player;
    this.#fail = fail;
  }

  start(): void {
    if (this.#timer === undefined) this.#timer = every(STEP_MS, () => this.step());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#ceiling = 1;
    this.#guarded(() => this.#impose(this.#player.media(), 1));
  }

  /** The fastest the server allows, up to 1; the buffer may ask for less. */
  limit(ceiling: number): void {
    this.#ceiling = Math.min(1, ceiling);
    this.step();
  }

  step(): void {
    this.#guarded(() => {
      const media = this.#player.media();
      if (!media) return;
      const idle = media.paused || media.seeking === true || media.ended === true;
      // Down to whole hundredths: an element that is told another rate at every step has no time to play at any.
      const stretched = idle || this.#timer === undefined ? 1 : Math.floor(this.#stretched(media) * 100) / 100;
      this.#impose(media, idle ? 1 : Math.min(stretched, this.#ceiling));
    });
  }

  #stretched(media: StretchedMedia): number {
    const target = this.#player.targetLatencyS();
    const bufferS = bufferOf(media);
    if (target == null || !(target > 0) || bufferS === undefined) return 1;
    // A player that waits for whole segments holds a segment less than its latency before each of them comes.
    const segmentS = this.#player.segmentS() ?? target / 3;
    const rate = stretchedRate(bufferS, Math.min(target, (target - segmentS) / BORDER));
    // A player that starts begins to play with next to nothing, but not with nothing.
    if (rate === 1 || (bufferS < EMPTY_S && media.currentTime > 0)) this.#started = true;
    return this.#started ? rate : 1;
  }

  #impose(media: StretchedMedia | null | undefined, rate: number): void {
    const slow = rate < 1;
    if (!media) return;
    if (!slow) this.#yielded = false;
    this.#hold(slow && !this.#yielded);
    const { playbackRate: current } = media;
    // 0: the player holds playback while it waits for media.
    if (current === 0) return;
    if (this.#imposed < 1 && current !== this.#imposed) this.#yielded = slow;
    const ours = current === 1 || current === this.#imposed;
    if (!ours || this.#yielded) {
      this.#imposed = 1;
      this.#hold(false);
    } else {
      if (current !== rate) media.playbackRate = rate;
      this.#imposed = rate;
    }
    this.#keepPitch(media, this.#imposed < 1);
  }

  #hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    this.#player.hold?.(held);
  }

  #keepPitch(media: StretchedMedia, slow: boolean): void {
    if (slow && media.preservesPitch === false) {
      this.#pagePitch = false;
      media.preservesPitch = true;
    }
    if (!slow && this.#pagePitch === false) {
      media.preservesPitch = false;
      this.#pagePitch = true;
    }
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }
}

/** Seconds ahead of the playhead without a gap; nothing where that is not known. */
export function bufferOf(media: StretchedMedia | null | undefined): number | undefined {
  const { currentTime, buffered } = media ?? {};
  if (buffered === undefined || currentTime === undefined) return undefined;
  for (let index = 0; index < buffered.length; index++) {
    // A tenth of a second: players step over such gaps.
    if (buffered.start(index) <= currentTime + 0.1 && currentTime < buffered.end(index)) {
      return buffered.end(index) - currentTime;
    }
  }
  return 0;
}
