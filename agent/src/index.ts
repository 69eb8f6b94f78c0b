export type { AdviceSource, AdviceTarget, LocalAdvice, RemoteAdvice } from "./adviser.js";
export { cmcdForHls, type Reporting } from "./cmcd.js";
export { decisionFromEvent, type Decision } from "./decision.js";
export { parseCmsdDynamic } from "./cmsd.js";
export { configureDash, type DashOptions, type DashPlayer } from "./dash.js";
export { steerHls, type HlsSteering, type HlsSteeringOptions } from "./hls.js";
export type { TokenSource } from "./token.js";
export { configureShaka, type ShakaOptions, type ShakaPlayer } from "./shaka.js";
