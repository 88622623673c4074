import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine, IrqPin } from '@hotsocket/irq-line';
import { PciFunction } from '@hotsocket/pci-bus';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { initialState, KIND, LIMITS, type Piix3Saved, type Piix3State, VERSION } from './saved-state.js';
import { ELCR, PIRQRC, RC, REGISTERS, RESET_BYTES, STEERABLE_IRQS } from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

/** `hard` resets all of the board, `soft` the processor only (82371SB, RC register). */
export type ResetKind = 'hard' | 'soft';

/**
 * 82371SB ISA bridge: steers PCI interrupts to ISA interrupts, holds their trigger modes and resets the board. Timers,
 * DMA and interrupt controllers of the chip are packages of their own; ISA timing registers are storage.
 */
export class Piix3 implements Device {
  readonly typeName = 'PIIX3';
  /** Configuration space; the board plugs it into slot 1, function 0. */
  readonly pci: PciFunction;
  /** Inputs PIRQA to PIRQD, level, active high here. */
  readonly pirq: readonly IrqPin[];
  /** Outputs by ISA interrupt number, 0 to 15; those that cannot be steered to stay low. */
  readonly irq: readonly IrqLine[];
  /** Ports 4D0h and 4D1h. */
  readonly elcr: Mmio;
  /** Port CF9h. */
  readonly resetControl: Mmio;
  /** Called when trigger modes may have changed: bit n set makes interrupt n level triggered. */
  elcrChanged: (mask: number) => void = () => {};
  /** Called when the guest asks for a reset; the board resets between two instructions. */
  resetRequested: (kind: ResetKind) => void = () => {};
  readonly #points: Points<typeof TRACE_POINTS>;
  #state: Piix3State = initialState();

  constructor(services: { readonly trace?: Trace } = {}) {
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.pci = new PciFunction(services, IDENTITY);
    this.pci.configWritten = (write) => {
      if (PIRQRC.some((register) => write.touches(register))) this.#steer();
    };
    this.irq = Array.from({ length: 16 }, (_, irq) => new IrqLine(`piix3.irq${irq}`));
    this.pirq = PIRQRC.map((_, index) => new IrqPin(`piix3.pirq${'ABCD'[index]}`, () => this.#steer()));
    this.elcr = mmio('elcr', 2, {
      maxSize: 1,
      read: (offset) => this.#readElcr(offset),
      write: (at, _, value) => this.#writeElcr(at, value),
    });
    this.resetControl = mmio('piix3-reset-control', 1, {
      read: () => this.#state.rc,
      write: (_offset, _size, value) => this.#writeRc(value),
    });
  }

  reset(): void {
    this.#state = initialState();
    this.pci.reset();
    this.#steer();
    this.elcrChanged(this.levelTriggered);
  }

  /** Trigger modes: bit n set makes interrupt n level triggered. */
  get levelTriggered(): number {
    return this.#state.elcr[0] | (this.#state.elcr[1] << 8);
  }

  save(): SavedState {
    return savedState(KIND, VERSION, { ...this.#state, pci: this.pci.save() } satisfies Piix3Saved);
  }

  restore(saved: SavedState): void {
    const template: Piix3Saved = { ...initialState(), pci: this.pci.save() };
    const { pci, ...state } = restoreLike(saved, KIND, VERSION, template, LIMITS);
    this.pci.restore(pci);
    this.#state = state;
    this.#steer();
    this.elcrChanged(this.levelTriggered);
  }

  #readElcr(offset: number): number {
    return this.#state.elcr[offset & 1]!;
  }

  #writeElcr(offset: number, value: number): void {
    this.#state.elcr[offset & 1] = ELCR[offset & 1]!.write(this.#readElcr(offset), value);
    if (this.#points.piix3_elcr.on) this.#points.piix3_elcr.emit(this.levelTriggered);
    this.elcrChanged(this.levelTriggered);
  }

  #writeRc(value: number): void {
    const kind: ResetKind = RC.SRST.test(value) ? 'hard' : 'soft';
    if (!RC.RCPU.test(value)) {
      this.#state.rc = value & RC.SRST.mask;
      return;
    }
    if (this.#points.piix3_reset.on) this.#points.piix3_reset.emit(kind);
    this.resetRequested(kind);
  }

  #steer(): void {
    let high = 0;
    for (const [index, pin] of this.pirq.entries()) if (pin.high) high |= 1 << this.#steeredTo(index);
    for (const [irq, line] of this.irq.entries()) this.#drive(irq, line, (high & STEERABLE_IRQS & (1 << irq)) !== 0);
  }

  #drive(irq: number, line: IrqLine, high: boolean): void {
    if (line.high !== high && this.#points.piix3_pirq.on) this.#points.piix3_pirq.emit(irq, Number(high));
    line.set(high);
  }

  /** The ISA interrupt of a PIRQ wire; one that cannot be steered to when it is switched off. */
  #steeredTo(index: number): number {
    const register = PIRQRC[index]!;
    const value = this.pci.get(register);
    return register.DISABLED.test(value) ? 0 : register.IRQ.get(value);
  }
}

const IDENTITY: ConstructorParameters<typeof PciFunction>[1] = {
  name: 'piix3',
  vendorId: 0x8086,
  deviceId: 0x7000,
  classCode: 0x06_0100,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
  status: 0x0200,
  multifunction: true,
  registers: REGISTERS,
  initial: RESET_BYTES,
};
