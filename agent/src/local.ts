import type { Adviser, Arrival, LocalAdvice } from "./adviser.js";

/** What `agent/wasm` exports. */
interface Exports {
  memory: WebAssembly.Memory;
  reserve(length: number): number;
  ask(): number;
  answer(): number;
}

/** The one viewer and the one stream a page has. */
const SESSION = 1;
const STREAM = 1;

/** Part of the height of a rung that nobody says; the engine chooses by bit rate. */
const UNSAID = { width: 0, height: 0, frame_rate: 0 };

/** The engine of headroom-core in the page: one JSON object in, one out, as in its logs (docs/server.md). */
export class Engine {
  readonly #exports: Exports;

  private constructor(exports: Exports) {
    this.#exports = exports;
  }

  static async load(module: LocalAdvice["module"]): Promise<Engine> {
    const bytes = typeof module === "string" || module instanceof URL ? await (await fetch(module)).arrayBuffer() : module;
    const compiled = bytes instanceof WebAssembly.Module ? bytes : await WebAssembly.compile(bytes);
    const { exports } = await WebAssembly.instantiate(compiled, {});
    return new Engine(exports as unknown as Exports);
  }

  /** Asks one line of JSON, gets one. */
  ask(question: string): string {
    const { memory, reserve, ask, answer } = this.#exports;
    const bytes = new TextEncoder().encode(question);
    const at = reserve(bytes.length);
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    const length = ask();
    return new TextDecoder().decode(new Uint8Array(memory.buffer, answer(), length));
  }
}

/** Answers out of the page. */
export class LocalEngine implements Adviser {
  readonly #engine: Promise<Engine>;
  readonly #objective: LocalAdvice["objective"];
  #stream = "";

  constructor({ module, objective }: LocalAdvice) {
    this.#engine = Engine.load(module);
    this.#objective = objective;
    // Told with the first question, not before anybody listens.
    this.#engine.catch(() => {});
  }

  async advise(arrival: Arrival): Promise<number | undefined> {
    const engine = await this.#engine;
    const ask = (question: object): Answer => {
      const answer = JSON.parse(engine.ask(JSON.stringify(question))) as Answer;
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    };
    const at_us = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const settings = { ...settingsOf(arrival), ...(this.#objective && { objective: this.#objective }) };
    if (JSON.stringify(settings) !== this.#stream) {
      ask({ input: { stream: { stream: STREAM, at_us, settings } } });
      this.#stream = JSON.stringify(settings);
    }
    ask({ input: { sample: { session: SESSION, stream: STREAM, at_us, player: reportOf(arrival) } } });
    return ask({ advise: { session: SESSION, at_us } }).advice?.bitrate_kbps;
  }
}

interface Answer {
  advice?: { rung: number; bitrate_kbps: number; reason: string } | null;
  error?: string;
}

function settingsOf({ ladderKbps, durationMs, targetLatencyMs }: Arrival): object {
  return {
    ladder: ladderKbps.map((bitrate_kbps) => ({ bitrate_kbps, ...UNSAID })),
    segment_duration_ms: Math.round(durationMs),
    ...(targetLatencyMs !== undefined && { target_latency_ms: Math.round(targetLatencyMs), target_buffer_ms: Math.round(targetLatencyMs) }),
  };
}

/** The report a server reads out of the question (docs/cmcd.md). */
function reportOf({ bytes, tookMs, bitrateKbps, durationMs, bufferMs, latencyMs, playing, client }: Arrival): object {
  return {
    encoded_bitrate_kbps: Math.round(bitrateKbps),
    measured_throughput_kbps: Math.max(1, Math.round((bytes * 8) / tookMs)),
    transfer_time_ms: Math.max(1, Math.round(tookMs)),
    buffer_length_ms: Math.round(bufferMs / 100) * 100,
    object_duration_ms: Math.round(durationMs),
    ...(latencyMs > 0 && { live_latency_ms: Math.round(latencyMs) }),
    state: playing ? "playing" : "paused",
    client,
  };
}
