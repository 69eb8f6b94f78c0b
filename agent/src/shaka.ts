import { EVENTS, type Reporting } from "./cmcd.js";

/** The one method of a `shaka.Player` (5.0 or newer) that is needed here. */
export interface ShakaPlayer {
  configure(config: object): boolean;
}

/**
 * Switches Shaka Player to CMCD v2 reports and makes sure that it obeys the bitrate cap of CMSD response headers, which
 * is its default. Shaka reconsiders its rung every 8 s; here that becomes one reporting interval, so that a cap acts with
 * the next segment. Call it before `load`. Returns `false` when the player refused a setting.
 */
export function configureShaka(player: ShakaPlayer, reporting: Reporting): boolean {
  const { sessionId, contentId, eventsUrl: url, intervalSeconds: interval = 2 } = reporting;
  const eventTargets =
    url === undefined
      ? []
      : [{ enabled: true, url, interval, events: [...EVENTS], mode: "event", useHeaders: false, includeKeys: [] }];
  return player.configure({
    cmcd: { enabled: true, version: 2, useHeaders: false, sessionId, contentId, eventTargets },
    cmsd: { enabled: true, applyMaximumSuggestedBitrate: true },
    abr: { switchInterval: interval },
  });
}
