import type { HlsConfig } from "hls.js";
import { Bearer, type TokenSource } from "./token.js";

/** How a player reports to Headroom. Requests carry CMCD v2 in the query in any case. */
export interface Reporting {
  /** Identifies the playback session (`sid`). A random UUID is a good value; it must not identify a person. */
  readonly sessionId: string;
  /** Identifies the stream (`cid`). */
  readonly contentId: string;
  /** Where to POST CMCD v2 events, for example `https://edge.example/v1/cmcd`. Absent: requests only. */
  readonly eventsUrl?: string;
  /** Seconds between two time events; 2 by default, the length of one decision tick. */
  readonly intervalSeconds?: number;
  /** Goes with event reports, where the server asks for tokens. */
  readonly token?: TokenSource;
}

/** Event reports (CTA-5004-B): time interval, play state, bitrate change, response received, error. */
export const EVENTS = ["t", "ps", "bc", "rr", "e"] as const;

/** CMCD v2 keys Headroom makes use of. dash.js reports an empty event unless they are listed. */
export const KEYS = [
  "ab", "bl", "br", "bs", "bsd", "cid", "d", "dfa", "dl", "e", "ec", "lab", "ltc", "msd", "mtp", "ot", "pb", "pr", "pt",
  "rc", "rtp", "sf", "sid", "sn", "st", "sta", "su", "tab", "tb", "tbl", "tpb", "ts", "ttfb", "ttlb", "url", "v",
] as const;

/** The `cmcd` part of an hls.js configuration: `new Hls({ cmcd: cmcdForHls(reporting) })`. */
export function cmcdForHls(reporting: Reporting): NonNullable<HlsConfig["cmcd"]> {
  const cmcd = { sessionId: reporting.sessionId, contentId: reporting.contentId, version: 2 as const };
  if (reporting.eventsUrl === undefined) return cmcd;
  const target = { url: reporting.eventsUrl, events: [...EVENTS], interval: reporting.intervalSeconds ?? 2 };
  // The event names are an enumeration in hls.js' types whose values are these strings.
  const bearer = new Bearer(reporting.token);
  const loader = (report: Report): Promise<{ status: number }> => deliverOnce(report, bearer);
  return { ...cmcd, eventTargets: [target], loader } as NonNullable<HlsConfig["cmcd"]>;
}

/**
 * The status the players' reporter is told. It keeps a report that fails with 429 or 5xx and sends everything kept
 * again, one request each, with every new report: while a server is away that grows without bound. Measurements age in
 * seconds, so an undeliverable report counts as delivered. 410, the request to stop, passes.
 */
export function perishable(status: number): number {
  return status === 410 || (status >= 200 && status < 300) ? status : 204;
}

interface Report {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
}

async function deliverOnce({ url, method = "POST", headers, body }: Report, bearer: Bearer): Promise<{ status: number }> {
  try {
    const signed = await bearer.sign(url);
    const response = await fetch(signed, { method, ...(headers && { headers }), ...(body && { body }), keepalive: true });
    if (response.status === 401) bearer.refused();
    return { status: perishable(response.status) };
  } catch {
    return { status: perishable(0) };
  }
}
