/** What is wrong now, by the bounds that colour the figures of every page: so that no page says all is well beside one that does not. */
import { count, fixed, percent, scoreTone, stallTone } from "./format";
import type { Frame } from "./types";

/** A tick that comes half a second late is late: the engine's own promise is 2.2 s for 2. */
export const isLate = (frame: Frame) => frame.tick.decision_age_s > frame.tick.target_s * 1.25;

/** In words, worst first. */
export function troublesOf(frame: Frame | null): string[] {
  if (!frame) return [];
  const of = (is: boolean, text: string) => (is ? [text] : []);
  const isBad = (tone: string) => tone === "bad" || tone === "warn";
  return [
    ...of(isLate(frame), `decisions are ${fixed(frame.tick.decision_age_s, 1)} s old`),
    ...of(frame.starved > 0, `${count(frame.starved)} of ${count(frame.sessions)} sessions starve`),
    ...of(isBad(stallTone(frame.stall_ratio)), `${percent(frame.stall_ratio)} % of the time watched is stalled`),
    ...of(isBad(scoreTone(frame.mos.mean)), `the viewer score is ${fixed(frame.mos.mean, 2)} of 5`),
  ];
}
