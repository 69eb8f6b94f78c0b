// hls.js with the player agent: the package's own build, as a site would load it.
import { cmcdForHls, steerHls } from "/agent/index.js";
import Hls from "/modules/hls.js/dist/hls.mjs";

export async function play(video, options, fail) {
  const hls = new Hls({ cmcd: cmcdForHls(options), liveSyncDurationCount: 2, capLevelToPlayerSize: false });
  hls.on(Hls.Events.ERROR, (_, { type, details, fatal }) => fatal && fail(`hls.js: ${type} ${details}`));
  if (options.steered !== false) {
    const { sessionId, contentId } = options;
    const advice = options.advice && { ...options.advice, sessionId, contentId };
    steerHls(hls, { decisionsUrl: options.decisionsUrl, advice, onError: (error) => fail(`agent: ${error}`) });
  }
  hls.attachMedia(video);
  hls.loadSource(options.url);
  await video.play().catch(() => {});
  return { latency: () => hls.latency };
}
