import type { Mmio } from '@hotsocket/address-space';
import { IrqPin } from '@hotsocket/irq-line';
import { type Points, Trace } from '@hotsocket/trace';
import type { InterruptMessage } from './interrupt-message.js';
import { APIC_SLOTS, BROADCAST, DELIVERY, EXTENDED_BROADCAST, ICC_BUS_TYPE, SHORTHAND } from './spec.js';
import { ICC_TRACE_POINTS } from './trace-points.js';

/** What the bus needs of a local APIC. */
export interface LocalApicPort {
  /** The id it was made with, 0 to 254: its place on the bus. */
  readonly slot: number;
  /** Physical address of its registers, which a guest may choose. */
  readonly base: number;
  /** The id register now; a guest may change it. */
  readonly id: number;
  /** Can it take fixed and lowest priority messages: switched on by the base MSR and by software. */
  readonly accepting: boolean;
  /** The arbitration priority; the lowest wins. */
  readonly arbitrationPriority: number;
  /** Does a logical destination name it (destination format and logical destination registers). */
  matchesLogical(destination: number): boolean;
  /** Takes a message that is meant for it. */
  accept(message: InterruptMessage): void;
  /** The board's LINT0 or LINT1 wire changed. */
  lint(input: 0 | 1, high: boolean): void;
  /** A register, by its number (offset in the page / 16). */
  readRegister(index: number): number;
  writeRegister(index: number, value: number): void;
}

/** What the bus needs of an I/O APIC. */
export interface IoApicPort {
  readonly region: Mmio;
  /** A local APIC ended the level-triggered interrupt `vector`. */
  endOfInterrupt(vector: number): void;
}

/** Two devices want one place on the bus, or the place does not exist. */
export class IccBusError extends Error {
  readonly code = 'ICC_BUS';
}

/**
 * The interrupt controller communications bus: carries interrupt messages among local APICs and the I/O APIC, and the
 * wires that the board connects to every processor. Hot-pluggable: APICs come and go at any time.
 */
export class IccBus {
  readonly typeName: string = ICC_BUS_TYPE;
  readonly hotpluggable = true;
  /** LINT0 of every local APIC: the 8259's INT. APICs that are plugged later find its level. */
  readonly lint0: IrqPin;
  /** LINT1 of every local APIC: the board's NMI. */
  readonly lint1: IrqPin;
  /** The local APIC of the CPU that executes now; the executor sets it before it runs a vCPU. */
  current: LocalApicPort | undefined = undefined;
  /** The INTA cycles of the 8259 pair: answers the vector of an ExtINT. Without a controller the data lines float high. */
  extInt: () => number = () => 0xff;
  /** The registers of a local APIC may be at another address, or one came or went. Set by the bridge. */
  apicMoved: () => void = () => {};
  readonly #slots: (LocalApicPort | undefined)[] = Array.from({ length: APIC_SLOTS }, () => undefined);
  #attached: readonly LocalApicPort[] = [];
  #ioApic: IoApicPort | undefined = undefined;
  readonly #trace: Points<typeof ICC_TRACE_POINTS>;

  constructor(services: { readonly trace?: Trace } = {}) {
    this.#trace = (services.trace ?? new Trace()).points(ICC_TRACE_POINTS);
    this.lint0 = new IrqPin('icc-bus.lint0', (high) => this.#driveLint(0, high));
    this.lint1 = new IrqPin('icc-bus.lint1', (high) => this.#driveLint(1, high));
  }

  /** The attached local APICs, by ascending slot. */
  get localApics(): readonly LocalApicPort[] {
    return this.#attached;
  }

  get ioApic(): IoApicPort | undefined {
    return this.#ioApic;
  }

  /** The local APIC at a slot. */
  localApic(slot: number): LocalApicPort | undefined {
    return this.#slots[slot];
  }

  /** Plugs a local APIC in. Throws IccBusError when its slot is taken or does not exist; then nothing has changed. */
  attach(apic: LocalApicPort): void {
    const { slot } = apic;
    if (!Number.isInteger(slot) || slot < 0 || slot >= APIC_SLOTS)
      throw new IccBusError(`local APIC id ${slot} is not in 0..${APIC_SLOTS - 1}`);
    if (this.#slots[slot]) throw new IccBusError(`local APIC id ${slot} is already on the bus`);
    this.#slots[slot] = apic;
    this.#attached = this.#slots.filter((known) => known !== undefined);
    if (this.#trace.icc_attach.on) this.#trace.icc_attach.emit(slot);
    apic.lint(0, this.lint0.high);
    apic.lint(1, this.lint1.high);
  }

  /** Unplugs a local APIC; one that is not on the bus is left alone. */
  detach(apic: LocalApicPort): void {
    if (this.#slots[apic.slot] !== apic) return;
    this.#slots[apic.slot] = undefined;
    this.#attached = this.#slots.filter((known) => known !== undefined);
    if (this.current === apic) this.current = undefined;
    if (this.#trace.icc_detach.on) this.#trace.icc_detach.emit(apic.slot);
  }

  /** Puts the I/O APIC on the bus. The window has room for one; a second throws IccBusError. */
  attachIoApic(ioApic: IoApicPort): void {
    if (this.#ioApic) throw new IccBusError('only one I/O APIC fits on the bus');
    this.#ioApic = ioApic;
  }

  /** Sends a message to the APICs it names. Returns how many took it. */
  deliver(message: InterruptMessage): number {
    return this.#send(
      message,
      this.#attached.filter((apic) => isNamed(apic, message)),
    );
  }

  /** Sends a message from `sender`, whose shorthand may replace the destination. Returns how many took it. */
  deliverFrom(sender: LocalApicPort, shorthand: number, message: InterruptMessage): number {
    switch (shorthand) {
      case SHORTHAND.SELF:
        return this.#send(message, [sender]);
      case SHORTHAND.ALL:
        return this.#send(message, this.#attached);
      case SHORTHAND.ALL_BUT_SELF:
        return this.#send(
          message,
          this.#attached.filter((apic) => apic !== sender),
        );
      default:
        return this.deliver(message);
    }
  }

  /** A local APIC ended a level-triggered interrupt. */
  endOfInterrupt(vector: number): void {
    if (this.#trace.icc_eoi.on) this.#trace.icc_eoi.emit(vector);
    this.#ioApic?.endOfInterrupt(vector);
  }

  #send(message: InterruptMessage, named: readonly LocalApicPort[]): number {
    const targets = message.deliveryMode === DELIVERY.LOWEST_PRIORITY ? arbitrate(named) : named;
    if (this.#trace.icc_message.on) this.#traceMessage(message, targets.length);
    for (const apic of targets) apic.accept(message);
    return targets.length;
  }

  #traceMessage(message: InterruptMessage, targets: number): void {
    const { destination, logical, deliveryMode, vector, levelTriggered } = message;
    this.#trace.icc_message.emit(destination, Number(logical), deliveryMode, vector, Number(levelTriggered), targets);
  }

  #driveLint(input: 0 | 1, high: boolean): void {
    for (const apic of this.#attached) apic.lint(input, high);
  }
}

/** SDM 'Physical Destination Mode', 'Logical Destination Mode': all ones is a broadcast in both. */
function isNamed(apic: LocalApicPort, { destination, logical, extended }: InterruptMessage): boolean {
  if (destination === (extended ? EXTENDED_BROADCAST : BROADCAST)) return true;
  return logical ? apic.matchesLogical(destination) : apic.id === destination;
}

/** SDM 'Lowest Priority Delivery Mode': one of those that accept; of equals the one with the lowest slot. */
function arbitrate(named: readonly LocalApicPort[]): readonly LocalApicPort[] {
  let winner: LocalApicPort | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const apic of named) {
    const priority = apic.arbitrationPriority;
    if (!apic.accepting || priority >= lowest) continue;
    winner = apic;
    lowest = priority;
  }
  return winner ? [winner] : [];
}
