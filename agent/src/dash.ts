import type { AdviceTarget } from "./adviser.js";
import { EVENTS, KEYS, perishable, type Reporting } from "./cmcd.js";
import { Bearer } from "./token.js";
import { ABANDON_SETTINGS, DashAdviser, type AdvisedDashPlayer } from "./dash-advice.js";
import { Stretch, type StretchedMedia } from "./stretch.js";

/** What is needed of a dash.js `MediaPlayer`, 5.1 or newer. */
export interface DashPlayer extends Partial<AdvisedDashPlayer> {
  updateSettings(settings: object): void;
  addRequestInterceptor?(interceptor: (request: DashRequest) => Promise<DashRequest>): void;
  addResponseInterceptor(interceptor: (response: DashResponse) => Promise<DashResponse>): void;
  getVideoElement?(): StretchedMedia;
  getTargetLiveDelay?(): number;
  isDynamic?(): boolean;
}

/** The part of dash.js' `CommonMediaRequest` that is read and changed. */
interface DashRequest {
  url: string;
  customData?: { request?: { mediaType?: string }; abort?: () => void };
}

/** The part of dash.js' `CommonMediaResponse` that is read and changed. */
interface DashResponse {
  request: { url: string };
  status?: number;
}

export interface DashOptions extends Reporting {
  /**
   * Asks before every segment and fetches what is advised. The cap of response headers is then not applied: it is part of
   * the advice, and comes later. Transfers that will not make it are then given up by the agent's rule, not by dash.js'.
   */
  readonly advice?: AdviceTarget;
  /** Slows playback down, to 0.92 at most, while the buffer is short; `true` by default. */
  readonly stretch?: boolean;
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
      ...(advice !== undefined && { buffer: { fastSwitchEnabled: false }, ...ABANDON_SETTINGS }),
    },
  });
  const fail = (error: unknown): void => onError?.(error);
  const bearer = new Bearer(options.token, fail);
  const source = advice && { ...advice, sessionId: sid, contentId: cid };
  const adviser = source && new DashAdviser(player as AdvisedDashPlayer, source, bearer, fail);
  adviser?.start();
  endAbandoned(player, fail);
  if (options.stretch !== false) stretchDash(player, () => adviser?.segmentS, fail);
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

/** Stretches from the first stream on; dash.js has no media element to ask for before. */
function stretchDash(player: DashPlayer, segmentS: () => number | undefined, fail: (error: unknown) => void): void {
  const stretch = new Stretch(
    {
      media: () => {
        try {
          return player.getVideoElement?.();
        } catch {
          return undefined; // Without a media element dash.js throws.
        }
      },
      targetLatencyS: () => (player.isDynamic?.() ? player.getTargetLiveDelay?.() : undefined),
      segmentS,
    },
    fail,
  );
  player.on?.("streamInitialized", () => stretch.start());
  player.on?.("streamTeardownComplete", () => stretch.stop());
}

/**
 * Ends the transfers that dash.js gives up. With CMCD on dash.js 5.2 does not: it copies the request to add its parameters, and
 * looks for the means to end it in the original. The transfer then goes on beside the one that replaces it, and its media is
 * appended behind the initialisation of another rung: a fatal error of the decoder, or a picture of nothing.
 */
function endAbandoned(player: DashPlayer, fail: (error: unknown) => void): void {
  /** By media type, what dash.js really sent last. */
  const sent = new Map<string, DashRequest>();
  player.addRequestInterceptor?.(async (request) => {
    const mediaType = request.customData?.request?.mediaType;
    if (mediaType !== undefined) sent.set(mediaType, request);
    return request;
  });
  player.on?.("qualityChangeRequested", ({ mediaType = "", reason }) => {
    try {
      if (reason?.forceAbandon === true) sent.get(mediaType)?.customData?.abort?.();
    } catch (error) {
      fail(error);
    }
  });
}
