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
  segmentDownloaded(tookMs: number, bytes: number, allowSwitch: boolean, request?: unknown, context?: SegmentContext): void;
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

/** The parts of `shaka.extern.RequestContext` that are read. */
interface SegmentContext {
  stream?: { type?: string };
  segment?: { startTime: number; endTime: number; getUris?: () => string[] };
}

/**
 * `abrFactory` for a Shaka Player that asks before every segment: Shaka's own manager goes on measuring and chooses
 * wherever no answer is at hand; an answer counts until the next segment of the picture has arrived.
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
      if (this.#advised === undefined) this.#onSwitch(variant, ...rest);
    }, onDisable);
  }

  chooseVariant(preferFastSwitching?: boolean): ShakaVariant | null {
    this.#current = this.#advised ?? this.#inner.chooseVariant(preferFastSwitching);
    return this.#current;
  }

  segmentDownloaded(tookMs: number, bytes: number, allowSwitch: boolean, request?: unknown, context?: SegmentContext): void {
    const { stream, segment } = context ?? {};
    if (stream?.type === "video" && segment !== undefined) {
      this.#forget();
      const { currentTime = 0, paused = true, buffered } = this.#media ?? {};
      const end = buffered !== undefined && buffered.length > 0 ? buffered.end(buffered.length - 1) : currentTime;
      const durationMs = (segment.endTime - segment.startTime) * 1000;
      const arrival = {
        ...{ bytes, tookMs, durationMs, latencyMs: 0, playing: !paused, format: "d", object: "av" } as const,
        bitrateKbps: (this.#current?.bandwidth ?? 0) / 1000,
        // What has just arrived is not in the element yet.
        bufferMs: Math.max(0, end - currentTime) * 1000 + durationMs,
        url: segment.getUris?.()[0]?.split(/[?#]/)[0]?.split("/").at(-1) ?? "",
      };
      void this.#asker.ask(arrival, (kbps) => this.#advise(kbps));
    }
    this.#inner.segmentDownloaded(tookMs, bytes, allowSwitch, request, context);
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

  #advise(kbps: number): void {
    if (!this.#enabled || this.#variants.length === 0) return;
    const within = this.#variants.findLast((variant) => variant.bandwidth <= kbps * 1000) ?? this.#variants[0];
    this.#advised = within;
    if (within !== undefined && within !== this.#current) this.#onSwitch(within);
  }

  #forget(): void {
    this.#asker.forget();
    this.#advised = undefined;
  }
}
