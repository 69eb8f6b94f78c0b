import { Asker, type AdviceSource, type Arrival } from "./advice.js";
import type { Bearer } from "./token.js";

/** What advice needs of a dash.js `MediaPlayer`, 5.1 or newer, beside its settings. */
export interface AdvisedDashPlayer {
  addABRCustomRule(type: string, name: string, rule: object): void;
  on(event: string, listener: (event: { request?: DashSegment; mediaType?: string }) => void): void;
  getBufferLength(type: "video"): number;
  getCurrentLiveLatency(): number;
  getCurrentRepresentationForType(type: "audio" | "video"): { bitrateInKbit: number } | null;
  isPaused(): boolean;
}

/** The part of dash.js' `FragmentRequest` that is read. */
interface DashSegment {
  mediaType?: string;
  type?: string | null;
  url?: string | null;
  duration?: number;
  bytesLoaded?: number;
  startDate?: Date | null;
  endDate?: Date | null;
  representation?: { bitrateInKbit?: number } | null;
}

/** The parts of dash.js' `RulesContext` and `AbrController` that are used. */
interface RulesContext {
  getMediaType(): string;
  getMediaInfo(): object;
  getAbrController(): { getOptimalRepresentationForBitrate(mediaInfo: object, kbps: number, compatible: boolean): object | null };
}

/** dash.js' `SwitchRequest`: `representation` null is "no change", the strongest priority decides alone. */
interface SwitchRequest {
  representation: object | null;
  reason: object | null;
  priority: 1 | 0.5;
  rule: string;
}

const STRONG = 1;
const DEFAULT = 0.5;
const NAME = "HeadroomAdviceRule";

/**
 * A rule of dash.js' own kind: asks each time a segment of the picture has arrived and, while an answer stands, outvotes the
 * other rules. dash.js' rule for transfers that will not make it stays in force, and ends the answer it contradicts.
 */
export function adviseDash(
  player: AdvisedDashPlayer,
  source: AdviceSource,
  bearer: Bearer,
  fail: (error: unknown) => void,
): void {
  const asker = new Asker(source, bearer, fail);
  const guarded = <T>(otherwise: T, action: () => T): T => {
    try {
      return action();
    } catch (error) {
      fail(error);
      return otherwise;
    }
  };

  player.on("fragmentLoadingCompleted", ({ request }) =>
    guarded(undefined, () => {
      if (isPicture(request)) void asker.ask(arrivalOf(player, request), () => {});
    }),
  );
  player.on("fragmentLoadingAbandoned", ({ mediaType }) => {
    if (mediaType === "video") asker.forget();
  });

  const silence: SwitchRequest = { representation: null, reason: null, priority: DEFAULT, rule: NAME };
  const rule = {
    getClassName: () => NAME,
    reset: () => asker.forget(),
    getSwitchRequest: (context: RulesContext): SwitchRequest =>
      guarded(silence, () => {
        const advised = asker.standing;
        if (advised === undefined || context.getMediaType() !== "video") return silence;
        // The answer counts audio, dash.js' representations of the picture do not.
        const kbps = Math.max(0, advised - (player.getCurrentRepresentationForType("audio")?.bitrateInKbit ?? 0));
        const mediaInfo = context.getMediaInfo();
        const representation = context.getAbrController().getOptimalRepresentationForBitrate(mediaInfo, kbps, true);
        return { representation, reason: { advisedKbps: advised }, priority: STRONG, rule: NAME };
      }),
  };
  player.addABRCustomRule("qualitySwitchRules", NAME, () => ({ create: () => rule }));
}

function isPicture(request: DashSegment | undefined): request is DashSegment {
  return request?.mediaType === "video" && request.type === "MediaSegment";
}

function arrivalOf(player: AdvisedDashPlayer, request: DashSegment): Arrival {
  const video = request.representation ?? player.getCurrentRepresentationForType("video");
  const audio = player.getCurrentRepresentationForType("audio");
  const latency = player.getCurrentLiveLatency();
  return {
    bytes: request.bytesLoaded ?? 0,
    tookMs: (request.endDate?.getTime() ?? 0) - (request.startDate?.getTime() ?? 0),
    bitrateKbps: (video?.bitrateInKbit ?? 0) + (audio?.bitrateInKbit ?? 0),
    durationMs: (request.duration ?? 0) * 1000,
    bufferMs: player.getBufferLength("video") * 1000,
    latencyMs: Number.isFinite(latency) ? latency * 1000 : 0,
    playing: !player.isPaused(),
    url: request.url?.split(/[?#]/)[0]?.split("/").at(-1) ?? "",
    format: "d",
    object: "av",
  };
}
