import type { Mmio } from '@hotsocket/address-space';
import type { IrqLine, IrqPin } from '@hotsocket/irq-line';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import type { Trace } from '@hotsocket/trace';
import { I8259 } from './i8259.js';
import { type I8259PairState, initialState, KIND, LIMITS, VERSION } from './saved-state.js';
import { CASCADE_LEVEL, LEVELS } from './spec.js';

/** The two 8259A of a PC: the slave's INT drives the master's IR2. */
export class I8259Pair implements Device {
  readonly typeName = 'isa-i8259';
  readonly master: I8259;
  readonly slave: I8259;

  constructor(services: { readonly trace?: Trace } = {}) {
    this.master = new I8259(services, 'master');
    this.slave = new I8259(services, 'slave');
    this.slave.int.connect(this.master.ir[CASCADE_LEVEL]!);
  }

  /** INT of the master: to the CPU's INTR or the local APICs' LINT0. */
  get intr(): IrqLine {
    return this.master.int;
  }

  /** Ports 20h and 21h of the PC. */
  get masterIo(): Mmio {
    return this.master.io;
  }

  /** Ports A0h and A1h of the PC. */
  get slaveIo(): Mmio {
    return this.slave.io;
  }

  /** Input `irq`, 0 to 15. Input 2 is the cascade; a line connected there shares it with the slave. */
  ir(irq: number): IrqPin {
    const pin = irq < LEVELS ? this.master.ir[irq] : this.slave.ir[irq - LEVELS];
    if (!pin) throw new RangeError(`i8259: no input ${irq}`);
    return pin;
  }

  reset(): void {
    this.slave.reset();
    this.master.reset();
  }

  /** The chip set's ELCR: bit n set makes input n level triggered. */
  setLevelTriggered(mask: number): void {
    this.slave.setLevelTriggered(mask >>> LEVELS);
    this.master.setLevelTriggered(mask);
  }

  /** The CPU's INTA cycles: the vector, also when the request has gone (level 7 of the chip that lost it). */
  acknowledge(): number {
    const level = this.master.acknowledge();
    return level === CASCADE_LEVEL ? this.slave.vector(this.slave.acknowledge()) : this.master.vector(level);
  }

  save(): SavedState {
    return savedState(KIND, VERSION, { master: this.master.state(), slave: this.slave.state() } satisfies I8259PairState);
  }

  restore(saved: SavedState): void {
    const template: I8259PairState = { master: initialState(), slave: initialState() };
    const state = restoreLike(saved, KIND, VERSION, template, LIMITS);
    this.slave.load(state.slave);
    this.master.load(state.master);
  }
}
