// dash.js as released, configured by the player agent's helper unless it plays without.
import { configureDash } from "/agent/index.js";
import * as dashjs from "/modules/dashjs/dist/modern/esm/dash.all.min.js";

/** What differs from the defaults for the tests' encoder and machine. */
const TESTED = {
  // Two segments and what encoder and origin take. With a second less dash.js joins where the next segment does not exist yet,
  // stalls at every segment until it is six seconds behind, and shows a cap that much later.
  delay: { liveDelay: 4.5 },
  // Above the top rung: the first estimate from a busy machine can keep it low for half a minute.
  abr: { initialBitrate: { video: 2000 } },
};

export async function play(video, options, fail) {
  const player = (dashjs.default ?? dashjs).MediaPlayer().create();
  const onError = (error) => fail(`agent: ${error}`);
  if (options.agent !== false) configureDash(player, { ...options, onError });
  player.updateSettings({
    streaming: {
      ...(options.defaults ? {} : TESTED),
      // The machine's clock is the encoder's clock; the default time server is on the network.
      utcSynchronization: { enabled: false },
    },
  });
  player.on("error", ({ error }) => fail(`dash.js: ${error?.code} ${error?.message}`));
  player.initialize(video, options.url, true);
  return { latency: () => player.getCurrentLiveLatency() };
}
