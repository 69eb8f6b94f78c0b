/** A transfer under way and the player at this moment. Bits and seconds. */
export interface RunningTransfer {
  /** Bit rates of the ladder, lowest first, bit/s. */
  readonly ladder: readonly number[];
  /** The rung being fetched, an index into `ladder`. */
  readonly rung: number;
  /** Size of the segment. */
  readonly bits: number;
  readonly receivedBits: number;
  /** Since the request. */
  readonly elapsedS: number;
  /** From the request to the first byte; as of the transfer before while none has come. */
  readonly firstByteS: number;
  /** Media ahead of the playhead, without this segment. */
  readonly bufferS: number;
  readonly segmentS: number;
  /** Transfers of this segment that were given up before. */
  readonly givenUp: number;
}

/** Cost of a second of stall, in bit rates of the top rung. This and the next three as in `Abandonment` of headroom-core. */
const STALL_PENALTY = 8;

/** Cost of changing the bit rate, per Mbit/s. */
const SWITCH_PENALTY = 1;

/** A transfer is judged after this many seconds: outages end by themselves. */
const PATIENCE_S = 1.2;

/** Transfers of one segment that are given up at most. */
const MOST = 2;

/** A transfer that brought nothing is taken to have brought this, so that its rate is a number. */
const LEAST_BITS = 1000;

/**
 * The rung to fetch in place of a running transfer, if that is worth more: what the rest of the segment is worth at the rate
 * at which it arrives, against the same segment fetched anew. The rule of headroom-core; both sides are tested with
 * the vectors in `test/vectors`.
 */
export function lowerRung(transfer: RunningTransfer): number | undefined {
  const { ladder, rung, bits, receivedBits, elapsedS, firstByteS, bufferS, segmentS, givenUp } = transfer;
  const bodyS = elapsedS - firstByteS;
  if (givenUp >= MOST || elapsedS < PATIENCE_S || bodyS <= 0) return undefined;
  const bitsPerSecond = Math.max(receivedBits, LEAST_BITS) / bodyS;
  const lateS = (rest: number, waitS: number): number => Math.max(0, waitS + rest / bitsPerSecond - bufferS);
  const keptLateS = lateS(bits - receivedBits, 0);
  if (keptLateS <= 0) return undefined;
  const mbps = (index: number): number => (ladder[index] ?? 0) / 1e6;
  const stallCost = STALL_PENALTY * mbps(ladder.length - 1);
  const own = mbps(rung);
  let best = own * segmentS - stallCost * keptLateS;
  let lower: number | undefined;
  for (let candidate = 0; candidate < rung; candidate++) {
    const late = lateS((bits * mbps(candidate)) / own, firstByteS);
    const value = mbps(candidate) * segmentS - SWITCH_PENALTY * (own - mbps(candidate)) - stallCost * late;
    if (value > best) [best, lower] = [value, candidate];
  }
  return lower;
}
