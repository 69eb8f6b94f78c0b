/** The modes in force, followed by the whole page, and orders for them. */
import { write } from "./api";
import { Poll } from "./poll.svelte";
import type { Mode, Modes } from "./types";


export const MODES: Record<Mode, { label: string; says: string; tone: string }> = {
  steer: { label: "Steering", says: "Decides, logs, and tells players what to do.", tone: "good" },
  observe: { label: "Observing", says: "Decides and logs, but tells nobody.", tone: "warn" },
  off: { label: "Off", says: "Answers as if Headroom were not there.", tone: "bad" },
};

class ModeState extends Poll<Modes> {
  /** Orders a mode, null for taking the order back, and shows what is in force then. */
  async order(mode: Mode | null, stream: string | null, reason: string): Promise<void> {
    this.value = await write<Modes>("PUT", "/v1/mode", { mode, reason, ...(stream ? { stream } : {}) });
  }
}

export const modes = new ModeState();
