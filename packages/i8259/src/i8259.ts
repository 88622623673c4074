// One 8259A. Not emulated: MCS-80 call instructions (ICW4 uPM = 0 answers as 8086 mode) and the buffered-mode pin.
import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine, IrqPin } from '@hotsocket/irq-line';
import { type Points, Trace } from '@hotsocket/trace';
import { type I8259State, initialState } from './saved-state.js';
import { CASCADE_LEVEL, COMMAND, ICW1, ICW2, ICW4, LEVELS, OCW1, OCW2, OCW3, POLL_REQUEST, PORTS, SPURIOUS_LEVEL } from './spec.js';
import { I8259_TRACE_POINTS } from './trace-points.js';

const NONE = -1;

/** Which of the two chips of a PC; the special fully nested mode concerns the master's cascade input only. */
export type I8259Role = 'master' | 'slave';

/** One 8259A with eight inputs, its INT output and its two ports. */
export class I8259 {
  readonly role: I8259Role;
  /** INT: high while an unmasked request outranks what is in service. */
  readonly int: IrqLine;
  /** IR0 to IR7. */
  readonly ir: readonly IrqPin[];
  /** Offset 0 command, offset 1 data; bytes only. */
  readonly io: Mmio;
  readonly #trace: Points<typeof I8259_TRACE_POINTS>;
  #state: I8259State = initialState();

  constructor(services: { readonly trace?: Trace }, role: I8259Role) {
    this.role = role;
    this.#trace = (services.trace ?? new Trace()).points(I8259_TRACE_POINTS);
    this.int = new IrqLine(`i8259.${role}.int`);
    this.ir = Array.from({ length: LEVELS }, (_, level) => new IrqPin(`i8259.${role}.ir${level}`, (high) => this.#input(level, high)));
    this.io = mmio(`i8259.${role}`, PORTS, {
      maxSize: 1,
      read: (offset) => this.#read(offset),
      write: (offset, _size, value) => this.#write(offset, value),
    });
  }

  /** The vector of a level: ICW2's upper five bits and the level. */
  vector(level: number): number {
    return this.#state.vectorBase | level;
  }

  /** Power-on state. The pins keep the levels that their lines drive. */
  reset(): void {
    this.#state = { ...initialState(), inputs: this.#state.inputs };
    this.#update();
  }

  /** Inputs whose request follows the level instead of an edge: bit n for input n (ELCR). */
  setLevelTriggered(mask: number): void {
    const state = this.#state;
    const added = mask & ~state.elcr & 0xff;
    state.elcr = mask & 0xff;
    state.irr = (state.irr & ~added) | (state.inputs & added);
    this.#update();
  }

  /**
   * The INTA sequence: the level that is now in service. When the request has gone away meanwhile, level 7, with no bit
   * set in ISR.
   */
  acknowledge(): number {
    const level = this.#requested();
    if (this.#trace.pic_acknowledge.on) this.#trace.pic_acknowledge.emit(this.role, level, Number(level === NONE));
    if (level === NONE) return SPURIOUS_LEVEL;
    this.#serve(level);
    return level;
  }

  /** A copy of the state. */
  state(): I8259State {
    return { ...this.#state };
  }

  /** Takes a checked state and drives INT accordingly. */
  load(state: I8259State): void {
    this.#state = { ...state };
    this.#update();
  }

  // Register reads

  #read(offset: number): number {
    const value = this.#state.poll ? this.#pollWord() : this.#register(offset);
    if (this.#trace.pic_read.on) this.#trace.pic_read.emit(this.role, offset, value);
    return value;
  }

  #register(offset: number): number {
    if (offset !== COMMAND) return this.#state.imr;
    return this.#state.readIsr ? this.#state.isr : this.#state.irr;
  }

  /** Poll command: the read pulse is treated as an interrupt acknowledge. */
  #pollWord(): number {
    this.#state.poll = false;
    const level = this.#requested();
    if (level === NONE) return 0;
    this.#serve(level);
    return POLL_REQUEST | level;
  }

  // Register writes

  #write(offset: number, value: number): void {
    if (this.#trace.pic_write.on) this.#trace.pic_write.emit(this.role, offset, value);
    if (offset !== COMMAND) this.#writeData(value);
    else if (ICW1.INIT.test(value)) this.#writeIcw1(value);
    else if (OCW3.IS_OCW3.test(value)) this.#writeOcw3(value);
    else this.#writeOcw2(value);
    this.#update();
  }

  /** ICW1 resets the edge sense: an input that is high must fall and rise again before it requests. */
  #writeIcw1(value: number): void {
    const { inputs, elcr } = this.#state;
    const ltim = ICW1.LTIM.test(value);
    const single = ICW1.SNGL.test(value);
    const irr = inputs & (ltim ? 0xff : elcr);
    this.#state = { ...initialState(), inputs, elcr, irr, ltim, single, expectsIcw4: ICW1.IC4.test(value), awaitedIcw: 2 };
  }

  #writeData(value: number): void {
    const state = this.#state;
    if (state.awaitedIcw === 0) state.imr = OCW1.IMR.get(value);
    else if (state.awaitedIcw === 2) this.#writeIcw2(value);
    else if (state.awaitedIcw === 3) state.awaitedIcw = state.expectsIcw4 ? 4 : 0;
    else this.#writeIcw4(value);
  }

  #writeIcw2(value: number): void {
    const state = this.#state;
    state.vectorBase = value & ICW2.VECTOR_BASE.mask;
    state.awaitedIcw = state.single ? (state.expectsIcw4 ? 4 : 0) : 3;
  }

  #writeIcw4(value: number): void {
    this.#state.autoEoi = ICW4.AEOI.test(value);
    this.#state.specialFullyNested = ICW4.SFNM.test(value);
    this.#state.awaitedIcw = 0;
  }

  #writeOcw2(value: number): void {
    const state = this.#state;
    const rotates = OCW2.R.test(value);
    if (OCW2.EOI.test(value)) return this.#endOfInterrupt(OCW2.SL.test(value) ? OCW2.LEVEL.get(value) : this.#highestInService(), rotates);
    if (!OCW2.SL.test(value)) state.rotateOnAutoEoi = rotates;
    else if (rotates) state.lowest = OCW2.LEVEL.get(value);
  }

  #writeOcw3(value: number): void {
    const state = this.#state;
    if (OCW3.ESMM.test(value)) state.specialMask = OCW3.SMM.test(value);
    if (OCW3.RR.test(value)) state.readIsr = OCW3.RIS.test(value);
    // The data sheet leaves open whether an OCW3 without P withdraws a poll; QEMU 7.2 keeps it until the next read.
    if (OCW3.P.test(value)) state.poll = true;
  }

  // Private functions

  /** In both modes a request ends when its input falls before INTA; that makes the acknowledge spurious. */
  #input(level: number, high: boolean): void {
    const state = this.#state;
    const bit = 1 << level;
    if (high === ((state.inputs & bit) !== 0)) return;
    state.inputs = high ? state.inputs | bit : state.inputs & ~bit;
    state.irr = high ? state.irr | bit : state.irr & ~bit;
    this.#update();
  }

  /** The level INT stands for, or NONE: requests outrank each other and the levels in service in rotated order. */
  #requested(): number {
    const { irr, imr, isr, lowest, specialMask } = this.#state;
    const requests = irr & ~imr;
    const blocking = specialMask ? isr & ~imr : isr;
    for (let rank = 1; rank <= LEVELS; rank++) {
      const level = (lowest + rank) % LEVELS;
      if (blocking & (1 << level)) return requests & (1 << level) && this.#nests(level) ? level : NONE;
      if (requests & (1 << level)) return level;
    }
    return NONE;
  }

  /** Special fully nested mode: a slave in service may interrupt again. */
  #nests(level: number): boolean {
    return this.#state.specialFullyNested && this.role === 'master' && level === CASCADE_LEVEL;
  }

  /** INT falls during INTA, so that a further request of this chip is a new edge at the master. */
  #serve(level: number): void {
    const state = this.#state;
    const bit = 1 << level;
    if (!((state.elcr & bit) !== 0 || state.ltim)) state.irr &= ~bit;
    if (!state.autoEoi) state.isr |= bit;
    else if (state.rotateOnAutoEoi) state.lowest = level;
    this.int.lower();
    this.#update();
  }

  /** In special mask mode a non-specific EOI leaves masked levels in service. */
  #highestInService(): number {
    const { isr, imr, lowest, specialMask } = this.#state;
    const ending = specialMask ? isr & ~imr : isr;
    for (let rank = 1; rank <= LEVELS; rank++) {
      const level = (lowest + rank) % LEVELS;
      if (ending & (1 << level)) return level;
    }
    return NONE;
  }

  #endOfInterrupt(level: number, rotates: boolean): void {
    if (level === NONE) return;
    this.#state.isr &= ~(1 << level);
    if (rotates) this.#state.lowest = level;
  }

  #update(): void {
    this.int.set(this.#requested() !== NONE);
  }
}
