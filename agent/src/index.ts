export type { AdviceSource } from "./advice.js";
export { cmcdForHls, type Reporting } from "./cmcd.js";
export { decisionFromEvent, type Decision } from "./decision.js";
export { parseCmsdDynamic } from "./cmsd.js";
export { configureDash, type DashPlayer } from "./dash.js";
export { steerHls, type HlsSteering, type HlsSteeringOptions } from "./hls.js";
export { configureShaka, type ShakaPlayer } from "./shaka.js";
