import type { Register } from '@hotsocket/registers';
import type { PciBar, PciFunctionOptions } from './pci-function.js';
import {
  BAR_FLAGS,
  BAR_IO,
  BAR_PREFETCHABLE,
  BARS,
  barOffset,
  CLASS_CODE,
  CONFIG_BYTES,
  DEVICE_ID,
  DEVICE_SPECIFIC,
  HEADER,
  HEADER_TYPE,
  INTERRUPT_PIN,
  STATUS,
  SUBSYSTEM_ID,
  SUBSYSTEM_VENDOR_ID,
  VENDOR_ID,
} from './spec.js';

/** Reset values and write masks of a configuration space, byte by byte, derived from what the function declares. */
export class ConfigMasks {
  readonly reset: Uint8Array = new Uint8Array(CONFIG_BYTES);
  /** Bits that a guest sets and clears. */
  readonly writable: Uint8Array = new Uint8Array(CONFIG_BYTES);
  /** Bits that a guest clears by writing ones. */
  readonly clearable: Uint8Array = new Uint8Array(CONFIG_BYTES);
  readonly #name: string;

  constructor(options: PciFunctionOptions) {
    this.#name = options.name;
    for (const [first, last] of options.storage ?? [[DEVICE_SPECIFIC, CONFIG_BYTES - 1]]) this.writable.fill(0xff, first, last + 1);
    for (const register of [...HEADER, ...(options.registers ?? [])]) this.#declare(register);
    this.#identify(options);
    for (const bar of options.bars ?? []) this.#declareBar(bar);
    for (const [offset, value] of Object.entries(options.initial ?? {})) this.reset[Number(offset)] = value;
  }

  /** The first byte of the identification at which `config` differs, or -1. */
  identityDifference(config: Uint8Array): number {
    const bytes = [0, 1, 2, 3, 8, 9, 10, 11, 14, 44, 45, 46, 47, 61];
    return bytes.find((offset) => config[offset] !== this.reset[offset]) ?? -1;
  }

  #identify(options: PciFunctionOptions): void {
    this.#put(VENDOR_ID, options.vendorId);
    this.#put(DEVICE_ID, options.deviceId);
    this.#put(STATUS, options.status ?? 0);
    this.#put(CLASS_CODE, ((options.classCode << 8) | (options.revision ?? 0)) >>> 0);
    this.#put(HEADER_TYPE, HEADER_TYPE.MULTIFUNCTION.put(0, options.multifunction ?? false));
    this.#put(SUBSYSTEM_VENDOR_ID, options.subsystemVendorId ?? 0);
    this.#put(SUBSYSTEM_ID, options.subsystemId ?? 0);
    this.#put(INTERRUPT_PIN, options.interruptPin ?? 0);
  }

  #declare(register: Register): void {
    if (register.offset < 0 || register.offset + register.bits / 8 > CONFIG_BYTES)
      throw new RangeError(`${this.#name}: ${register.name} lies outside configuration space`);
    this.#put(register, register.resetValue);
    for (let at = 0; at < register.bits / 8; at++) {
      this.writable[register.offset + at] = register.writableMask >>> (8 * at);
      this.clearable[register.offset + at] = register.clearMask >>> (8 * at);
    }
  }

  #declareBar(bar: PciBar): void {
    const size = bar.region.length;
    const smallest = BAR_FLAGS[bar.kind] + 1;
    if (!Number.isInteger(bar.index) || bar.index < 0 || bar.index >= BARS)
      throw new RangeError(`${this.#name}: no base address register ${bar.index}`);
    if (size < smallest || size > 0x8000_0000 || 2 ** Math.round(Math.log2(size)) !== size)
      throw new RangeError(`${this.#name}: a window of ${size} bytes is not a power of two from ${smallest}`);
    const view = new DataView(this.writable.buffer);
    view.setUint32(barOffset(bar.index), ~(size - 1) >>> 0, true);
    this.reset[barOffset(bar.index)] = bar.kind === 'io' ? BAR_IO : bar.prefetchable ? BAR_PREFETCHABLE : 0;
  }

  #put(register: Register, value: number): void {
    for (let at = 0; at < register.bits / 8; at++) this.reset[register.offset + at] = value >>> (8 * at);
  }
}
