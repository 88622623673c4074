import type { AccessSize } from '@hotsocket/address-space';
import { IrqLine, IrqPin } from '@hotsocket/irq-line';
import { type Points, Trace } from '@hotsocket/trace';
import type { PciFunction } from './pci-function.js';
import { FUNCTIONS, SLOTS } from './spec.js';
import { PCI_TRACE_POINTS } from './trace-points.js';
import type { PciSpaces } from './window.js';

const ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

/** A function that cannot be plugged where it was asked to be; the message names the place and both functions. */
export class PciSlotError extends Error {
  readonly code = 'PCI_SLOT';
}

/** A function in its place. */
export interface PluggedFunction {
  readonly slot: number;
  readonly number: number;
  readonly function: PciFunction;
}

/** Which of the four PIRQ wires (0..3) interrupt pin `pin` (1 INTA# to 4 INTD#) of the device in `slot` is soldered to. */
export type IntxRoute = (slot: number, pin: number) => number;

/** The i440FX board's wiring: pins rotate with the slot, and slot 1 starts at PIRQA. */
export const I440FX_INTX_ROUTE: IntxRoute = (slot, pin) => (slot + pin - 2) & 3;

/** Options of a bus. */
export interface PciBusOptions {
  readonly intxRoute?: IntxRoute;
}

/** PCI bus 0: 32 devices of up to 8 functions, and the four interrupt wires they share. */
export class PciBus {
  /** PIRQA to PIRQD: each is high while any function asserts it. */
  readonly pirq: readonly IrqLine[];
  readonly #pirqPins: readonly IrqPin[];
  readonly #spaces: PciSpaces;
  readonly #points: Points<typeof PCI_TRACE_POINTS>;
  readonly #route: IntxRoute;
  readonly #functions: (PciFunction | undefined)[] = new Array<undefined>(SLOTS * FUNCTIONS).fill(undefined);

  constructor(services: PciSpaces & { readonly trace?: Trace }, options: PciBusOptions = {}) {
    this.#spaces = { io: services.io, mem: services.mem };
    this.#points = (services.trace ?? new Trace()).points(PCI_TRACE_POINTS);
    this.#route = options.intxRoute ?? I440FX_INTX_ROUTE;
    this.pirq = ['A', 'B', 'C', 'D'].map((letter) => new IrqLine(`pci.pirq${letter}`));
    this.#pirqPins = this.pirq.map((line) => new IrqPin(line.label, (high) => line.set(high)));
  }

  /**
   * Plugs a function, which stays for the life of the machine. Throws PciSlotError when the place is taken or does not
   * exist, or when function 0 does not say that there are more: guests would not look for them.
   */
  plug(slot: number, number: number, pciFunction: PciFunction): void {
    const index = this.#place(slot, number, pciFunction);
    this.#functions[index] = pciFunction;
    pciFunction.attach(this.#spaces);
    const pin = pciFunction.interruptPin;
    if (pin > 0) pciFunction.intx.connect(this.#pirqPins[this.#route(slot, pin) & 3]!);
  }

  /** The function at a place, or undefined. */
  at(slot: number, number: number): PciFunction | undefined {
    return this.#functions[(slot & 31) * FUNCTIONS + (number & 7)];
  }

  /** All functions in order of their places, for `info pci`. */
  functions(): PluggedFunction[] {
    const placed = this.#functions.map((pciFunction, index) => ({ slot: index >> 3, number: index & 7, function: pciFunction }));
    return placed.filter((entry): entry is PluggedFunction => entry.function !== undefined);
  }

  /** Reads configuration space on behalf of a guest; places without a function read as ones. */
  configRead(slot: number, number: number, offset: number, size: AccessSize): number {
    const pciFunction = this.at(slot, number);
    if (pciFunction) return pciFunction.configRead(offset & 0xff, size);
    if (this.#points.pci_absent.on) this.#points.pci_absent.emit(slot, number, offset);
    return ONES[size];
  }

  /** Writes configuration space on behalf of a guest; places without a function drop it. */
  configWrite(slot: number, number: number, offset: number, size: AccessSize, value: number): void {
    this.at(slot, number)?.configWrite(offset & 0xff, size, value);
  }

  #place(slot: number, number: number, pciFunction: PciFunction): number {
    const where = `${pciFunction.name}: PCI ${slot.toString(16).padStart(2, '0')}.${number}`;
    const exists = Number.isInteger(slot) && Number.isInteger(number) && slot >= 0 && slot < SLOTS && number >= 0 && number < FUNCTIONS;
    if (!exists) throw new PciSlotError(`${where} does not exist`);
    const other = this.at(slot, number);
    if (other) throw new PciSlotError(`${where} is taken by '${other.name}'`);
    const first = number === 0 ? pciFunction : this.at(slot, 0);
    const more = number > 0 || this.functions().some((entry) => entry.slot === slot);
    if (first && more && !first.multifunction) throw new PciSlotError(`${where}: function 0 ('${first.name}') is not multifunction`);
    return slot * FUNCTIONS + number;
  }
}
