// Shaka Player as released, configured by the player agent's helper unless it plays without.
import { configureShaka } from "/agent/index.js";

const loaded = new Promise((resolve, reject) => {
  const element = document.createElement("script");
  Object.assign(element, { src: "/modules/shaka-player/dist/shaka-player.compiled.js", onload: resolve, onerror: reject });
  document.head.append(element);
});

export async function play(video, options, fail) {
  await loaded;
  const player = new shaka.Player();
  await player.attach(video);
  const abrManager = () => new shaka.abr.SimpleAbrManager();
  const onError = (error) => fail(`agent: ${error}`);
  const advice = options.advice && { ...options.advice, abrManager };
  if (options.agent !== false && !configureShaka(player, { ...options, advice, onError })) fail("shaka: a setting was refused");
  if (!options.defaults) player.configure({ manifest: { defaultPresentationDelay: 5 } });
  player.configure({ abr: { restrictToElementSize: false } });
  player.addEventListener("error", ({ detail }) => detail.severity === 2 && fail(`shaka: ${detail.code}`));
  await player.load(options.url).catch((error) => fail(`shaka: load ${error.code}`));
  await video.play().catch(() => {});
  return { latency: () => player.getStats().liveLatency };
}
