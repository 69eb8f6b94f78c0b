// hls.js as released, with the player agent's own build, as a site would load it, unless it plays without.
import { cmcdForHls, steerHls } from "/agent/index.js";
import Hls from "/modules/hls.js/dist/hls.mjs";

export async function play(video, options, fail) {
  const hls = new Hls({
    ...(options.agent !== false && { cmcd: cmcdForHls(options) }),
    // A segment nearer to live than by default: a cap is then sooner on the screen.
    ...(!options.defaults && { liveSyncDurationCount: 2 }),
    capLevelToPlayerSize: false,
  });
  hls.on(Hls.Events.ERROR, (_, { type, details, fatal }) => fatal && fail(`hls.js: ${type} ${details}`));
  if (options.agent !== false) {
    const { sessionId, contentId } = options;
    const advice = options.advice && { ...options.advice, sessionId, contentId };
    steerHls(hls, { decisionsUrl: options.decisionsUrl, advice, onError: (error) => fail(`agent: ${error}`) });
  }
  hls.attachMedia(video);
  hls.loadSource(options.url);
  await video.play().catch(() => {});
  // The playlist's dates are the encoder's clock; without them the distance to the end of the playlist has to do.
  return { latency: () => (hls.playingDate ? (Date.now() - hls.playingDate.getTime()) / 1000 : hls.latency) };
}
