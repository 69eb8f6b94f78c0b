/** A token of the public listener (docs/security.md), or who gives one: asked for the first, and again for each next. */
export type TokenSource = string | (() => string | Promise<string>);

/** Name of the query parameter: a header would make browsers ask for permission before every request. */
const PARAMETER = "headroom_token";

/** A token is replaced when it has this long to live, ms. */
const EARLY = 30_000;

/** A source is not asked more often than this, ms: it may be a backend, and a refused token may be refused again. */
const PATIENCE = 2_000;

/** Holds the token of one session and renews it before it ends, or after it was refused. Without a source it does nothing. */
export class Bearer {
  readonly #source: TokenSource | undefined;
  readonly #fail: (error: unknown) => void;
  #token: string | undefined;
  #asking: Promise<void> | undefined;
  #askedAt = -Infinity;

  constructor(source: TokenSource | undefined, fail: (error: unknown) => void = () => {}) {
    this.#source = source;
    this.#fail = fail;
    this.#token = typeof source === "string" ? source : undefined;
  }

  /** `url` with the token in force, at once or when there is one; a source that fails costs the token, never the request. */
  sign(url: string): string | Promise<string> {
    if (typeof this.#source !== "function" || this.#isFresh()) return this.append(url);
    return this.#renew(this.#source).then(() => this.append(url));
  }

  /** The same with the token at hand. */
  append(url: string): string {
    if (this.#token === undefined) return url;
    return `${url}${url.includes("?") ? "&" : "?"}${PARAMETER}=${encodeURIComponent(this.#token)}`;
  }

  /** The server did not take the token: the next request asks for another. */
  refused(): void {
    if (typeof this.#source === "function") this.#token = undefined;
  }

  #isFresh(): boolean {
    return this.#token !== undefined && endOf(this.#token) - Date.now() > EARLY;
  }

  /** One question at a time, whoever waits for its answer. */
  #renew(source: () => string | Promise<string>): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    if (Date.now() - this.#askedAt < PATIENCE) return Promise.resolve();
    this.#askedAt = Date.now();
    this.#asking = (async () => {
      try {
        this.#token = await source();
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#asking = undefined;
      }
    })();
    return this.#asking;
  }
}

/** When a token ends, ms since the epoch: the third part of `hr1.KEY.EXPIRY.…`. One that does not say is good until refused. */
function endOf(token: string): number {
  const seconds = Number(token.split(".")[2]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : Infinity;
}
