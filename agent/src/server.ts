import { BUFFER_STEP_MS, type Adviser, type AdviceSource, type Arrival, type RemoteAdvice } from "./adviser.js";
import type { Bearer } from "./token.js";

/** Asks `GET /v1/advice`. */
export class Server implements Adviser {
  readonly #source: AdviceSource & RemoteAdvice;
  readonly #bearer: Bearer;

  constructor(source: AdviceSource & RemoteAdvice, bearer: Bearer) {
    this.#source = source;
    this.#bearer = bearer;
  }

  async advise(arrival: Arrival, signal: AbortSignal): Promise<number | undefined> {
    const signed = this.#bearer.sign(this.#address(arrival));
    const url = typeof signed === "string" ? signed : await signed;
    if (signal.aborted) return undefined;
    const answer = await fetch(url, { signal });
    if (answer.status === 401) this.#bearer.refused();
    // 204: the player knows better, for instance while it starts.
    if (answer.status !== 200) return undefined;
    const { bitrate_kbps: kbps } = (await answer.json()) as { bitrate_kbps?: unknown };
    return typeof kbps === "number" ? kbps : undefined;
  }

  /** CMCD v2 of the arrival, in the query: whatever the edge keeps in front of `/v1/advice` stays. */
  #address(arrival: Arrival): string {
    const { bytes, tookMs, bitrateKbps, durationMs, bufferMs, latencyMs, playing, client, url, format, object } = arrival;
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
    return `${this.#source.url}${separator}client=${client}&CMCD=${encodeURIComponent(keys.join(","))}`;
  }
}

/** As CMCD counts buffer. */
function hundreds(ms: number): number {
  return Math.round(ms / BUFFER_STEP_MS) * BUFFER_STEP_MS;
}
