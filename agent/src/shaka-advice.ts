import { lowerRung } from "./abandonment.js";
import { Asker, isShort } from "./advice.js";
import type { AdviceSource, Arrival } from "./adviser.js";
import { bufferOf, type StretchedMedia } from "./stretch.js";
import type { Bearer } from "./token.js";
import { heldAtEnd, TransferWatch, type Running } from "./transfer.js";

/** The part of a `shaka.extern.Variant` that is read. */
export interface ShakaVariant {
  bandwidth: number;
  video?: ShakaStream | null;
  audio?: object | null;
}

interface ShakaStream {
  type?: string;
  bandwidth?: number;
}

type SwitchCallback = (variant: ShakaVariant, clearBuffer?: boolean, safeMargin?: number) => void;

/** `shaka.extern.AbrManager` of Shaka Player 5. */
export interface ShakaAbrManager {
  init(onSwitch: SwitchCallback, onDisable: unknown): void;
  stop(): void;
  release(): void;
  chooseVariant(preferFastSwitching?: boolean): ShakaVariant | null;
  enable(): void;
  disable(): void;
  segmentDownloaded(tookMs: number, bytes: number, allowSwitch: boolean, request?: unknown, context?: unknown): void;
  trySuggestStreams(): void;
  getBandwidthEstimate(): number;
  setVariants(variants: ShakaVariant[], lowLatency?: boolean): boolean;
  playbackRateChanged(rate: number): void;
  setMediaElement(media: StretchedMedia | null): void;
  setCmsdManager(manager: unknown): void;
  configure(config: unknown): void;
}

/** The parts of `shaka.extern.Response` that are read. */
export interface ShakaResponse {
  /** From the request to the last byte. */
  timeMs?: number;
  data?: { byteLength: number };
  fromCache?: boolean;
}

/** The parts of `shaka.extern.RequestContext` that are read. */
export interface SegmentContext {
  stream?: ShakaStream;
  segment?: { startTime: number; endTime: number; getUris?: () => string[] };
}

/** The transfer of a segment of the picture. */
interface Transfer {
  readonly request: unknown;
  readonly stream: ShakaStream;
  readonly segment: NonNullable<SegmentContext["segment"]>;
  readonly startedAt: number;
  /** Transfers of this segment that were given up before. */
  readonly givenUp: number;
  receivedBytes: number;
  firstByteMs?: number;
  totalBytes?: number;
}

/** Where a live stream stands; nothing where that is not known. */
export interface LiveEdge {
  /** Behind the live edge. */
  latencyS(): number | undefined;
  /** The same, as the page wants it. */
  targetLatencyS(): number | undefined;
}

/** First byte of a transfer before one was measured, as in headroom-sim, ms. */
const FIRST_BYTE_MS = 80;

/**
 * `abrFactory` for a Shaka Player that asks before every segment: Shaka's own manager goes on measuring and chooses
 * wherever no answer stands.
 *
 * Shaka ends the transfer under way whenever it is told another variant (its prefetch of one segment is cleared), so what is
 * advised waits for the end of the segment. That is also how a transfer that will not make it is given up, which Shaka does
 * not do by itself.
 */
export class AdvisedAbr implements ShakaAbrManager {
  readonly #inner: ShakaAbrManager;
  readonly #asker: Asker;
  readonly #watch: TransferWatch;
  readonly #edge: LiveEdge;
  #onSwitch: SwitchCallback = () => {};
  #variants: ShakaVariant[] = [];
  #enabled = false;
  #lowLatency = false;
  #media: StretchedMedia | null = null;
  #current: ShakaVariant | null = null;
  #advised: ShakaVariant | undefined;
  /** What of the picture is being fetched: Shaka's request of it, until a switch can do it no harm. */
  #underWay: unknown;
  #transfer: Transfer | undefined;
  #firstByteMs = FIRST_BYTE_MS;
  /** Fetched in place of a transfer that was given up, and not to be overruled before it has arrived. */
  #instead: ShakaVariant | undefined;
  /** Of the segment fetched last. */
  segmentS: number | undefined;

  constructor(
    inner: ShakaAbrManager,
    source: AdviceSource,
    bearer: Bearer,
    edge: LiveEdge,
    fail: (error: unknown) => void,
  ) {
    this.#inner = inner;
    this.#edge = edge;
    this.#asker = new Asker(source, bearer, fail);
    this.#watch = new TransferWatch(() => this.#look(), fail);
  }

  init(onSwitch: SwitchCallback, onDisable: unknown): void {
    this.#onSwitch = (variant, ...rest) => {
      this.#current = variant;
      onSwitch(variant, ...rest);
    };
    this.#inner.init((variant, ...rest) => {
      if (this.#standing() === undefined) this.#onSwitch(variant, ...rest);
    }, onDisable);
  }

  chooseVariant(preferFastSwitching?: boolean): ShakaVariant | null {
    this.#current = this.#standing() ?? this.#inner.chooseVariant(preferFastSwitching);
    return this.#current;
  }

  /** Shaka's word for whatever has come since the last call, ten times a second: no segment, for all its name. */
  segmentDownloaded(tookMs: number, bytes: number, allowSwitch: boolean, request?: unknown, context?: unknown): void {
    if (this.#transfer !== undefined && request === this.#transfer.request) {
      this.#transfer.receivedBytes += bytes;
      this.#transfer.firstByteMs ??= this.#firstByteMs;
    }
    this.#inner.segmentDownloaded(tookMs, bytes, allowSwitch, request, context);
  }

  /** A request goes out. */
  handleRequest(request: unknown, { stream, segment }: SegmentContext): void {
    if (stream?.type !== "video") return;
    this.#underWay = request;
    if (segment === undefined) return;
    const before = this.#transfer;
    const again = before !== undefined && before.segment.startTime === segment.startTime;
    this.#transfer = { request, stream, segment, startedAt: Date.now(), givenUp: again ? before.givenUp + 1 : 0, receivedBytes: 0 };
    this.segmentS = segment.endTime - segment.startTime;
    this.#asker.begin();
    this.#watch.begin();
  }

  /** The head of a response has arrived. */
  handleHeaders(request: unknown, headers: Record<string, string> | undefined): void {
    const transfer = this.#transfer;
    if (transfer === undefined || transfer.request !== request) return;
    transfer.firstByteMs = this.#firstByteMs = Date.now() - transfer.startedAt;
    const length = Number(headers?.["content-length"]);
    if (length > 0) transfer.totalBytes = length;
  }

  /** A whole response has arrived: asks what to fetch next if it is a segment of the picture. */
  handleResponse({ timeMs = 0, data, fromCache }: ShakaResponse, { stream, segment }: SegmentContext): void {
    if (stream?.type !== "video" || segment === undefined) return;
    this.#end();
    this.segmentS = segment.endTime - segment.startTime;
    const bufferMs = this.#bufferMs() + this.segmentS * 1000;
    const arrived = this.#underWay;
    // Only then has Shaka taken the segment out of reach of a switch.
    setTimeout(() => {
      if (this.#underWay === arrived) this.#underWay = undefined;
      this.#advise(bufferMs);
    }, 0);
    if (fromCache === true) return;
    this.#asker.ask(this.#arrivalOf(segment, data?.byteLength ?? 0, timeMs, bufferMs), () => this.#advise());
  }

  setVariants(variants: ShakaVariant[], lowLatency?: boolean): boolean {
    this.#variants = [...variants].sort((a, b) => a.bandwidth - b.bandwidth);
    this.#lowLatency = lowLatency === true;
    if (this.#advised !== undefined && !variants.includes(this.#advised)) this.#advised = undefined;
    return this.#inner.setVariants(variants, lowLatency);
  }

  enable(): void {
    this.#enabled = true;
    this.#inner.enable();
  }

  /** The page chooses by hand. */
  disable(): void {
    this.#enabled = false;
    this.#forget();
    this.#inner.disable();
  }

  stop(): void {
    this.#forget();
    this.#inner.stop();
  }

  release(): void {
    this.#forget();
    this.#inner.release();
  }

  setMediaElement(media: StretchedMedia | null): void {
    this.#media = media;
    this.#inner.setMediaElement(media);
  }

  trySuggestStreams(): void {
    this.#inner.trySuggestStreams();
  }

  getBandwidthEstimate(): number {
    return this.#inner.getBandwidthEstimate();
  }

  playbackRateChanged(rate: number): void {
    this.#inner.playbackRateChanged(rate);
  }

  setCmsdManager(manager: unknown): void {
    this.#inner.setCmsdManager(manager);
  }

  configure(config: unknown): void {
    this.#inner.configure(config);
  }

  #advise(bufferMs = this.#bufferMs()): void {
    const kbps = this.#asker.standing;
    if (!this.#enabled || kbps === undefined) {
      this.#advised = undefined;
      return;
    }
    if (this.#underWay !== undefined) return;
    const within = this.#variants.findLast((variant) => variant.bandwidth <= kbps * 1000) ?? this.#variants[0];
    const short = isShort(bufferMs, (this.segmentS ?? 0) * 1000);
    const own = short ? this.#inner.chooseVariant() : null;
    this.#advised = own !== null && within !== undefined && own.bandwidth < within.bandwidth ? own : within;
    if (this.#advised !== undefined && this.#advised !== this.#current) this.#onSwitch(this.#advised);
  }

  /** What was advised, while the answer stands, or what stands in for a transfer that was given up. */
  #standing(): ShakaVariant | undefined {
    return this.#instead ?? (this.#asker.standing === undefined ? undefined : this.#advised);
  }

  /** Asks before the end of a long transfer, and gives one up that will not make it. */
  #look(): void {
    const transfer = this.#transfer;
    if (transfer === undefined || !this.#enabled) return;
    const running = this.#runningOf(transfer);
    if (this.#asker.isTime(running)) this.#askAhead(transfer, running, heldAtEnd(running));
    const lower = this.#lower(transfer, running);
    if (lower === undefined) return;
    this.#watch.end();
    this.#asker.forget();
    this.#advised = undefined;
    this.#instead = lower;
    this.#onSwitch(lower);
    // What follows the segment that is fetched instead.
    this.#askAhead(transfer, running, running.bufferMs);
  }

  #askAhead({ segment }: Transfer, { receivedBytes, elapsedMs }: Running, bufferMs: number): void {
    this.#asker.askAhead(this.#arrivalOf(segment, receivedBytes, elapsedMs, bufferMs), () => this.#advise());
  }

  /** What to fetch instead. A segment that is sent while it is encoded comes at the pace of the encoder: no evidence. */
  #lower({ stream, givenUp }: Transfer, running: Running): ShakaVariant | undefined {
    if (this.#lowLatency) return undefined;
    // Variants of one sound, so that only the picture changes.
    const own = this.#variants.find(({ video, audio }) => video === stream && audio === this.#current?.audio);
    const ladder = this.#variants.filter(({ audio }) => audio === own?.audio);
    if (own === undefined) return undefined;
    const lower = lowerRung({
      ladder: ladder.map(({ bandwidth, video }) => video?.bandwidth ?? bandwidth),
      rung: ladder.indexOf(own),
      bits: running.totalBytes * 8,
      receivedBits: running.receivedBytes * 8,
      elapsedS: running.elapsedMs / 1000,
      firstByteS: (running.firstByteMs ?? this.#firstByteMs) / 1000,
      bufferS: running.bufferMs / 1000,
      segmentS: running.durationMs / 1000,
      givenUp,
    });
    return lower === undefined ? undefined : ladder[lower];
  }

  #runningOf({ startedAt, stream, segment, receivedBytes, firstByteMs, totalBytes }: Transfer): Running {
    const durationMs = (segment.endTime - segment.startTime) * 1000;
    const bandwidth = stream.bandwidth ?? this.#current?.bandwidth ?? 0;
    return {
      elapsedMs: Date.now() - startedAt,
      firstByteMs,
      receivedBytes,
      totalBytes: totalBytes ?? Math.max((bandwidth * durationMs) / 8000, receivedBytes),
      durationMs,
      bufferMs: this.#bufferMs(),
    };
  }

  #arrivalOf(segment: Transfer["segment"], bytes: number, tookMs: number, bufferMs: number): Arrival {
    const target = this.#edge.targetLatencyS();
    return {
      ...{ bytes, tookMs, bufferMs, format: "d", object: "av", client: "shaka" } as const,
      latencyMs: (this.#edge.latencyS() ?? 0) * 1000,
      durationMs: (segment.endTime - segment.startTime) * 1000,
      playing: this.#media?.paused === false,
      bitrateKbps: (this.#current?.bandwidth ?? 0) / 1000,
      url: segment.getUris?.()[0]?.split(/[?#]/)[0]?.split("/").at(-1) ?? "",
      // Variants of several sounds may have one bit rate.
      ladderKbps: [...new Set(this.#variants.map(({ bandwidth }) => bandwidth / 1000))],
      targetLatencyMs: target === undefined ? undefined : target * 1000,
    };
  }

  #bufferMs(): number {
    return (bufferOf(this.#media) ?? 0) * 1000;
  }

  #end(): void {
    this.#watch.end();
    this.#transfer = undefined;
    this.#instead = undefined;
  }

  #forget(): void {
    this.#end();
    this.#underWay = undefined;
    this.#asker.forget();
    this.#advised = undefined;
  }
}
