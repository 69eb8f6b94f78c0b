import type { AdviceTarget } from "./adviser.js";
import { EVENTS, type Reporting } from "./cmcd.js";
import { Bearer } from "./token.js";
import { AdvisedAbr, type LiveEdge, type SegmentContext, type ShakaAbrManager, type ShakaResponse } from "./shaka-advice.js";
import { Stretch, type StretchedMedia } from "./stretch.js";

/** What is needed of a `shaka.Player`, 5.0 or newer: all but the first for advice and stretching only. */
export interface ShakaPlayer {
  configure(config: object): boolean;
  getNetworkingEngine?(): NetworkingEngine | null;
  addEventListener?(name: string, listener: (event: never) => void): void;
  getMediaElement?(): StretchedMedia | null;
  isLive?(): boolean;
  /** Where a viewer may seek to: up to the presentation delay behind the live edge. */
  seekRange?(): { end: number };
  getPresentationStartTimeAsDate?(): Date | null;
}

interface NetworkingEngine {
  registerRequestFilter(filter: (type: number, request: object, context?: SegmentContext) => void): void;
  registerResponseFilter(filter: (type: number, response: ShakaResponse, context?: SegmentContext) => void): void;
}

/** Shaka's event of a response's head. */
interface HeadersEvent {
  request?: object;
  headers?: Record<string, string>;
}

/** Who advises each player that asks; a player is listened to once, however often it is configured. */
const advisers = new WeakMap<ShakaPlayer, AdvisedAbr>();
const heard = new WeakSet<ShakaPlayer>();
const stretches = new WeakMap<ShakaPlayer, Stretch>();

export interface ShakaOptions extends Reporting {
  /**
   * Asks before every segment, plays what is advised, and gives transfers up that will not make it. `abrManager` makes the manager that chooses where there is no
   * answer: `() => new shaka.abr.SimpleAbrManager()`.
   */
  readonly advice?: AdviceTarget & { readonly abrManager: () => unknown };
  /** Slows playback down, to 0.92 at most, while the buffer is short; `true` by default. */
  readonly stretch?: boolean;
  /** Called when asking failed. Playback is never affected. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Switches Shaka Player to CMCD v2 reports and makes sure that it obeys the bitrate cap of CMSD response headers, which
 * is its default. Shaka reconsiders its rung every 8 s; here that becomes one reporting interval, so that a cap acts with
 * the next segment. Call it before `load`. Shaka has one address for its reports: a token for them has to be a text, and with the
 * next one this is called again. Returns `false` when the player refused a setting.
 */
export function configureShaka(player: ShakaPlayer, options: ShakaOptions): boolean {
  const { sessionId, contentId, eventsUrl, intervalSeconds: interval = 2, advice, onError } = options;
  const bearer = new Bearer(options.token, (error) => onError?.(error));
  const url = eventsUrl && bearer.append(eventsUrl);
  const eventTargets =
    url === undefined
      ? []
      : [{ enabled: true, url, interval, events: [...EVENTS], mode: "event", useHeaders: false, includeKeys: [] }];
  const fail = (error: unknown): void => onError?.(error);
  const advised = advice && {
    abrFactory: () => {
      const inner = advice.abrManager() as ShakaAbrManager;
      const source = { ...advice, sessionId, contentId };
      const adviser = new AdvisedAbr(inner, source, bearer, edgeOf(player), fail);
      advisers.set(player, adviser);
      return adviser;
    },
  };
  if (advice) listen(player, fail);
  stretch(player, options.stretch !== false, fail);
  return player.configure({
    cmcd: { enabled: true, version: 2, useHeaders: false, sessionId, contentId, eventTargets },
    cmsd: { enabled: true, applyMaximumSuggestedBitrate: advice === undefined },
    abr: { switchInterval: interval },
    ...advised,
  });
}

/** Hands the adviser in force what goes over the network. */
function listen(player: ShakaPlayer, fail: (error: unknown) => void): void {
  if (heard.has(player)) return;
  heard.add(player);
  const guarded = (action: (adviser: AdvisedAbr) => void): void => {
    const adviser = advisers.get(player);
    try {
      if (adviser !== undefined) action(adviser);
    } catch (error) {
      fail(error);
    }
  };
  const network = player.getNetworkingEngine?.();
  network?.registerRequestFilter((_type, request, context = {}) => guarded((adviser) => adviser.handleRequest(request, context)));
  network?.registerResponseFilter((_type, response, context = {}) => guarded((adviser) => adviser.handleResponse(response, context)));
  player.addEventListener?.("downloadheadersreceived", ({ request, headers }: HeadersEvent) =>
    guarded((adviser) => adviser.handleHeaders(request, headers)),
  );
}

function edgeOf(player: ShakaPlayer): LiveEdge {
  /** Behind the clock of the stream at a position. */
  const behind = (positionS: number | undefined): number | undefined => {
    const start = player.isLive?.() ? player.getPresentationStartTimeAsDate?.() : undefined;
    return start == null || positionS === undefined ? undefined : (Date.now() - start.getTime()) / 1000 - positionS;
  };
  return {
    latencyS: () => behind(player.getMediaElement?.()?.currentTime),
    // Shaka joins a live stream at the end of what can be sought.
    targetLatencyS: () => behind(player.seekRange?.().end),
  };
}

function stretch(player: ShakaPlayer, wanted: boolean, fail: (error: unknown) => void): void {
  const stretched = {
    media: () => player.getMediaElement?.(),
    targetLatencyS: edgeOf(player).targetLatencyS,
    segmentS: () => advisers.get(player)?.segmentS,
  };
  const one = stretches.get(player) ?? new Stretch(stretched, fail);
  stretches.set(player, one);
  if (wanted) one.start();
  else one.stop();
}
