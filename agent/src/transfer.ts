/** How often a running transfer is looked at, ms. */
const LOOK_MS = 100;

/** A segment of the picture that is being fetched, and the player at this moment. */
export interface Running {
  /** Since the request. */
  readonly elapsedMs: number;
  /** From the request to the first byte; nothing while none has come. */
  readonly firstByteMs: number | undefined;
  readonly receivedBytes: number;
  /** The whole segment, as announced or else by bit rate. */
  readonly totalBytes: number;
  readonly durationMs: number;
  /** Ahead of the playhead, without this segment. */
  readonly bufferMs: number;
}

/** When the rest of a transfer will be here at the rate so far, ms; nothing while no byte has come. */
export function remainingMs({ receivedBytes, totalBytes, elapsedMs, firstByteMs = 0 }: Running): number | undefined {
  if (!(receivedBytes > 0)) return undefined;
  return (Math.max(0, totalBytes - receivedBytes) * Math.max(1, elapsedMs - firstByteMs)) / receivedBytes;
}

/** What will be ahead of the playhead when the segment is there, it included, ms. */
export function heldAtEnd(running: Running): number {
  return Math.max(0, running.bufferMs - (remainingMs(running) ?? 0)) + running.durationMs;
}

/** Looks at the running transfer ten times a second, whether or not anything arrives. */
export class TransferWatch {
  readonly #look: () => void;
  readonly #fail: (error: unknown) => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(look: () => void, fail: (error: unknown) => void) {
    this.#look = look;
    this.#fail = fail;
  }

  begin(): void {
    this.end();
    const timer = every(LOOK_MS, () => {
      try {
        if (timer === this.#timer) this.#look();
      } catch (error) {
        this.#fail(error);
      }
    });
    this.#timer = timer;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** An interval that keeps no process alive: only Node asks that question. */
export function every(ms: number, action: () => void): ReturnType<typeof setInterval> {
  const timer = setInterval(action, ms);
  (timer as { unref?(): void }).unref?.();
  return timer;
}
