/**
 * The CPU hot-plug block. It starts as a bitmap of 256 bits, one for each APIC id; where the board names its CPU slots, the guest may
 * change it for good into a block of registers by writing 0 to its first byte.
 */
import { type AccessSize, type Mmio, mmio } from '@hotsocket/address-space';
import {
  CPU_BLOCK_LENGTH,
  CPU_CMD_ARCH_ID,
  CPU_CMD_NEXT_EVENT,
  CPU_CMD_OST_EVENT,
  CPU_CMD_OST_STATUS,
  CPU_COMMAND,
  CPU_DATA,
  CPU_FLAGS,
  CPU_FLAGS_OFFSET,
  CPU_HOTPLUG_LENGTH,
  CPU_SELECTOR,
} from './spec.js';

const APIC_IDS = 8 * CPU_HOTPLUG_LENGTH;

/** What the block holds; bitmaps have one bit for each APIC id. */
export interface CpuHotplugState {
  present: Uint8Array;
  /** CPUs that came and that the guest has not looked at since. */
  inserted: Uint8Array;
  /** CPUs that shall go. */
  removing: Uint8Array;
  /** CPUs that the firmware shall eject. */
  firmwareEjects: Uint8Array;
  /** The block of registers has taken the bitmap's place. */
  selectorMode: boolean;
  selector: number;
  command: number;
  ostEvent: number;
}

/** What the block tells its owner. */
export interface CpuHotplugNotices {
  /** The guest has looked at a CPU that came. */
  noticed(apicId: number): void;
  /** The guest lets a CPU go, which is not the first one. */
  ejected(apicId: number): void;
  /** The guest's `_OST` of a slot. */
  ost(status: { readonly slot: number; readonly source: number; readonly status: number }): void;
}

/** The bitmap or the block of registers. Both take accesses of any width. */
export class CpuHotplug {
  readonly region: Mmio;
  state: CpuHotplugState = initialState();
  readonly #slots: readonly number[];
  readonly #notices: CpuHotplugNotices;

  /** `slots`: the APIC id of each CPU slot by index; empty where the board offers the bitmap alone. */
  constructor(slots: readonly number[], notices: CpuHotplugNotices) {
    this.#slots = slots;
    this.#notices = notices;
    this.region = mmio('acpi-piix4.cpu-hotplug', CPU_HOTPLUG_LENGTH, {
      read: (offset, size) => this.#read(offset, size),
      write: (offset, _size, value) => (this.state.selectorMode ? this.#writeRegister(offset, value) : this.#writeBitmap(offset, value)),
    });
  }

  /** A reset changes no CPU. What came before it is found by the firmware and needs no event; the register block keeps its events. */
  reset(): void {
    if (!this.state.selectorMode) this.state.inserted.fill(0);
  }

  /** Whether the guest has a CPU to look at. */
  get pending(): boolean {
    return this.state.inserted.some((byte) => byte !== 0);
  }

  /** Throws RangeError for an APIC id that has no bit. */
  setPresent(apicId: number): void {
    check(apicId);
    setBit(this.state.present, apicId, true);
  }

  /** A CPU came; hearing it twice changes nothing. Throws RangeError for an APIC id that has no bit. */
  added(apicId: number): void {
    this.setPresent(apicId);
    setBit(this.state.inserted, apicId, true);
  }

  /** A CPU that is there shall go. */
  removalRequested(apicId: number): void {
    check(apicId);
    if (getBit(this.state.present, apicId)) setBit(this.state.removing, apicId, true);
  }

  /** A CPU has gone. */
  removed(apicId: number): void {
    check(apicId);
    setBit(this.state.present, apicId, false);
    setBit(this.state.firmwareEjects, apicId, false);
  }

  #read(offset: number, size: AccessSize): number {
    const byteAt = (at: number): number => (this.state.selectorMode ? this.#readRegisterByte(at) : this.#readBitmapByte(at));
    let value = 0;
    for (let at = 0; at < size; at++) value |= byteAt(offset + at) << (8 * at);
    return value >>> 0;
  }

  #readBitmapByte(index: number): number {
    const pending = this.state.inserted[index] ?? 0;
    for (let bit = 0; bit < 8; bit++) if ((pending >> bit) & 1) this.#notice(8 * index + bit);
    return this.state.present[index] ?? 0xff;
  }

  #writeBitmap(offset: number, value: number): void {
    if (offset === 0 && (value & 0xff) === 0 && this.#slots.length > 0) this.state.selectorMode = true;
  }

  #notice(apicId: number): void {
    if (!getBit(this.state.inserted, apicId)) return;
    setBit(this.state.inserted, apicId, false);
    this.#notices.noticed(apicId);
  }

  #readRegisterByte(offset: number): number {
    if (offset >= CPU_BLOCK_LENGTH) return 0xff;
    const apicId = this.#selected;
    if (apicId === undefined) return 0;
    if (offset === CPU_FLAGS_OFFSET) return this.#flags(apicId);
    return offset < CPU_DATA ? 0 : (this.#data(apicId) >>> (8 * (offset - CPU_DATA))) & 0xff;
  }

  #data(apicId: number): number {
    if (this.state.command === CPU_CMD_NEXT_EVENT) return this.state.selector;
    return this.state.command === CPU_CMD_ARCH_ID ? apicId : 0;
  }

  #writeRegister(offset: number, value: number): void {
    if (offset === CPU_SELECTOR) this.state.selector = value;
    const apicId = this.#selected;
    if (apicId === undefined) return;
    if (offset === CPU_FLAGS_OFFSET) this.#control(apicId, value & 0xff);
    else if (offset === CPU_COMMAND) this.#commandWritten(value & 0xff);
    else if (offset === CPU_DATA) this.#writeData(value);
  }

  /** Only the lowest bit of a control write acts. */
  #control(apicId: number, value: number): void {
    if (CPU_FLAGS.INSERT.test(value)) this.#notice(apicId);
    else if (CPU_FLAGS.REMOVE.test(value)) setBit(this.state.removing, apicId, false);
    else if (CPU_FLAGS.EJECT.test(value)) this.#eject(apicId);
    else if (CPU_FLAGS.FW_EJECT.test(value)) this.#leaveToFirmware(apicId);
  }

  /** The first CPU and CPUs that are not there cannot be ejected. */
  #eject(apicId: number): void {
    if (apicId !== this.#slots[0] && getBit(this.state.present, apicId)) this.#notices.ejected(apicId);
  }

  #leaveToFirmware(apicId: number): void {
    if (apicId !== this.#slots[0] && getBit(this.state.present, apicId)) setBit(this.state.firmwareEjects, apicId, true);
  }

  #commandWritten(command: number): void {
    if (command > CPU_CMD_ARCH_ID) return;
    this.state.command = command;
    if (command === CPU_CMD_NEXT_EVENT) this.#selectNextEvent();
  }

  #writeData(value: number): void {
    const { command, selector } = this.state;
    if (command === CPU_CMD_OST_EVENT) this.state.ostEvent = value;
    else if (command === CPU_CMD_OST_STATUS) this.#notices.ost({ slot: selector, source: this.state.ostEvent, status: value });
  }

  /** Selects the next slot with an event, from the selected one on and around; none leaves the selector. */
  #selectNextEvent(): void {
    const { length } = this.#slots;
    const order = Array.from({ length }, (_, step) => (this.state.selector + step) % length);
    this.state.selector = order.find((slot) => this.#hasEvent(this.#slots[slot] ?? 0)) ?? this.state.selector;
  }

  #hasEvent(apicId: number): boolean {
    const { inserted, removing, firmwareEjects } = this.state;
    return [inserted, removing, firmwareEjects].some((events) => getBit(events, apicId));
  }

  #flags(apicId: number): number {
    const { present, inserted, removing, firmwareEjects } = this.state;
    const enabled = CPU_FLAGS.ENABLED.put(0, getBit(present, apicId));
    const events = CPU_FLAGS.REMOVE.put(CPU_FLAGS.INSERT.put(enabled, getBit(inserted, apicId)), getBit(removing, apicId));
    return CPU_FLAGS.FW_EJECT.put(events, getBit(firmwareEjects, apicId));
  }

  get #selected(): number | undefined {
    return this.#slots[this.state.selector];
  }
}

const bitmap = (): Uint8Array => new Uint8Array(CPU_HOTPLUG_LENGTH);

const initialState = (): CpuHotplugState => ({
  present: bitmap(),
  inserted: bitmap(),
  removing: bitmap(),
  firmwareEjects: bitmap(),
  selectorMode: false,
  selector: 0,
  command: CPU_CMD_NEXT_EVENT,
  ostEvent: 0,
});

const getBit = (bits: Uint8Array, apicId: number): boolean => (((bits[apicId >> 3] ?? 0) >> (apicId & 7)) & 1) === 1;

function setBit(bits: Uint8Array, apicId: number, value: boolean): void {
  const mask = 1 << (apicId & 7);
  const others = (bits[apicId >> 3] ?? 0) & ~mask;
  bits[apicId >> 3] = value ? others | mask : others;
}

function check(apicId: number): void {
  if (!Number.isInteger(apicId) || apicId < 0 || apicId >= APIC_IDS) throw new RangeError(`APIC id ${apicId} has no bit in the CPU bitmap`);
}
