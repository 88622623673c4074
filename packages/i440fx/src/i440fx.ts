import { type AccessSize, type Mapping, type Mmio, mmio } from '@hotsocket/address-space';
import { type ConfigWrite, type PciBus, PciFunction } from '@hotsocket/pci-bus';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { type I440fxSaved, type I440fxState, initialState, KIND, VERSION } from './saved-state.js';
import { CONFADD, CONFADD_PORT, COREBOOT_RAM_SIZE, PAM, PAM_SEGMENTS, REGISTERS, SMRAM } from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

const ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };
const MIB = 1024 * 1024;

/** What the host bridge needs: the bus whose configuration space it opens to the CPU. */
export interface I440fxServices {
  readonly pci: PciBus;
  readonly trace?: Trace;
}

export interface I440fxOptions {
  /** RAM of the machine in bytes, for the register that coreboot reads; default 0. */
  readonly ramBytes?: number;
}

/**
 * 82441FX host bridge: configuration mechanism #1, shadow RAM (PAM) and SMRAM. Emulated in full as far as guests see it
 * on a virtual board; DRAM timing, ECC, cacheability and error reporting are storage.
 */
export class I440fx implements Device {
  readonly typeName = 'i440FX';
  /** Configuration space; the board plugs it into slot 0, function 0. */
  readonly pci: PciFunction;
  /** Ports CF8h to CFBh. */
  readonly configAddress: Mmio;
  /** Ports CFCh to CFFh. */
  readonly configData: Mmio;
  readonly #bus: PciBus;
  readonly #points: Points<typeof TRACE_POINTS>;
  readonly #pamOverlays: Mapping[][] = PAM_SEGMENTS.map(() => []);
  readonly #smramOverlays: Mapping[] = [];
  readonly #narrow: (Mmio | undefined)[] = [undefined, undefined, undefined, undefined];
  #locked = false;
  #state: I440fxState = initialState();

  constructor(services: I440fxServices, options: I440fxOptions = {}) {
    this.#bus = services.pci;
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.configAddress = mmio('pci-conf-idx', 4, {
      read: (offset, size) => this.#readAddress(offset, size),
      write: (offset, size, value) => this.#writeAddress(offset, size, value),
    });
    this.configData = mmio('pci-conf-data', 4, {
      read: (offset, size) => this.#readData(offset, size),
      write: (offset, size, value) => this.#writeData(offset, size, value),
    });
    this.pci = new PciFunction(services, identity(options.ramBytes ?? 0));
    this.pci.configWritten = (write) => this.#configWritten(write);
  }

  /**
   * Names the windows that lie over the RAM of PAM segment `segment` (ROM, or nothing: the PCI side). A window answers
   * reads while the segment's read enable is 0, and writes while its write enable is 0. Throws RangeError for a segment
   * other than 0 to 12 (`PAM_SEGMENTS`).
   */
  attachPam(segment: number, overlays: readonly Mapping[]): void {
    const known = this.#pamOverlays[segment];
    if (!known) throw new RangeError(`i440FX: no PAM segment ${segment}`);
    known.push(...overlays);
    this.#steerSegment(segment);
  }

  /** Names the windows over the RAM at a0000h (display memory, or nothing), which open SMRAM hides. */
  attachSmram(overlays: readonly Mapping[]): void {
    this.#smramOverlays.push(...overlays);
    this.#steerSmram();
  }

  /**
   * Names what answers accesses narrower than a dword at port CF8h + `offset`: the bridge passes them to the PCI bus
   * (PIIX3's reset control at CF9h). Without one they read as ones. Throws RangeError outside 0 to 3.
   */
  attachNarrow(offset: number, region: Mmio): void {
    if (!(offset in this.#narrow)) throw new RangeError(`i440FX: no port CF8h + ${offset}`);
    this.#narrow[offset] = region;
  }

  reset(): void {
    this.#state = initialState();
    this.#locked = false;
    this.pci.reset();
    this.#steer();
  }

  save(): SavedState {
    return savedState(KIND, VERSION, { ...this.#state, pci: this.pci.save() } satisfies I440fxSaved);
  }

  restore(saved: SavedState): void {
    const template: I440fxSaved = { ...initialState(), pci: this.pci.save() };
    const { pci, ...state } = restoreLike(saved, KIND, VERSION, template, { confAdd: 0xffff_ffff });
    this.pci.restore(pci);
    this.#state = state;
    this.#locked = SMRAM.DLCK.test(this.pci.get(SMRAM));
    this.#steer();
  }

  #readAddress(offset: number, size: AccessSize): number {
    if (size === 4) return this.#state.confAdd;
    let value = 0;
    for (let at = 0; at < size; at++) value |= (this.#narrow[offset + at]?.read(0, 1) ?? 0xff) << (8 * at);
    return value;
  }

  // QUIRK: the low two bits of CONFADD count, or-ed with the port's, as in QEMU 7.2; the datasheet calls them reserved.
  #readData(offset: number, size: AccessSize): number {
    const { confAdd } = this.#state;
    if (!isBus0(confAdd)) return ONES[size];
    return this.#bus.configRead(CONFADD.DEVICE.get(confAdd), CONFADD.FUNCTION.get(confAdd), CONFADD.REGISTER.get(confAdd) | offset, size);
  }

  #writeAddress(offset: number, size: AccessSize, value: number): void {
    if (size === 4) {
      this.#state.confAdd = value;
      return;
    }
    if (this.#points.i440fx_narrow.on) this.#points.i440fx_narrow.emit(CONFADD_PORT + offset, size, value);
    for (let at = 0; at < size; at++) this.#narrow[offset + at]?.write(0, 1, (value >>> (8 * at)) & 0xff);
  }

  #writeData(offset: number, size: AccessSize, value: number): void {
    const { confAdd } = this.#state;
    if (!isBus0(confAdd)) return;
    this.#bus.configWrite(CONFADD.DEVICE.get(confAdd), CONFADD.FUNCTION.get(confAdd), CONFADD.REGISTER.get(confAdd) | offset, size, value);
  }

  #configWritten(write: ConfigWrite): void {
    if (write.touches(SMRAM)) this.#smramWritten();
    for (const [index, register] of PAM.entries()) if (write.touches(register)) this.#steerPam(index);
  }

  #smramWritten(): void {
    const value = this.pci.get(SMRAM);
    const locked = this.#locked || SMRAM.DLCK.test(value);
    if (locked) this.pci.set(SMRAM, SMRAM.DLCK.put(SMRAM.DOPEN.put(value, 0), 1));
    this.#locked = locked;
    this.#steerSmram();
  }

  #steer(): void {
    for (const index of PAM_SEGMENTS.keys()) this.#steerSegment(index);
    this.#steerSmram();
  }

  #steerPam(pam: number): void {
    for (const [index, segment] of PAM_SEGMENTS.entries()) if (segment.pam === pam) this.#steerSegment(index);
  }

  #steerSegment(index: number): void {
    const { pam, nibble } = PAM_SEGMENTS[index]!;
    const register = PAM[pam]!;
    const value = this.pci.get(register);
    const readRam = (nibble === 'low' ? register.RE_LOW : register.RE_HIGH).test(value);
    const writeRam = (nibble === 'low' ? register.WE_LOW : register.WE_HIGH).test(value);
    if (this.#points.i440fx_pam.on) this.#points.i440fx_pam.emit(index, Number(readRam), Number(writeRam));
    for (const overlay of this.#pamOverlays[index]!) overlay.setAccess({ read: !readRam, write: !writeRam });
  }

  #steerSmram(): void {
    const value = this.pci.get(SMRAM);
    const open = SMRAM.SMRAME.test(value) && SMRAM.DOPEN.test(value);
    if (this.#points.i440fx_smram.on) this.#points.i440fx_smram.emit(Number(open));
    for (const overlay of this.#smramOverlays) overlay.setAccess({ read: !open, write: !open });
  }
}

const isBus0 = (confAdd: number): boolean => CONFADD.ENABLE.test(confAdd) && CONFADD.BUS.get(confAdd) === 0;

/** 8086:1237. The subsystem is how SeaBIOS recognises a QEMU board; status reads as zero there. */
const identity = (ramBytes: number): ConstructorParameters<typeof PciFunction>[1] => ({
  name: 'i440fx',
  vendorId: 0x8086,
  deviceId: 0x1237,
  revision: 2,
  classCode: 0x06_0000,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
  registers: REGISTERS,
  initial: { [COREBOOT_RAM_SIZE.offset]: Math.min(Math.floor(ramBytes / (8 * MIB)), 255) },
});
