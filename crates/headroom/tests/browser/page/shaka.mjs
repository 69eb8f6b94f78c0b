// Shaka Player as released, configured by the player agent's helper.
import { configureShaka } from "/agent/index.js";

export async function play(video, options, fail) {
  await script("/modules/shaka-player/dist/shaka-player.compiled.js");
  const player = new shaka.Player();
  await player.attach(video);
  const abrManager = () => new shaka.abr.SimpleAbrManager();
  const onError = (error) => fail(`agent: ${error}`);
  const advice = options.advice && { ...options.advice, abrManager };
  if (!configureShaka(player, { ...options, advice, stretch: options.steered !== false, onError })) fail("shaka: a setting was refused");
  player.configure({ manifest: { defaultPresentationDelay: 5 }, abr: { restrictToElementSize: false } });
  if (options.steered === false) player.configure({ cmsd: { enabled: false } });
  player.addEventListener("error", ({ detail }) => detail.severity === 2 && fail(`shaka: ${detail.code}`));
  await player.load(options.url).catch((error) => fail(`shaka: load ${error.code}`));
  await video.play().catch(() => {});
  return { latency: () => player.getStats().liveLatency };
}

function script(source) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    Object.assign(element, { src: source, onload: resolve, onerror: reject });
    document.head.append(element);
  });
}
