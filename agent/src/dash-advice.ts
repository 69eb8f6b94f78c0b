import { lowerRung } from "./abandonment.js";
import { Asker, isShort } from "./advice.js";
import type { AdviceSource, Arrival } from "./adviser.js";
import type { Bearer } from "./token.js";
import { heldAtEnd, TransferWatch, type Running } from "./transfer.js";

/** What advice needs of a dash.js `MediaPlayer`, 5.1 or newer, beside its settings. */
export interface AdvisedDashPlayer {
  addABRCustomRule(type: string, name: string, rule: object): void;
  on(event: string, listener: (event: DashEvent) => void): void;
  trigger(event: string, payload: object): void;
  getBufferLength(type: "video"): number;
  getCurrentLiveLatency(): number;
  getCurrentRepresentationForType(type: "audio" | "video"): DashRepresentation | null;
  getRepresentationsByType(type: "video"): DashRepresentation[];
  getTargetLiveDelay?(): number;
  isPaused(): boolean;
}

interface DashEvent {
  request?: DashSegment;
  /** A request that failed is completed, too. */
  error?: object | null;
  mediaType?: string;
  streamId?: string;
  /** Of a change of quality: whether it replaces the transfer under way. */
  reason?: { forceAbandon?: boolean } | null;
}

interface DashRepresentation {
  bitrateInKbit: number;
}

/** The part of dash.js' `FragmentRequest` that is read. */
export interface DashSegment {
  mediaType?: string;
  type?: string | null;
  url?: string | null;
  index?: number;
  duration?: number;
  bytesLoaded?: number;
  bytesTotal?: number;
  startDate?: Date | null;
  firstByteDate?: Date | null;
  endDate?: Date | null;
  representation?: DashRepresentation | null;
  /** `false`: the segment is sent while it is encoded. */
  availabilityTimeComplete?: boolean;
}

/** The parts of dash.js' `RulesContext` and `AbrController` that are used. */
interface RulesContext {
  getMediaType(): string;
  getMediaInfo(): object;
  getCurrentRequest(): DashSegment | null;
  getAbrController(): { getOptimalRepresentationForBitrate(mediaInfo: object, kbps: number, compatible: boolean): object | null };
}

/** dash.js' `SwitchRequest`: `representation` null is "no change", the strongest priority decides alone. */
interface SwitchRequest {
  representation: object | null;
  reason: object | null;
  priority: 1 | 0.5;
  rule: string;
}

/** The transfer under way. */
interface Transfer {
  readonly request: DashSegment;
  readonly streamId: string | undefined;
  readonly startedAt: number;
}

const STRONG = 1;
const DEFAULT = 0.5;
const ADVICE = "HeadroomAdviceRule";
const ABANDON = "HeadroomAbandonRule";

/** dash.js' own name of the event at which it asks its rules whether to give a transfer up. */
const PROGRESS = "loadingProgress";

/** First byte of a transfer before one was measured, as in headroom-sim, ms. */
const FIRST_BYTE_MS = 80;

/** What `configureDash` sets beside: the rule here stands in for dash.js' own, and forbids no step up afterwards. */
export const ABANDON_SETTINGS = {
  abandonLoadTimeout: 0,
  abr: { rules: { abandonRequestsRule: { active: false } } },
};

/**
 * Two rules of dash.js' own kind. One asks each time a segment of the picture has arrived, or shortly before, and outvotes the
 * other rules while an answer stands. The other gives transfers up that will not make it, which ends that answer.
 */
export class DashAdviser {
  readonly #player: AdvisedDashPlayer;
  readonly #asker: Asker;
  readonly #fail: (error: unknown) => void;
  readonly #watch: TransferWatch;
  #transfer: Transfer | undefined;
  #firstByteMs = FIRST_BYTE_MS;
  /** Transfers of the segment `index` that were given up. */
  #givenUp = { index: -1, times: 0 };
  /** What to fetch in place of the transfer under way, kbit/s of the picture. */
  #lowerKbps: number | undefined;
  /** Of the segment fetched last. */
  segmentS: number | undefined;

  constructor(player: AdvisedDashPlayer, source: AdviceSource, bearer: Bearer, fail: (error: unknown) => void) {
    this.#player = player;
    this.#asker = new Asker(source, bearer, fail);
    this.#fail = fail;
    this.#watch = new TransferWatch(() => this.#look(), fail);
  }

  start(): void {
    const player = this.#player;
    player.on("fragmentLoadingStarted", ({ request, streamId }) => this.#guarded(undefined, () => this.#begin(request, streamId)));
    player.on("fragmentLoadingCompleted", ({ request, error }) =>
      this.#guarded(undefined, () => (error ? this.#miss(request) : this.#complete(request))),
    );
    player.on("fragmentLoadingAbandoned", ({ mediaType, request }) => {
      // One that was given up here has ended already.
      if (mediaType === "video" && request === this.#transfer?.request) this.#reset();
    });
    const rules = [
      ["qualitySwitchRules", ADVICE, { getSwitchRequest: (context: RulesContext) => this.#advise(context) }],
      ["abandonFragmentRules", ABANDON, { shouldAbandon: (context: RulesContext) => this.#abandon(context) }],
    ] as const;
    for (const [type, name, methods] of rules) {
      const rule = { getClassName: () => name, reset: () => this.#reset(), ...methods };
      player.addABRCustomRule(type, name, () => ({ create: () => rule }));
    }
  }

  #reset(): void {
    this.#end();
    this.#asker.forget();
  }

  #begin(request: DashSegment | undefined, streamId: string | undefined): void {
    if (!isPicture(request)) return;
    this.#transfer = { request, streamId, startedAt: Date.now() };
    this.#lowerKbps = undefined;
    this.segmentS = request.duration;
    this.#asker.begin();
    this.#watch.begin();
  }

  #complete(request: DashSegment | undefined): void {
    if (!isPicture(request)) return;
    if (request === this.#transfer?.request) this.#end();
    const { startDate, endDate, firstByteDate, bytesLoaded = 0, duration = 0 } = request;
    const [start, end] = [startDate?.getTime() ?? 0, endDate?.getTime() ?? 0];
    if (firstByteDate) this.#firstByteMs = Math.max(0, firstByteDate.getTime() - start);
    const bufferMs = this.#bufferMs() + duration * 1000;
    this.#asker.ask(this.#arrivalOf(request, bytesLoaded, end - start, bufferMs), () => {});
  }

  /** A segment could not be had: of a live stream, because it is not published yet. */
  #miss(request: DashSegment | undefined): void {
    if (!isPicture(request)) return;
    if (request === this.#transfer?.request) this.#end();
    const soundKbps = this.#player.getCurrentRepresentationForType("audio")?.bitrateInKbit ?? 0;
    this.#asker.miss((request.representation?.bitrateInKbit ?? 0) + soundKbps, (request.duration ?? 0) * 1000);
  }

  #end(): void {
    this.#watch.end();
    this.#transfer = undefined;
    this.#lowerKbps = undefined;
  }

  #look(): void {
    const { request, streamId } = this.#transfer ?? {};
    const running = this.#running();
    if (request === undefined || running === undefined) return;
    if (this.#asker.isTime(running)) this.#askAhead(request, running, heldAtEnd(running));
    this.#lowerKbps = this.#lower(request, running);
    // dash.js asks its rules when something arrives, which in an outage is never.
    if (this.#lowerKbps !== undefined) this.#player.trigger(PROGRESS, { request, streamId });
  }

  #askAhead(request: DashSegment, { receivedBytes, elapsedMs }: Running, bufferMs: number): void {
    this.#asker.askAhead(this.#arrivalOf(request, receivedBytes, elapsedMs, bufferMs), () => {});
  }

  /** What to fetch instead, kbit/s. A segment that is sent while it is encoded comes at the pace of the encoder: no evidence. */
  #lower({ representation, index = -1, availabilityTimeComplete }: DashSegment, running: Running): number | undefined {
    const kbps = representation?.bitrateInKbit;
    if (kbps === undefined || availabilityTimeComplete === false) return undefined;
    const ladder = this.#ladder();
    const lower = lowerRung({
      ladder: ladder.map((rate) => rate * 1000),
      rung: ladder.lastIndexOf(kbps),
      bits: running.totalBytes * 8,
      receivedBits: running.receivedBytes * 8,
      elapsedS: running.elapsedMs / 1000,
      firstByteS: (running.firstByteMs ?? this.#firstByteMs) / 1000,
      bufferS: running.bufferMs / 1000,
      segmentS: running.durationMs / 1000,
      givenUp: this.#givenUp.index === index ? this.#givenUp.times : 0,
    });
    return lower === undefined ? undefined : ladder[lower];
  }

  #abandon(context: RulesContext): SwitchRequest {
    const silence: SwitchRequest = { representation: null, reason: null, priority: DEFAULT, rule: ABANDON };
    return this.#guarded(silence, () => {
      const { request } = this.#transfer ?? {};
      const running = this.#running();
      const kbps = this.#lowerKbps;
      if (request === undefined || running === undefined || kbps === undefined) return silence;
      if (context.getCurrentRequest() !== request) return silence;
      const { index = -1 } = request;
      this.#givenUp = { index, times: this.#givenUp.index === index ? this.#givenUp.times + 1 : 1 };
      this.#reset();
      // What follows the segment that is fetched instead.
      this.#askAhead(request, running, running.bufferMs);
      const representation = this.#representation(context, kbps);
      return { representation, reason: { lowerKbps: kbps }, priority: STRONG, rule: ABANDON };
    });
  }

  #advise(context: RulesContext): SwitchRequest {
    const silence: SwitchRequest = { representation: null, reason: null, priority: DEFAULT, rule: ADVICE };
    return this.#guarded(silence, () => {
      const advised = this.#asker.standing;
      if (advised === undefined || context.getMediaType() !== "video") return silence;
      // The answer counts audio, dash.js' representations of the picture do not.
      const kbps = Math.max(0, advised - (this.#player.getCurrentRepresentationForType("audio")?.bitrateInKbit ?? 0));
      // Among rules of equal priority dash.js takes the lowest rung.
      const short = isShort(this.#bufferMs(), (this.segmentS ?? 0) * 1000);
      const representation = this.#representation(context, kbps);
      return { representation, reason: { advisedKbps: advised }, priority: short ? DEFAULT : STRONG, rule: ADVICE };
    });
  }

  #representation(context: RulesContext, kbps: number): object | null {
    return context.getAbrController().getOptimalRepresentationForBitrate(context.getMediaInfo(), kbps, true);
  }

  /** Rates of the picture, lowest first, kbit/s. */
  #ladder(): number[] {
    return this.#player.getRepresentationsByType("video").map(({ bitrateInKbit }) => bitrateInKbit).sort((a, b) => a - b);
  }

  /** What is ahead of the playhead. dash.js says "not a number" of an empty buffer. */
  #bufferMs(): number {
    return (this.#player.getBufferLength("video") || 0) * 1000;
  }

  #running(): Running | undefined {
    if (this.#transfer === undefined) return undefined;
    const { startedAt, request } = this.#transfer;
    const { bytesLoaded, bytesTotal, firstByteDate, duration = 0, representation } = request;
    // Not numbers until something arrives.
    const receivedBytes = bytesLoaded || 0;
    const estimate = ((representation?.bitrateInKbit ?? 0) * 1000 * duration) / 8;
    return {
      elapsedMs: Date.now() - startedAt,
      firstByteMs: firstByteDate ? firstByteDate.getTime() - startedAt : undefined,
      receivedBytes,
      totalBytes: bytesTotal || Math.max(estimate, receivedBytes),
      durationMs: duration * 1000,
      bufferMs: this.#bufferMs(),
    };
  }

  #arrivalOf(request: DashSegment, bytes: number, tookMs: number, bufferMs: number): Arrival {
    const player = this.#player;
    const video = request.representation ?? player.getCurrentRepresentationForType("video");
    const audio = player.getCurrentRepresentationForType("audio");
    const latency = player.getCurrentLiveLatency();
    const target = player.getTargetLiveDelay?.();
    const soundKbps = audio?.bitrateInKbit ?? 0;
    return {
      ...{ bytes, tookMs, bufferMs },
      bitrateKbps: (video?.bitrateInKbit ?? 0) + soundKbps,
      durationMs: (request.duration ?? 0) * 1000,
      latencyMs: Number.isFinite(latency) ? latency * 1000 : 0,
      playing: !player.isPaused(),
      client: "dash.js",
      url: request.url?.split(/[?#]/)[0]?.split("/").at(-1) ?? "",
      format: "d",
      object: "av",
      ladderKbps: this.#ladder().map((kbps) => kbps + soundKbps),
      targetLatencyMs: target !== undefined && target > 0 ? target * 1000 : undefined,
    };
  }

  #guarded<T>(otherwise: T, action: () => T): T {
    try {
      return action();
    } catch (error) {
      this.#fail(error);
      return otherwise;
    }
  }
}

function isPicture(request: DashSegment | undefined): request is DashSegment {
  return request?.mediaType === "video" && request.type === "MediaSegment";
}
