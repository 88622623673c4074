import type { AccessSize, Mmio, Region } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import type { Register } from '@hotsocket/registers';
import { SavedStateError, type StateRecord } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { ConfigMasks } from './config-masks.js';
import { BAR_FLAGS, BARS, barOffset, COMMAND, CONFIG_BYTES, HEADER_TYPE, INTERRUPT_PIN, STATUS } from './spec.js';
import { PCI_TRACE_POINTS } from './trace-points.js';
import { type PciSpaces, PciWindow } from './window.js';

/** A base address register: which one, which space, and what answers there. */
export interface PciBar {
  /** 0 to 5. */
  readonly index: number;
  readonly kind: 'io' | 'memory';
  /** Its length, a power of two, is the size the guest learns. Ports need an `Mmio`. */
  readonly region: Region;
  readonly prefetchable?: boolean;
}

/** What a function is; everything that is not given is zero. */
export interface PciFunctionOptions {
  /** Name in traces and messages: `piix3`. */
  readonly name: string;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision?: number;
  /** 24 bits: base class, subclass, programming interface (`0x06_0100` is an ISA bridge). */
  readonly classCode: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** Bits of the status register that are always set. */
  readonly status?: number;
  /** Function 0 of a device with several functions says so in its header type. */
  readonly multifunction?: boolean;
  /** 1 for INTA# to 4 for INTD#; 0 (default) when the function has no interrupt. */
  readonly interruptPin?: number;
  readonly bars?: readonly PciBar[];
  /** Registers of the device's own, at offsets 40h to ffh: their fields say what a guest may write. */
  readonly registers?: readonly Register[];
  /** First and last offsets that a guest may write freely where no register is declared; default 40h to ffh. */
  readonly storage?: readonly (readonly [first: number, last: number])[];
  /** Bytes that differ from their register's reset value on this board, by offset. */
  readonly initial?: Readonly<Record<number, number>>;
}

/** One write of the guest to configuration space, seen after it took effect. */
export interface ConfigWrite {
  readonly offset: number;
  readonly size: AccessSize;
  /** True when the write covered any byte of `register`. */
  touches(register: Register): boolean;
}

/** State of a function, for the snapshot of the device it belongs to. */
export interface PciFunctionState {
  readonly config: Uint8Array;
  readonly interrupt: boolean;
}

/**
 * The configuration space of one PCI function: header, base address registers, interrupt. A device owns one, hears guest
 * writes by `configWritten`, and reads and sets its registers with `get` and `set`.
 */
export class PciFunction {
  readonly name: string;
  /** INTx#, active high here. The bus connects it when the function is plugged. */
  readonly intx: IrqLine;
  /** Called after each guest write. */
  configWritten: (write: ConfigWrite) => void = () => {};
  readonly #masks: ConfigMasks;
  readonly #config: Uint8Array;
  readonly #bars: readonly { readonly bar: PciBar; readonly window: PciWindow }[];
  readonly #windows: PciWindow[] = [];
  readonly #points: Points<typeof PCI_TRACE_POINTS>;
  #spaces: PciSpaces | undefined;
  #interrupt = false;

  constructor(services: { readonly trace?: Trace }, options: PciFunctionOptions) {
    this.#points = (services.trace ?? new Trace()).points(PCI_TRACE_POINTS);
    this.name = options.name;
    this.intx = new IrqLine(`${options.name}.intx`);
    this.#masks = new ConfigMasks(options);
    this.#config = this.#masks.reset.slice();
    this.#bars = (options.bars ?? []).map((bar) => ({ bar, window: this.#barWindow(bar) }));
  }

  /** Puts configuration space back to its reset values, unmaps the base address registers and lowers the interrupt. */
  reset(): void {
    this.#config.set(this.#masks.reset);
    this.setInterrupt(false);
    this.#placeBars();
  }

  /** What a guest reads; bytes beyond the end read as ones. */
  configRead(offset: number, size: AccessSize): number {
    let value = 0;
    for (let at = 0; at < size; at++) value |= (this.#config[offset + at] ?? 0xff) << (8 * at);
    const { pci_config_read } = this.#points;
    if (pci_config_read.on) pci_config_read.emit(this.name, offset, size, value >>> 0);
    return value >>> 0;
  }

  /** A guest's write: only writable bits change, bits that clear by writing ones clear. */
  configWrite(offset: number, size: AccessSize, value: number): void {
    const { pci_config_write } = this.#points;
    if (pci_config_write.on) pci_config_write.emit(this.name, offset, size, value);
    for (let at = 0; at < size && offset + at < CONFIG_BYTES; at++) this.#writeByte(offset + at, (value >>> (8 * at)) & 0xff);
    if (offset < barOffset(BARS)) this.#headerWritten();
    this.configWritten({ offset, size, touches: (register) => overlaps(offset, size, register) });
  }

  /** A register's value, as the device sees it. */
  get(register: Register): number {
    let value = 0;
    for (let at = 0; at < register.bits / 8; at++) value |= (this.#config[register.offset + at] ?? 0) << (8 * at);
    return value >>> 0;
  }

  /** Sets a register from the device's side, whatever a guest may write. Does not call `configWritten`. */
  set(register: Register, value: number): void {
    for (let at = 0; at < register.bits / 8; at++) this.#config[register.offset + at] = value >>> (8 * at);
  }

  /** Asserts or releases the interrupt; the guest may keep it from the wire with COMMAND.INTX_DISABLE. */
  setInterrupt(high: boolean): void {
    this.#interrupt = high;
    this.set(STATUS, STATUS.INTERRUPT.put(this.get(STATUS), high));
    this.intx.set(high && !COMMAND.INTX_DISABLE.test(this.get(COMMAND)));
  }

  /** Interrupt pin: 0 none, 1 INTA# to 4 INTD#. */
  get interruptPin(): number {
    return INTERRUPT_PIN.PIN.get(this.get(INTERRUPT_PIN));
  }

  /** Whether the header says that the device has more functions. */
  get multifunction(): boolean {
    return HEADER_TYPE.MULTIFUNCTION.test(this.get(HEADER_TYPE));
  }

  /** Makes a window that a register of the device's own moves (PIIX4's power management base). */
  ioWindow(region: Mmio): PciWindow {
    return this.#window('io', region);
  }

  /** Makes a window in memory that a register of the device's own moves. */
  memoryWindow(region: Region): PciWindow {
    return this.#window('memory', region);
  }

  /** Where base address register `index` answers now; undefined while it does not. */
  barAddress(index: number): number | undefined {
    return this.#bars.find(({ bar }) => bar.index === index)?.window.address;
  }

  /** Called by the bus: the spaces of its windows, or undefined when it is unplugged. */
  attach(spaces: PciSpaces | undefined): void {
    this.#spaces = spaces;
    for (const window of this.#windows) window.attach(spaces);
  }

  save(): PciFunctionState {
    return { config: this.#config.slice(), interrupt: this.#interrupt };
  }

  /** Throws SavedStateError, and changes nothing, unless `state` is of a function with the same fixed bits. */
  checkState(state: PciFunctionState | StateRecord): asserts state is PciFunctionState {
    const { config, interrupt } = state;
    if (!(config instanceof Uint8Array) || config.length !== CONFIG_BYTES || typeof interrupt !== 'boolean')
      throw new SavedStateError(`${this.name}: not a configuration space of ${CONFIG_BYTES} bytes`);
    const offset = this.#masks.identityDifference(config);
    if (offset >= 0) throw new SavedStateError(`${this.name}: byte 0x${offset.toString(16)} of configuration space is of another device`);
  }

  /** Takes a saved state; the device re-evaluates windows of its own afterwards. Throws as `checkState`. */
  restore(state: PciFunctionState | StateRecord): void {
    this.checkState(state);
    this.#config.set(state.config);
    this.setInterrupt(state.interrupt);
    this.#placeBars();
  }

  #writeByte(offset: number, written: number): void {
    const { writable, clearable } = this.#masks;
    const w = writable[offset] ?? 0;
    const kept = (this.#config[offset] ?? 0) & ~w & ~(written & (clearable[offset] ?? 0));
    this.#config[offset] = kept | (written & w);
  }

  #headerWritten(): void {
    this.setInterrupt(this.#interrupt);
    this.#placeBars();
  }

  #placeBars(): void {
    const command = this.get(COMMAND);
    for (const { bar, window } of this.#bars) {
      const enabled = (bar.kind === 'io' ? COMMAND.IO : COMMAND.MEMORY).test(command);
      const address = (this.#configDword(barOffset(bar.index)) & ~BAR_FLAGS[bar.kind]) >>> 0;
      window.place(enabled && address !== 0 ? address : undefined);
    }
  }

  #configDword(offset: number): number {
    return new DataView(this.#config.buffer).getUint32(offset, true);
  }

  #barWindow(bar: PciBar): PciWindow {
    if (bar.kind === 'io' && bar.region.kind !== 'mmio') throw new RangeError(`${this.name}: ports need an mmio region`);
    return this.#window(bar.kind, bar.region);
  }

  #window(kind: 'io' | 'memory', region: Region): PciWindow {
    const window = new PciWindow(kind, region, this.#points);
    window.attach(this.#spaces);
    this.#windows.push(window);
    return window;
  }
}

const overlaps = (offset: number, size: number, register: Register): boolean =>
  offset < register.offset + register.bits / 8 && register.offset < offset + size;
