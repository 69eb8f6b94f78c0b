import { EVENTS, KEYS, type Reporting } from "./cmcd.js";

/** The one method of a dash.js `MediaPlayer` (5.1 or newer) that is needed here. */
export interface DashPlayer {
  updateSettings(settings: object): void;
}

/**
 * Switches a dash.js player to CMCD v2 reports and lets it obey the bitrate cap (`mb`) and the expected throughput
 * (`etp`) of CMSD response headers. dash.js keeps the last `mb` it saw: Headroom therefore raises a cap, and never
 * just stops sending it.
 */
export function configureDash(player: DashPlayer, reporting: Reporting): void {
  const { sessionId: sid, contentId: cid, eventsUrl: url, intervalSeconds: interval = 2 } = reporting;
  const eventTargets =
    url === undefined ? [] : [{ enabled: true, url, interval, events: [...EVENTS], enabledKeys: [...KEYS] }];
  player.updateSettings({
    streaming: {
      cmcd: { enabled: true, version: 2, mode: "query", sid, cid, eventTargets },
      cmsd: { enabled: true, abr: { applyMb: true } },
    },
  });
}
