import { SseFloat, X87, type X87Layout } from '@hotsocket/x87-float';
import type { CoreMemory } from '../core-memory.js';
import * as layout from '../layout.js';

/** Where the unit finds the state of the executing CPU; memory operands pass through SCRATCH. */
const X87_LAYOUT: X87Layout = {
  regs: layout.X87,
  fcw: layout.FCW,
  fsw: layout.FSW,
  ftw: layout.FTW,
  fop: layout.FOP,
  fip: layout.FIP,
  fdp: layout.FDP,
  fcs: layout.FCS,
  fds: layout.FDS,
  operand: layout.SCRATCH,
};

/** The exact arithmetic units of a core. They hold no state of a CPU. */
export class FpuUnits {
  readonly x87: X87;
  readonly sse: SseFloat;

  constructor(memory: CoreMemory) {
    this.x87 = new X87(memory.view, X87_LAYOUT);
    this.sse = new SseFloat(memory.view);
  }
}
