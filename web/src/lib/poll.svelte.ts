/** A resource read again and again while its view is open. */
import { Refused, read } from "./api";

const SLOWLY_MS = 15_000;

export class Poll<T> {
  value = $state.raw<T | null>(null);
  /** Why the latest attempt failed; `value` keeps the last good answer. */
  problem = $state.raw<Refused | null>(null);
  /** Whether anything has been answered yet. */
  asked = $state(false);

  /** Call in an effect: reads `path()` every `every_ms` until the effect ends. `take` may merge an answer into the last. */
  follow(path: () => string, every_ms: number, take: (answer: T, before: T | null) => T = (answer) => answer): () => void {
    const abort = new AbortController();
    let timer = 0;
    const step = async () => {
      try {
        this.value = take(await read<T>(path(), abort.signal), this.value);
        this.problem = null;
      } catch (error) {
        if (abort.signal.aborted) return;
        this.problem = error instanceof Refused ? error : new Refused(0, "The answer cannot be read.");
      }
      this.asked = true;
      // A page nobody looks at, and a resource that is not there, can wait.
      const slowly = document.hidden || this.problem?.status === 404;
      if (!abort.signal.aborted) timer = window.setTimeout(step, slowly ? Math.max(every_ms, SLOWLY_MS) : every_ms);
    };
    void step();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }
}
