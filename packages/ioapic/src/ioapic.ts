// The 82093AA. Not emulated: the serial APIC bus and its arbitration, so delivery status always reads idle.
import { type AccessSize, type Mmio, mmio } from '@hotsocket/address-space';
import { DELIVERY, type IccBus, type IoApicPort } from '@hotsocket/icc-bus';
import { IrqPin } from '@hotsocket/irq-line';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { type IoApicState, initialState, KIND, LIMITS, VERSION } from './saved-state.js';
import {
  EOIR,
  IOAPICARB,
  IOAPICID,
  IOAPICVER,
  IOREDTBL_HIGH,
  IOREDTBL_LOW,
  IOREGSEL,
  IOWIN,
  PINS,
  REGION_LENGTH,
  VERSION_82093AA,
  VERSION_WITH_EOI,
} from './spec.js';
import { IOAPIC_TRACE_POINTS } from './trace-points.js';

const ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

export interface IoApicOptions {
  /** 11h is the 82093AA; 20h adds the EOI register. */
  readonly version?: typeof VERSION_82093AA | typeof VERSION_WITH_EOI;
}

/** 24 interrupt pins that become messages on the ICC bus. */
export class IoApic implements Device, IoApicPort {
  readonly typeName: string = KIND;
  /** Index register at 0, data at 10h, EOI at 40h; repeats every 256 bytes. */
  readonly region: Mmio;
  readonly version: number;
  readonly #bus: IccBus;
  readonly #trace: Points<typeof IOAPIC_TRACE_POINTS>;
  readonly #pins: readonly IrqPin[];
  #state: IoApicState = initialState();

  constructor(services: { readonly bus: IccBus; readonly trace?: Trace }, options: IoApicOptions = {}) {
    this.version = options.version ?? VERSION_82093AA;
    this.#bus = services.bus;
    this.#trace = (services.trace ?? new Trace()).points(IOAPIC_TRACE_POINTS);
    this.#pins = Array.from({ length: PINS }, (_, pin) => new IrqPin(`ioapic.pin${pin}`, (high) => this.#pinChanged(pin, high)));
    this.region = mmio('ioapic', REGION_LENGTH, {
      read: (offset, size) => this.#read(offset & 0xff, size),
      write: (offset, size, value) => this.#write(offset & 0xff, size, value),
    });
    this.#bus.attachIoApic(this);
  }

  /** Input `pin`, 0 to 23. */
  pin(pin: number): IrqPin {
    const found = this.#pins[pin];
    if (!found) throw new RangeError(`ioapic: no pin ${pin}`);
    return found;
  }

  /** All entries masked. The pins keep the levels that their lines drive. */
  reset(): void {
    this.#state = { ...initialState(), inputs: this.#state.inputs };
  }

  // Register reads

  #read(offset: number, size: AccessSize): number {
    if (offset === IOREGSEL) return this.#state.select;
    if (offset === IOWIN && size === 4) return this.#readRegister(this.#state.select);
    if (this.#trace.ioapic_unclaimed.on) this.#trace.ioapic_unclaimed.emit(offset, size);
    return offset === IOWIN ? 0 : ONES[size];
  }

  #readRegister(index: number): number {
    const value = this.#registerValue(index);
    if (this.#trace.ioapic_read.on) this.#trace.ioapic_read.emit(index, value);
    return value;
  }

  /** Indexes without a register read as 0. */
  #registerValue(index: number): number {
    const state = this.#state;
    if (index === IOAPICID.offset) return IOAPICID.ID.put(0, state.id);
    if (index === IOAPICVER.offset) return IOAPICVER.APIC_VERSION.put(IOAPICVER.resetValue, this.version);
    if (index === IOAPICARB.offset) return IOAPICARB.ARBITRATION_ID.put(0, state.arbitrationId);
    const half = index < IOREDTBL_LOW.offset || index & 1 ? state.high : state.low;
    return half[(index - IOREDTBL_LOW.offset) >> 1] ?? 0;
  }

  // Register writes

  #write(offset: number, size: AccessSize, value: number): void {
    if (offset === IOREGSEL) this.#state.select = value & 0xff;
    else if (offset === IOWIN && size === 4) this.#writeRegister(this.#state.select, value);
    else if (offset === EOIR && this.version >= VERSION_WITH_EOI) this.endOfInterrupt(value & 0xff);
    else if (this.#trace.ioapic_unclaimed.on) this.#trace.ioapic_unclaimed.emit(offset, size);
  }

  #writeRegister(index: number, value: number): void {
    if (this.#trace.ioapic_write.on) this.#trace.ioapic_write.emit(index, value);
    const pin = (index - IOREDTBL_LOW.offset) >> 1;
    if (index === IOAPICID.offset) this.#writeId(value);
    else if (pin < 0 || pin >= PINS) return;
    else if (index & 1) this.#state.high[pin] = IOREDTBL_HIGH.write(0, value);
    else this.#writeLow(pin, value);
  }

  #writeId(value: number): void {
    this.#state.id = IOAPICID.ID.get(value);
    this.#state.arbitrationId = this.#state.id;
  }

  /** QUIRK(Linux): switching an entry to edge clears remote IRR; Linux ends interrupts so on chips without EOI register. */
  #writeLow(pin: number, value: number): void {
    const entry = IOREDTBL_LOW.write(this.#low(pin), value);
    this.#state.low[pin] = IOREDTBL_LOW.TRIGGER_MODE.test(entry) ? entry : IOREDTBL_LOW.REMOTE_IRR.put(entry, 0);
    this.#serviceLevel(pin);
  }

  // Wires and messages received

  #pinChanged(pin: number, high: boolean): void {
    const state = this.#state;
    const bit = 1 << pin;
    if (high === ((state.inputs & bit) !== 0)) return;
    state.inputs = high ? state.inputs | bit : state.inputs & ~bit;
    if (isLevel(this.#low(pin))) this.#serviceLevel(pin);
    else this.#serviceEdge(pin);
  }

  /** Ends the level-triggered interrupts of this vector; pins that are still active send once more. */
  endOfInterrupt(vector: number): void {
    for (let pin = 0; pin < PINS; pin++) {
      const entry = this.#low(pin);
      if (IOREDTBL_LOW.INTVEC.get(entry) !== vector || !IOREDTBL_LOW.REMOTE_IRR.test(entry)) continue;
      if (this.#trace.ioapic_eoi.on) this.#trace.ioapic_eoi.emit(vector, pin);
      this.#state.low[pin] = IOREDTBL_LOW.REMOTE_IRR.put(entry, 0);
      this.#serviceLevel(pin);
    }
  }

  // Save and restore

  save(): SavedState {
    return savedState(KIND, VERSION, this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = restoreLike(saved, KIND, VERSION, initialState(), LIMITS);
  }

  // Private functions

  #low(pin: number): number {
    return this.#state.low[pin] ?? IOREDTBL_LOW.resetValue;
  }

  #active(pin: number): boolean {
    const high = (this.#state.inputs & (1 << pin)) !== 0;
    return high !== IOREDTBL_LOW.INTPOL.test(this.#low(pin));
  }

  /** An edge at a masked pin is neither delivered nor held (datasheet, 'Interrupt Mask'). */
  #serviceEdge(pin: number): void {
    if (this.#active(pin) && !IOREDTBL_LOW.INTERRUPT_MASK.test(this.#low(pin))) this.#deliver(pin, false);
  }

  /** Remote IRR is set before the message leaves and stays when a local APIC took it. */
  #serviceLevel(pin: number): void {
    const entry = this.#low(pin);
    const waits = IOREDTBL_LOW.INTERRUPT_MASK.test(entry) || IOREDTBL_LOW.REMOTE_IRR.test(entry);
    if (waits || !isLevel(entry) || !this.#active(pin)) return;
    this.#state.low[pin] = IOREDTBL_LOW.REMOTE_IRR.put(entry, 1);
    if (this.#deliver(pin, true) === 0) this.#state.low[pin] = entry;
  }

  #deliver(pin: number, levelTriggered: boolean): number {
    const entry = this.#low(pin);
    const destination = IOREDTBL_HIGH.DESTINATION.get(this.#state.high[pin] ?? 0);
    const vector = IOREDTBL_LOW.INTVEC.get(entry);
    const deliveryMode = IOREDTBL_LOW.DELMOD.get(entry);
    if (this.#trace.ioapic_deliver.on) this.#trace.ioapic_deliver.emit(pin, vector, deliveryMode, destination, Number(levelTriggered));
    return this.#bus.deliver({ destination, logical: IOREDTBL_LOW.DESTMOD.test(entry), deliveryMode, vector, levelTriggered });
  }
}

/** SMI, NMI, INIT and ExtINT are edges whatever the trigger mode says (datasheet, 'Delivery Mode'). */
function isLevel(entry: number): boolean {
  return IOREDTBL_LOW.TRIGGER_MODE.test(entry) && IOREDTBL_LOW.DELMOD.get(entry) <= DELIVERY.LOWEST_PRIORITY;
}
