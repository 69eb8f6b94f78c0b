import { Asker, type AdviceSource } from "./advice.js";
import type { Bearer } from "./token.js";

/** The part of a `shaka.extern.Variant` that is read. */
export interface ShakaVariant {
  bandwidth: number;
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
  setMediaElement(media: MediaElement | null): void;
  setCmsdManager(manager: unknown): void;
  configure(config: unknown): void;
}

interface MediaElement {
  currentTime: number;
  paused: boolean;
  buffered: { length: number; end(index: number): number };
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
  stream?: { type?: string };
  segment?: { startTime: number; endTime: number; getUris?: () => string[] };
}

/**
 * `abrFactory` for a Shaka Player that asks before every segment: Shaka's own manager goes on measuring and chooses
 * wherever no answer stands.
 */
export class AdvisedAbr implements ShakaAbrManager {
  readonly #inner: ShakaAbrManager;
  readonly #asker: Asker;
  #onSwitch: SwitchCallback = () => {};
  #variants: ShakaVariant[] = [];
  #enabled = false;
  #media: MediaElement | null = null;
  #current: ShakaVariant | null = null;
  #advised: ShakaVariant | undefined;

  constructor(inner: ShakaAbrManager, source: AdviceSource, bearer: Bearer, fail: (error: unknown) => void) {
    this.#inner = inner;
    this.#asker = new Asker(source, bearer, fail);
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
    this.#inner.segmentDownloaded(tookMs, bytes, allowSwitch, request, context);
  }

  /** A whole response has arrived: asks what to fetch next if it is a segment of the picture. */
  handleResponse({ timeMs = 0, data, fromCache }: ShakaResponse, { stream, segment }: SegmentContext): void {
    if (stream?.type !== "video" || segment === undefined || fromCache === true) return;
    const { currentTime = 0, paused = true, buffered } = this.#media ?? {};
    const end = buffered !== undefined && buffered.length > 0 ? buffered.end(buffered.length - 1) : currentTime;
    const durationMs = (segment.endTime - segment.startTime) * 1000;
    const arrival = {
      ...{ bytes: data?.byteLength ?? 0, tookMs: timeMs, durationMs, latencyMs: 0, playing: !paused } as const,
      ...{ format: "d", object: "av" } as const,
      bitrateKbps: (this.#current?.bandwidth ?? 0) / 1000,
      // What has just arrived is not in the element yet.
      bufferMs: Math.max(0, end - currentTime) * 1000 + durationMs,
      url: segment.getUris?.()[0]?.split(/[?#]/)[0]?.split("/").at(-1) ?? "",
    };
    void this.#asker.ask(arrival, () => this.#advise());
  }

  setVariants(variants: ShakaVariant[], lowLatency?: boolean): boolean {
    this.#variants = [...variants].sort((a, b) => a.bandwidth - b.bandwidth);
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

  setMediaElement(media: MediaElement | null): void {
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

  #advise(): void {
    const kbps = this.#asker.standing;
    if (!this.#enabled || kbps === undefined) {
      this.#advised = undefined;
      return;
    }
    const within = this.#variants.findLast((variant) => variant.bandwidth <= kbps * 1000) ?? this.#variants[0];
    this.#advised = within;
    if (within !== undefined && within !== this.#current) this.#onSwitch(within);
  }

  /** What was advised, while the answer stands. */
  #standing(): ShakaVariant | undefined {
    return this.#asker.standing === undefined ? undefined : this.#advised;
  }

  #forget(): void {
    this.#asker.forget();
    this.#advised = undefined;
  }
}
