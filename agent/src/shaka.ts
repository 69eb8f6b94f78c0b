import type { AdviceTarget } from "./advice.js";
import { EVENTS, type Reporting } from "./cmcd.js";
import { Bearer } from "./token.js";
import { AdvisedAbr, type SegmentContext, type ShakaAbrManager, type ShakaResponse } from "./shaka-advice.js";

/** What is needed of a `shaka.Player`, 5.0 or newer; the second for advice only. */
export interface ShakaPlayer {
  configure(config: object): boolean;
  getNetworkingEngine?(): { registerResponseFilter(filter: ResponseFilter): void } | null;
}

type ResponseFilter = (type: number, response: ShakaResponse, context?: SegmentContext) => void;

/** Who advises each player that asks; a player is listened to once, however often it is configured. */
const advisers = new WeakMap<ShakaPlayer, AdvisedAbr>();
const heard = new WeakSet<ShakaPlayer>();

export interface ShakaOptions extends Reporting {
  /**
   * Asks before every segment and plays what is advised. `abrManager` makes the manager that chooses where there is no
   * answer: `() => new shaka.abr.SimpleAbrManager()`.
   */
  readonly advice?: AdviceTarget & { readonly abrManager: () => unknown };
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
      const adviser = new AdvisedAbr(inner, { ...advice, sessionId, contentId }, bearer, fail);
      advisers.set(player, adviser);
      return adviser;
    },
  };
  if (advice && !heard.has(player)) {
    heard.add(player);
    player.getNetworkingEngine?.()?.registerResponseFilter((_type, response, context = {}) => {
      try {
        advisers.get(player)?.handleResponse(response, context);
      } catch (error) {
        fail(error);
      }
    });
  }
  return player.configure({
    cmcd: { enabled: true, version: 2, useHeaders: false, sessionId, contentId, eventTargets },
    cmsd: { enabled: true, applyMaximumSuggestedBitrate: advice === undefined },
    abr: { switchInterval: interval },
    ...advised,
  });
}
