// The local APIC in xAPIC and x2APIC mode. Not emulated: focus processors, remote read, EOI-broadcast suppression.
import { DELIVERY, type IccBus, type InterruptMessage, type LocalApicPort } from '@hotsocket/icc-bus';
import type { Device, Property } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { Crystal, type VirtualClock } from '@hotsocket/virtual-clock';
import { type ApicCpu, NO_CPU } from './apic-cpu.js';
import { ApicTimer } from './apic-timer.js';
import { initialRegisters, initialState, KIND, LIMITS, type LocalApicState, VERSION } from './saved-state.js';
import {
  APIC_BASE,
  APIC_ID,
  APIC_VERSION,
  DFR,
  ESR,
  ICR_HIGH,
  ICR_LOW,
  LDR,
  LOWEST_VECTOR,
  LVT,
  LVT_ENTRIES,
  LVT_LAYOUT,
  LVT_LINT,
  LVT_TIMER,
  MODEL_CLUSTER,
  MODEL_FLAT,
  REG,
  SELF_IPI,
  SVR,
} from './spec.js';
import { APIC_TRACE_POINTS } from './trace-points.js';
import { hasVector, highestVector, putVector, type VectorSet } from './vector-set.js';
import { isLogicalTarget, isReadable, isWritable, logicalIdOf } from './x2apic.js';

export interface LocalApicServices {
  readonly clock: VirtualClock;
  readonly bus: IccBus;
  readonly trace?: Trace;
}

export interface LocalApicOptions {
  /** 0 to 254: its place on the bus and its id after power-on. */
  readonly id: number;
  /** The processor that starts the firmware. */
  readonly bootstrap: boolean;
  /** Offers x2APIC mode. */
  readonly x2apic?: boolean;
  /** Input of the timer before its divider; default 1 GHz. */
  readonly timerHz?: number;
  /** Rate of the time-stamp counter, for TSC deadlines; default 1 GHz. */
  readonly tscHz?: number;
}

/** The two halves of a model-specific register. */
export interface MsrValue {
  readonly hi: number;
  readonly lo: number;
}

/** The interrupt controller of one CPU. */
export class LocalApic implements Device, LocalApicPort {
  readonly typeName: string = KIND;
  readonly slot: number;
  readonly bootstrap: boolean;
  /** Offers x2APIC mode. */
  readonly x2apic: boolean;
  readonly properties: Readonly<Record<string, Property>>;
  readonly #bus: IccBus;
  readonly #timer: ApicTimer;
  readonly #trace: Points<typeof APIC_TRACE_POINTS>;
  #cpu: ApicCpu = NO_CPU;
  #pending = false;
  #state: LocalApicState;

  /** Plugs itself into the bus; throws IccBusError when the id is not free, RangeError for a rate that cannot be counted exactly. */
  constructor(services: LocalApicServices, options: LocalApicOptions) {
    const { id, bootstrap } = options;
    const input = new Crystal(options.timerHz ?? 1_000_000_000);
    const tscClock = new Crystal(options.tscHz ?? 1_000_000_000);
    this.slot = id;
    this.bootstrap = bootstrap;
    this.x2apic = options.x2apic ?? false;
    this.properties = { id: { type: 'uint8', get: () => this.id }, version: { type: 'uint8', get: () => APIC_VERSION.VERSION.reset } };
    this.#bus = services.bus;
    this.#trace = (services.trace ?? new Trace()).points(APIC_TRACE_POINTS);
    this.#state = initialState(options);
    const tsc = (): number | undefined => this.#cpu.tsc?.();
    this.#bus.attach(this);
    this.#timer = new ApicTimer(services.clock, { label: `apic${id}.timer`, input, tscClock, tsc, expired: () => this.#timerExpired() });
  }

  /** The CPU's side of the interrupt wires; a new CPU hears the present state at once. */
  get cpu(): ApicCpu {
    return this.#cpu;
  }

  set cpu(cpu: ApicCpu) {
    this.#cpu = cpu;
    cpu.interruptPending(this.#pending);
  }

  /** Unplugs from the bus and from the clock. */
  dispose(): void {
    this.#bus.detach(this);
    this.#timer.dispose();
  }

  /** Power-on state; the wires keep their levels. The CPU is reset by its owner. */
  reset(): void {
    const { lintInputs } = this.#state;
    this.#load({ ...initialState({ id: this.slot, bootstrap: this.bootstrap }), lintInputs });
    this.#bus.apicMoved();
  }

  // What the CPU sees

  /** An interrupt or an ExtINT waits for the CPU. */
  get pending(): boolean {
    return this.#pending;
  }

  /** Halted until a startup message: after power-on and INIT of all but the bootstrap processor. */
  get waitsForSipi(): boolean {
    return this.#state.waitsForSipi;
  }

  /** IA32_APIC_BASE bit 11; CPUID.01H:EDX bit 9 follows it. */
  get enabled(): boolean {
    return APIC_BASE.ENABLE.test(this.#state.baseLow);
  }

  /** In x2APIC mode: registers are MSRs and not in memory. */
  get extended(): boolean {
    return this.enabled && APIC_BASE.EXTENDED.test(this.#state.baseLow);
  }

  /** Physical address of the registers. */
  get base(): number {
    return this.#state.baseHigh * 2 ** 32 + APIC_BASE.BASE.get(this.#state.baseLow) * 0x1000;
  }

  /** The task priority register, 8 bits; CR8 is its upper half. */
  get tpr(): number {
    return this.#state.tpr;
  }

  set tpr(value: number) {
    this.#state.tpr = value & 0xff;
    this.#update();
  }

  /** The vector to deliver: the CPU's interrupt acknowledge. With nothing pending any more, the spurious vector. */
  acknowledge(): number {
    const vector = this.#acknowledged();
    if (this.#trace.apic_acknowledge.on) this.#trace.apic_acknowledge.emit(this.slot, vector);
    this.#update();
    return vector;
  }

  /** IA32_APIC_BASE. */
  get apicBase(): MsrValue {
    return { hi: this.#state.baseHigh, lo: this.#state.baseLow };
  }

  /**
   * Writes IA32_APIC_BASE. Returns false, and changes nothing, when a reserved bit is set or the mode cannot be entered from the present one
   * ('x2APIC State Transitions'): #GP(0). The BSP flag is
   * read only. Clearing the enable bit brings the state of power-on back; LINT0 and LINT1 then are INTR and NMI. The width of
   * physical addresses is for the caller to check.
   */
  writeApicBase(hi: number, lo: number): boolean {
    const writable = APIC_BASE.writableMask | APIC_BASE.BSP.mask;
    if ((lo & ~writable) !== 0 || !this.#mayEnter(lo)) return false;
    const state = this.#state;
    const was = this.enabled;
    state.baseHigh = hi >>> 0;
    state.baseLow = APIC_BASE.write(state.baseLow, lo >>> 0);
    if (was !== this.enabled) this.#switched();
    this.#bus.apicMoved();
    return true;
  }

  /** x2APIC mode is entered from xAPIC mode and left for off. */
  #mayEnter(lo: number): boolean {
    const [extended, enabled] = [APIC_BASE.EXTENDED.test(lo), APIC_BASE.ENABLE.test(lo)];
    if (extended) return this.x2apic && enabled && this.enabled;
    return !(enabled && this.extended);
  }

  /** Reads a register as an MSR by its number, into the halves; false, which is #GP(0), for one that does not exist in this mode. */
  readMsr(index: number, into: { high: number; low: number }): boolean {
    if (!this.extended || !isReadable(index)) return false;
    into.low = this.#extendedValue(index) >>> 0;
    into.high = index === REG.ICR_LOW ? this.#state.icrHigh : 0;
    return true;
  }

  #extendedValue(index: number): number {
    if (index === REG.ID) return this.slot;
    return index === REG.LDR ? logicalIdOf(this.slot) : this.#registerValue(index);
  }

  /** Writes a register as an MSR by its number; false, and nothing changed, for #GP(0). */
  writeMsr(index: number, high: number, low: number): boolean {
    if (!this.extended || !isWritable(index, high, low)) return false;
    if (this.#trace.apic_write.on) this.#trace.apic_write.emit(this.slot, index, low);
    if (index === REG.ICR_LOW) this.#state.icrHigh = high;
    if (index === SELF_IPI) this.#raise(DELIVERY.FIXED, low, false);
    else this.#write(index, low);
    return true;
  }

  /** IA32_TSC_DEADLINE. */
  get tscDeadline(): MsrValue {
    const { high, low } = this.#timer.tscDeadline;
    return { hi: high, lo: low };
  }

  writeTscDeadline(hi: number, lo: number): void {
    this.#timer.writeTscDeadline(hi, lo);
  }

  /** The guest wrote the time-stamp counter. */
  tscChanged(): void {
    this.#timer.tscChanged();
  }

  // What the bus sees

  get id(): number {
    return this.extended ? this.slot : this.#state.id;
  }

  get accepting(): boolean {
    return this.enabled && SVR.ENABLED.test(this.#state.svr);
  }

  /** 'Arbitration Priority Register': the highest of task, in-service and requested priority. */
  get arbitrationPriority(): number {
    const { tpr, isr, irr } = this.#state;
    const serviced = highestVector(isr) & 0xf0;
    const requested = highestVector(irr) & 0xf0;
    return (tpr & 0xf0) >= requested && (tpr & 0xf0) > serviced ? tpr : Math.max(tpr & 0xf0, serviced, requested);
  }

  matchesLogical(destination: number): boolean {
    if (this.extended) return isLogicalTarget(destination, this.slot);
    if (destination > 0xff) return false;
    const own = LDR.LOGICAL_ID.get(this.#state.ldr);
    const model = DFR.MODEL.get(this.#state.dfr);
    if (model === MODEL_FLAT) return (own & destination) !== 0;
    return model === MODEL_CLUSTER && own >>> 4 === destination >>> 4 && (own & destination & 0xf) !== 0;
  }

  accept(message: InterruptMessage): void {
    if (!this.enabled) return;
    const { deliveryMode, vector, levelTriggered } = message;
    if (this.#trace.apic_accept.on) this.#trace.apic_accept.emit(this.slot, deliveryMode, vector, Number(levelTriggered));
    if (deliveryMode === DELIVERY.STARTUP) this.#startUp(vector);
    else this.#raise(deliveryMode, vector, levelTriggered);
  }

  lint(input: 0 | 1, high: boolean): void {
    const state = this.#state;
    const bit = 1 << input;
    if (high === ((state.lintInputs & bit) !== 0)) return;
    state.lintInputs ^= bit;
    if (this.enabled) this.#lintChanged(input);
    else if (input === 1 && high) this.#cpu.nmi();
    this.#update();
  }

  // Register reads

  readRegister(index: number): number {
    if (!this.enabled || this.extended) return 0xffff_ffff;
    const value = this.#registerValue(index) >>> 0;
    if (this.#trace.apic_read.on) this.#trace.apic_read.emit(this.slot, index, value);
    return value;
  }

  #registerValue(index: number): number {
    if (index >= REG.ISR && index < REG.IRR + 8) return this.#vectorWord(index);
    if (index >= REG.LVT && index < REG.LVT + LVT_ENTRIES) return this.#lvt(index - REG.LVT);
    const state = this.#state;
    switch (index) {
      case REG.ID:
        return APIC_ID.ID.put(0, state.id);
      case REG.VERSION:
        return APIC_VERSION.resetValue;
      case REG.TPR:
        return state.tpr;
      case REG.APR:
        return this.arbitrationPriority;
      case REG.PPR:
        return this.#processorPriority();
      case REG.EOI:
      case REG.RRD:
        return 0;
      case REG.LDR:
        return state.ldr;
      case REG.DFR:
        return state.dfr;
      case REG.SVR:
        return state.svr;
      case REG.ESR:
        return state.esr;
      case REG.ICR_LOW:
        return state.icrLow;
      case REG.ICR_HIGH:
        return state.icrHigh;
      default:
        return this.#timerRegister(index);
    }
  }

  #timerRegister(index: number): number {
    if (index === REG.INITIAL_COUNT) return this.#timer.initialCount;
    if (index === REG.CURRENT_COUNT) return this.#timer.currentCount;
    if (index === REG.DIVIDE) return this.#timer.divide;
    this.#logError(ESR.ILLEGAL_REGISTER.mask);
    return 0;
  }

  #vectorWord(index: number): number {
    const { isr, tmr, irr } = this.#state;
    const set = index < REG.TMR ? isr : index < REG.IRR ? tmr : irr;
    return set[index & 7] ?? 0;
  }

  // Register writes

  writeRegister(index: number, value: number): void {
    if (!this.enabled || this.extended) return;
    if (this.#trace.apic_write.on) this.#trace.apic_write.emit(this.slot, index, value);
    this.#write(index, value);
  }

  #write(index: number, value: number): void {
    if (index >= REG.LVT && index < REG.LVT + LVT_ENTRIES) this.#writeLvt(index - REG.LVT, value);
    else this.#writeControl(index, value);
    this.#update();
  }

  #writeControl(index: number, value: number): void {
    const state = this.#state;
    switch (index) {
      case REG.ID:
        state.id = APIC_ID.ID.get(value);
        return;
      case REG.TPR:
        state.tpr = value & 0xff;
        return;
      case REG.EOI:
        return this.#endOfInterrupt();
      case REG.LDR:
        state.ldr = LDR.write(state.ldr, value);
        return;
      case REG.DFR:
        state.dfr = DFR.write(state.dfr, value);
        return;
      case REG.SVR:
        return this.#writeSvr(value);
      case REG.ESR:
        return this.#writeEsr();
      case REG.ICR_LOW:
        state.icrLow = ICR_LOW.write(0, value);
        return this.#send();
      case REG.ICR_HIGH:
        state.icrHigh = ICR_HIGH.write(0, value);
        return;
      default:
        return this.#writeTimer(index, value);
    }
  }

  #writeTimer(index: number, value: number): void {
    if (index === REG.INITIAL_COUNT) this.#timer.writeInitialCount(value);
    else if (index === REG.DIVIDE) this.#timer.writeDivide(value);
    else if (!isReadOnly(index)) this.#logError(ESR.ILLEGAL_REGISTER.mask);
  }

  /** Switching off by software masks the whole local vector table ('Local APIC State After It Has Been Software Disabled'). */
  #writeSvr(value: number): void {
    this.#state.svr = SVR.write(0, value);
    if (SVR.ENABLED.test(value)) return;
    for (let entry = 0; entry < LVT_ENTRIES; entry++) this.#writeLvt(entry, this.#lvt(entry));
  }

  /** Shows what was detected since the last write and arms the error interrupt again. */
  #writeEsr(): void {
    this.#state.esr = this.#state.errors;
    this.#state.errors = 0;
  }

  #writeLvt(entry: number, value: number): void {
    const layout = LVT_LAYOUT[entry]!;
    const masked = SVR.ENABLED.test(this.#state.svr) ? value : layout.MASK.put(value, 1);
    const written = layout.write(this.#lvt(entry), masked);
    if (entry === LVT.TIMER) this.#timer.configure(LVT_TIMER.MODE.get(written), LVT_TIMER.MASK.test(written));
    this.#state.lvt[entry] = written;
    if (entry === LVT.LINT0) this.#lint0Written();
  }

  /** INIT de-assert only synchronised arbitration ids. Other messages are edges, whatever their trigger mode says. */
  #send(): void {
    const { icrLow, icrHigh } = this.#state;
    const deliveryMode = ICR_LOW.DELIVERY_MODE.get(icrLow);
    const vector = ICR_LOW.VECTOR.get(icrLow);
    if (deliveryMode === DELIVERY.REMOTE_READ) return;
    if (deliveryMode === DELIVERY.INIT && ICR_LOW.TRIGGER.test(icrLow) && !ICR_LOW.LEVEL.test(icrLow)) return;
    if (isVectored(deliveryMode) && vector < LOWEST_VECTOR) return this.#logError(ESR.SEND_ILLEGAL_VECTOR.mask);
    const { extended } = this;
    const destination = extended ? icrHigh : ICR_HIGH.DESTINATION.get(icrHigh);
    const message = { destination, extended, logical: ICR_LOW.LOGICAL.test(icrLow), deliveryMode, vector, levelTriggered: false };
    this.#bus.deliverFrom(this, ICR_LOW.SHORTHAND.get(icrLow), message);
  }

  #endOfInterrupt(): void {
    const { isr, tmr } = this.#state;
    const vector = highestVector(isr);
    if (vector === 0) return;
    if (this.#trace.apic_eoi.on) this.#trace.apic_eoi.emit(this.slot, vector);
    putVector(isr, vector, false);
    if (!hasVector(tmr, vector)) return;
    this.#bus.endOfInterrupt(vector);
    this.#endLint(vector);
  }

  // Timers

  #timerExpired(): void {
    const entry = this.#lvt(LVT.TIMER);
    if (LVT_TIMER.MASK.test(entry)) return;
    if (this.#trace.apic_timer.on) this.#trace.apic_timer.emit(this.slot, LVT_TIMER.VECTOR.get(entry));
    this.#raise(DELIVERY.FIXED, LVT_TIMER.VECTOR.get(entry), false);
  }

  // Save and restore

  save(): SavedState {
    return savedState(KIND, VERSION, { ...this.#state, timer: this.#timer.state() } satisfies LocalApicState);
  }

  restore(saved: SavedState): void {
    this.#load(restoreLike(saved, KIND, VERSION, initialState({ id: this.slot, bootstrap: this.bootstrap }), LIMITS));
    this.#cpu.interruptPending(this.#pending);
    this.#bus.apicMoved();
  }

  // Private functions

  #load(state: LocalApicState): void {
    this.#state = state;
    const entry = this.#lvt(LVT.TIMER);
    this.#timer.load(state.timer, LVT_TIMER.MODE.get(entry), LVT_TIMER.MASK.test(entry));
    this.#update();
  }

  /** INIT: all but id, base and wires. */
  #clear(): void {
    const { id, baseHigh, baseLow, lintInputs } = this.#state;
    this.#load({ ...initialRegisters(this.bootstrap), id, baseHigh, baseLow, lintInputs });
  }

  /** Off or on by the base MSR: the state of power-on, but for the base, the wires, and that the CPU runs. */
  #switched(): void {
    const { baseHigh, baseLow, lintInputs, waitsForSipi } = this.#state;
    this.#load({ ...initialRegisters(this.bootstrap), id: this.slot, baseHigh, baseLow, lintInputs, waitsForSipi });
  }

  #raise(deliveryMode: number, vector: number, levelTriggered: boolean): void {
    switch (deliveryMode) {
      case DELIVERY.FIXED:
      case DELIVERY.LOWEST_PRIORITY:
        return this.#request(vector, levelTriggered);
      case DELIVERY.SMI:
        return this.#cpu.smi();
      case DELIVERY.NMI:
        return this.#cpu.nmi();
      case DELIVERY.INIT:
        this.#clear();
        return this.#cpu.init();
      case DELIVERY.EXTINT:
        this.#state.extIntLatched = this.accepting;
        return this.#update();
    }
  }

  /** 'Interrupt Acceptance for Fixed Interrupts'; an APIC switched off by software takes none. */
  #request(vector: number, levelTriggered: boolean): void {
    if (!SVR.ENABLED.test(this.#state.svr)) return;
    if (vector < LOWEST_VECTOR) return this.#logError(ESR.RECEIVE_ILLEGAL_VECTOR.mask);
    putVector(this.#state.irr, vector, true);
    putVector(this.#state.tmr, vector, levelTriggered);
    this.#update();
  }

  #startUp(vector: number): void {
    if (!this.#state.waitsForSipi) return;
    this.#state.waitsForSipi = false;
    this.#cpu.sipi(vector);
  }

  /** The first error after a write of ESR raises the error interrupt. */
  #logError(bits: number): void {
    const state = this.#state;
    if (this.#trace.apic_error.on) this.#trace.apic_error.emit(this.slot, bits);
    const armed = state.errors === 0;
    state.errors |= bits;
    const entry = this.#lvt(LVT.ERROR);
    if (armed && !LVT_TIMER.MASK.test(entry)) this.#raise(DELIVERY.FIXED, LVT_TIMER.VECTOR.get(entry), false);
  }

  #lintChanged(input: 0 | 1): void {
    const entry = this.#lvt(LVT.LINT0 + input);
    const mode = LVT_LINT.DELIVERY_MODE.get(entry);
    if (isLevelLint(input, entry)) return this.#serviceLevelLint();
    if (!this.#lintActive(input) || LVT_LINT.MASK.test(entry) || mode === DELIVERY.EXTINT) return;
    this.#raise(mode, LVT_LINT.VECTOR.get(entry), false);
  }

  /** Remote IRR belongs to level-triggered interrupts. */
  #lint0Written(): void {
    const entry = this.#lvt(LVT.LINT0);
    if (!isLevelLint(0, entry)) this.#state.lvt[LVT.LINT0] = LVT_LINT.REMOTE_IRR.put(entry, 0);
    this.#serviceLevelLint();
  }

  #serviceLevelLint(): void {
    const entry = this.#lvt(LVT.LINT0);
    const waits = LVT_LINT.MASK.test(entry) || LVT_LINT.REMOTE_IRR.test(entry);
    if (waits || !isLevelLint(0, entry) || !this.#lintActive(0)) return;
    this.#state.lvt[LVT.LINT0] = LVT_LINT.REMOTE_IRR.put(entry, 1);
    this.#raise(DELIVERY.FIXED, LVT_LINT.VECTOR.get(entry), true);
  }

  #endLint(vector: number): void {
    const entry = this.#lvt(LVT.LINT0);
    if (!LVT_LINT.REMOTE_IRR.test(entry) || LVT_LINT.VECTOR.get(entry) !== vector) return;
    this.#state.lvt[LVT.LINT0] = LVT_LINT.REMOTE_IRR.put(entry, 0);
    this.#serviceLevelLint();
  }

  #lintActive(input: 0 | 1): boolean {
    const high = (this.#state.lintInputs & (1 << input)) !== 0;
    return high !== LVT_LINT.POLARITY.test(this.#lvt(LVT.LINT0 + input));
  }

  #lvt(entry: number): number {
    return this.#state.lvt[entry] ?? 0;
  }

  /** 'Processor Priority Register'. */
  #processorPriority(): number {
    const { tpr, isr } = this.#state;
    const serviced = highestVector(isr);
    return (tpr & 0xf0) >= (serviced & 0xf0) ? tpr : serviced & 0xf0;
  }

  /** The request that outranks the processor priority, or 0. */
  #deliverable(): number {
    const vector = highestVector(this.#state.irr);
    return (vector & 0xf0) > (this.#processorPriority() & 0xf0) ? vector : 0;
  }

  /** ExtINT ignores all priorities. With the APIC off, LINT0 is INTR. */
  #extIntPending(): boolean {
    if (!this.enabled) return (this.#state.lintInputs & 1) !== 0;
    return this.#state.extIntLatched || this.#isExtInt(0) || this.#isExtInt(1);
  }

  #isExtInt(input: 0 | 1): boolean {
    const entry = this.#lvt(LVT.LINT0 + input);
    return LVT_LINT.DELIVERY_MODE.get(entry) === DELIVERY.EXTINT && !LVT_LINT.MASK.test(entry) && this.#lintActive(input);
  }

  #acknowledged(): number {
    const { irr, isr, svr } = this.#state;
    const vector = this.#deliverable();
    if (vector !== 0) return move(irr, isr, vector);
    if (!this.#extIntPending()) return SVR.VECTOR.get(svr);
    this.#state.extIntLatched = false;
    return this.#bus.extInt() & 0xff;
  }

  #update(): void {
    const pending = this.#deliverable() !== 0 || this.#extIntPending();
    if (pending === this.#pending) return;
    this.#pending = pending;
    this.#cpu.interruptPending(pending);
  }
}

function move(from: VectorSet, to: VectorSet, vector: number): number {
  putVector(from, vector, false);
  putVector(to, vector, true);
  return vector;
}

const isVectored = (deliveryMode: number): boolean => deliveryMode <= DELIVERY.LOWEST_PRIORITY;

/** LINT1 is always edge sensitive ('Local Vector Table', trigger mode). */
const isLevelLint = (input: 0 | 1, entry: number): boolean =>
  input === 0 && LVT_LINT.TRIGGER.test(entry) && LVT_LINT.DELIVERY_MODE.get(entry) === DELIVERY.FIXED;

const isReadOnly = (index: number): boolean =>
  (index >= REG.ISR && index < REG.IRR + 8) ||
  index === REG.VERSION ||
  index === REG.APR ||
  index === REG.PPR ||
  index === REG.RRD ||
  index === REG.CURRENT_COUNT;
