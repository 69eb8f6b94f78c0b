import { EventEmitter } from "node:events";

/** What the agent uses of hls.js, and nothing else. */
export class FakeHls extends EventEmitter {
  levels = [180, 500, 1200].map((kbps) => ({ bitrate: kbps * 1000 }));
  autoLevelCapping = -1;
  bandwidthEstimate = 400_000;
  targetLatency = 4;
  config = { maxLiveSyncPlaybackRate: 1 };
  media = { playbackRate: 1, paused: false };
  mainForwardBufferInfo = { len: 4.26 };
  latency = 3.5;
  /** What was set by hand; -1 is automatic. */
  loadLevel = -1;

  get autoLevelEnabled() {
    return this.loadLevel === -1;
  }

  /** The next segment is being fetched, or has arrived after `ms` with `bytes`. */
  load(ms, bytes = 50_000, type = "main") {
    const frag = {
      type,
      sn: 7,
      level: 1,
      duration: 2,
      relurl: "7.m4s",
      stats: { loaded: bytes, loading: { start: 1000, first: 1010, end: 1000 + ms } },
    };
    this.emit("hlsFragLoading", "hlsFragLoading", { frag });
    if (ms > 0) this.emit("hlsFragLoaded", "hlsFragLoaded", { frag });
  }

  /** A segment has arrived with this CMSD-Dynamic header, or with none. */
  respond(header) {
    const lines = ["content-type: video/mp4", ...(header === undefined ? [] : [`cmsd-dynamic: ${header}`])];
    this.emit("hlsFragLoaded", "hlsFragLoaded", {
      networkDetails: { getAllResponseHeaders: () => `${lines.join("\r\n")}\r\n` },
    });
  }
}

/** Enough of the browser's EventSource; `last` is the one opened last. */
export class FakeEventSource extends EventTarget {
  static last;
  closed = false;

  constructor(url) {
    super();
    this.url = url;
    FakeEventSource.last = this;
  }

  send(decision) {
    this.onmessage({ data: JSON.stringify(decision) });
  }

  close() {
    this.closed = true;
  }
}
