// In the page: starts one of the three players and reports what the viewer would see.
const options = JSON.parse(decodeURIComponent(location.hash.slice(1)));
// Who advises: a server, the engine in the page, or nobody.
if (options.steered !== false && options.adviceUrl != null) options.advice = { url: options.adviceUrl };
if (options.steered !== false && options.local) options.advice = { mode: "local", module: "/agent/headroom.wasm" };
const video = document.querySelector("video");
const state = document.querySelector("#state");
const SAMPLE_MS = 250;

const { play } = await import(`./${options.player}.mjs`);

let stalls = 0;
let stalledSince = null;
let stalledMs = 0;
let height = 0;

video.addEventListener("waiting", () => {
  // Before the first frame the player starts up; that is no stall.
  if (height > 0 && stalledSince === null) {
    stalls += 1;
    stalledSince = performance.now();
  }
  report("waiting", { position_s: video.currentTime });
});
video.addEventListener("playing", () => {
  if (stalledSince !== null) stalledMs += performance.now() - stalledSince;
  stalledSince = null;
  report("playing", { position_s: video.currentTime });
});
video.addEventListener("error", () => report("error", { text: `media element: ${video.error?.message}` }));

const player = await play(video, options, (text) => report("error", { text: String(text).slice(0, 300) }));

setInterval(() => {
  const quality = video.getVideoPlaybackQuality();
  if (quality.totalVideoFrames > 0 && video.videoHeight !== height) {
    height = video.videoHeight;
    report("height", { height });
  }
  const { buffered } = video;
  const end = buffered.length > 0 ? buffered.end(buffered.length - 1) : video.currentTime;
  const sample = {
    height,
    position_s: video.currentTime,
    buffer_s: end - video.currentTime,
    latency_s: finite(player.latency()),
    rate: video.playbackRate,
    stalls,
    stalled_s: (stalledMs + (stalledSince === null ? 0 : performance.now() - stalledSince)) / 1000,
    frames: quality.totalVideoFrames,
    dropped: quality.droppedVideoFrames,
  };
  report("sample", sample);
  state.textContent = `${options.player}  ${Object.entries(sample)
    .map(([name, value]) => `${name} ${typeof value === "number" ? Math.round(value * 100) / 100 : value}`)
    .join("  ")}`;
}, SAMPLE_MS);

function finite(value) {
  return Number.isFinite(value) ? value : null;
}
