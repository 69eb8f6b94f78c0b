// In the page: starts one of the three players and reports what the viewer would see.
const options = JSON.parse(decodeURIComponent(location.hash.slice(1)));
// Who advises: a server, the engine in the page, or nobody.
if (options.adviceUrl != null) options.advice = { url: options.adviceUrl };
if (options.local) options.advice = { mode: "local", module: "/agent/headroom.wasm" };
document.body.classList.toggle("small", options.small === true);
const video = document.querySelector("video");
const state = document.querySelector("#state");
const SAMPLE_MS = options.sampleMs ?? 250;
/** How often the playhead is looked at, and how long it stands before that counts as an interruption. */
const WATCH_MS = 50;
const STANDING_MS = 150;

const { play } = await import(`./${options.player}.mjs`);

if (options.hold) {
  const begun = new Promise((resolve) => (window.begin = resolve));
  report("ready", {});
  await begun;
}

let stalls = 0;
let stalledSince = null;
let stalledMs = 0;
let height = 0;

// A second account of stalls that needs no event: time in which the playhead stands after the first picture. It also counts what
// follows a player's fatal error.
const frozen = { ms: 0, times: 0, runMs: 0, position: 0, at: performance.now() };
setInterval(() => {
  const [now, position] = [performance.now(), video.currentTime];
  const passed = now - frozen.at;
  const stands = height > 0 && position === frozen.position;
  if (stands) {
    frozen.ms += passed;
    if (frozen.runMs < STANDING_MS && frozen.runMs + passed >= STANDING_MS) frozen.times += 1;
  }
  frozen.runMs = stands ? frozen.runMs + passed : 0;
  Object.assign(frozen, { at: now, position });
}, WATCH_MS);

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
    frozen_s: frozen.ms / 1000,
    freezes: frozen.times,
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
