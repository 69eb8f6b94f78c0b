import type { AdviceTarget } from "./advice.js";
import { EVENTS, KEYS, perishable, type Reporting } from "./cmcd.js";
import { Bearer } from "./token.js";
import { adviseDash, type AdvisedDashPlayer } from "./dash-advice.js";

/** What is needed of a dash.js `MediaPlayer`, 5.1 or newer. */
export interface DashPlayer extends Partial<AdvisedDashPlayer> {
  updateSettings(settings: object): void;
  addRequestInterceptor?(interceptor: (request: DashRequest) => Promise<DashRequest>): void;
  addResponseInterceptor(interceptor: (response: DashResponse) => Promise<DashResponse>): void;
}

/** The part of dash.js' `CommonMediaRequest` that is read and changed. */
interface DashRequest {
  url: string;
}

/** The part of dash.js' `CommonMediaResponse` that is read and changed. */
interface DashResponse {
  request: { url: string };
  status?: number;
}

export interface DashOptions extends Reporting {
  /**
   * Asks before every segment and fetches what is advised. The cap of response headers is then not applied: it is part of
   * the advice, and comes later.
   */
  readonly advice?: AdviceTarget;
  /** Called when asking failed. Playback is never affected. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Switches a dash.js player to CMCD v2 reports and lets it obey the bitrate cap (`mb`) and the expected throughput
 * (`etp`) of CMSD response headers. dash.js keeps the last `mb` it saw: Headroom therefore raises a cap, and never
 * just stops sending it. Call it once for each player, before `initialize`.
 */
export function configureDash(player: DashPlayer, options: DashOptions): void {
  const { sessionId: sid, contentId: cid, eventsUrl: url, intervalSeconds: interval = 2, advice, onError } = options;
  const eventTargets =
    url === undefined ? [] : [{ enabled: true, url, interval, events: [...EVENTS], enabledKeys: [...KEYS] }];
  player.updateSettings({
    streaming: {
      cmcd: { enabled: true, version: 2, mode: "query", sid, cid, eventTargets },
      cmsd: { enabled: true, abr: { applyMb: advice === undefined } },
      // By default dash.js fetches what it holds again with every step up. Advice counts on what is held.
      ...(advice !== undefined && { buffer: { fastSwitchEnabled: false } }),
    },
  });
  const fail = (error: unknown): void => onError?.(error);
  const bearer = new Bearer(options.token, fail);
  if (advice !== undefined) {
    adviseDash(player as AdvisedDashPlayer, { ...advice, sessionId: sid, contentId: cid }, bearer, fail);
  }
  if (url === undefined) return;
  player.addRequestInterceptor?.(async (request) => {
    if (request.url === url) request.url = await bearer.sign(url);
    return request;
  });
  player.addResponseInterceptor(async (response) => {
    // Whatever token it was sent with: that in force may be another by now.
    if (response.request.url.startsWith(url)) {
      if (response.status === 401) bearer.refused();
      response.status = perishable(response.status ?? 0);
    }
    return response;
  });
}
