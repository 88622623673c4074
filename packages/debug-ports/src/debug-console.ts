import { type Mmio, mmio } from '@hotsocket/address-space';
import type { Device, Property } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { CONSOLE_PRESENT } from './spec.js';

const KIND = 'isa-debugcon';
const VERSION = 1;

export interface DebugConsoleOptions {
  /** What the port reads as; default E9h, by which SeaBIOS decides to log. */
  readonly readback?: number;
}

/** A port that prints what is written to it: 402h of SeaBIOS, E9h of Bochs. It remembers nothing. */
export class DebugConsole implements Device {
  readonly typeName: string = KIND;
  /** One port; wider accesses are split into bytes. */
  readonly io: Mmio;
  /** Called with each character, inside the guest's port write. */
  written: (byte: number) => void = () => {};
  readonly properties: Readonly<Record<string, Property>>;

  constructor(options: DebugConsoleOptions = {}) {
    const readback = (options.readback ?? CONSOLE_PRESENT) & 0xff;
    this.io = mmio('debugcon', 1, { maxSize: 1, read: () => readback, write: (_offset, _size, value) => this.written(value) });
    this.properties = { readback: { type: 'uint32', get: () => readback } };
  }

  reset(): void {}

  save(): SavedState {
    return savedState(KIND, VERSION, {});
  }

  restore(saved: SavedState): void {
    restoreLike(saved, KIND, VERSION, {});
  }
}
