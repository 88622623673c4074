import type { PciFunctionState } from '@hotsocket/pci-bus';
import { restoreLike, type SavedState, type StateLimits, savedState } from '@hotsocket/saved-state';
import type { ApmState } from './apm.js';
import type { CpuHotplugState } from './cpu-hotplug.js';
import type { Gpe0State } from './gpe0.js';
import type { PciHotplugState } from './pci-hotplug.js';
import type { Pm1State } from './pm1.js';
import type { SmbusState } from './smbus.js';
import { CPU_CMD_ARCH_ID } from './spec.js';

const KIND = 'PIIX4_PM';
const VERSION = 1;
const U32 = 0xffff_ffff;
const LIMITS: StateLimits = {
  sts: 0xffff,
  en: 0xffff,
  cnt: 0xffff,
  up: U32,
  down: U32,
  bus: U32,
  selector: U32,
  command: 0xff,
  ostEvent: U32,
  status: 0xff,
};

/** Everything the function remembers, block by block. */
export interface AcpiPiix4State {
  pm1: Pm1State;
  gpe0: Gpe0State;
  pciHotplug: PciHotplugState;
  cpuHotplug: CpuHotplugState;
  apm: ApmState;
  smbus: SmbusState;
  pci: PciFunctionState;
}

export const save = (state: AcpiPiix4State): SavedState => savedState(KIND, VERSION, state);

/** The saved state; throws SavedStateError when it is not one of this device, which holds `present`. */
export function load(saved: SavedState, present: AcpiPiix4State): AcpiPiix4State {
  const state = restoreLike(saved, KIND, VERSION, present, LIMITS);
  state.cpuHotplug.command = Math.min(state.cpuHotplug.command, CPU_CMD_ARCH_ID);
  return state;
}
