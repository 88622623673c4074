import { type AccessSize, type MemorySpace, type Mmio, mmio } from '@hotsocket/address-space';
import type { Device, Property } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { RamDma } from './dma.js';
import { type Item, type ItemOptions, type ItemSource, Items } from './items.js';
import { type FwCfgSaved, type FwCfgState, initialState, KIND, LIMITS, VERSION } from './saved-state.js';
import { DMA_CONTROL, DMA_DESCRIPTOR_BYTES, DMA_SIGNATURE, FILE_SLOTS, FwCfgKey, SELECTOR } from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

const ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };
const NOTHING = new Uint8Array(0);

/** What the device needs: the memory its DMA reaches. */
export interface FwCfgServices {
  readonly mem: MemorySpace;
  readonly trace?: Trace;
}

export interface FwCfgOptions {
  /** Whether the DMA interface is there (default true). Without it its ports read as ones. */
  readonly dma?: boolean;
  /** Most files there can be; default 32. */
  readonly fileSlots?: number;
}

/** QEMU's firmware configuration device: how firmware learns what the machine consists of and gets files from outside. */
export class FwCfg implements Device {
  readonly typeName = 'fw_cfg_io';
  /** Ports 510h and 511h. */
  readonly io: Mmio;
  /** Ports 514h to 51Bh. */
  readonly dmaIo: Mmio;
  readonly properties: Readonly<Record<string, Property>>;
  readonly #hasDma: boolean;
  readonly #items: Items;
  readonly #ram: RamDma;
  readonly #points: Points<typeof TRACE_POINTS>;
  #item: Item | undefined;
  #bytes: Uint8Array = NOTHING;
  #transferring = false;
  #state: FwCfgState = initialState();

  constructor(services: FwCfgServices, options: FwCfgOptions = {}) {
    const { dma = true, fileSlots = FILE_SLOTS } = options;
    this.#hasDma = dma;
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.#ram = new RamDma(services.mem);
    this.#items = new Items(fileSlots);
    this.#items.set(FwCfgKey.SIGNATURE, ascii('QEMU'), {});
    this.#items.set(FwCfgKey.ID, Uint8Array.of(dma ? 3 : 1, 0, 0, 0), {});
    this.io = mmio('fwcfg', 2, {
      read: (_offset, size) => this.#readData(size),
      write: (at, size, value) => this.#writeSelector(at, size, value),
    });
    this.dmaIo = mmio('fwcfg.dma', 8, {
      read: (offset, size) => this.#readDma(offset, size),
      write: (offset, size, value) => this.#writeDma(offset, size, value),
    });
    this.properties = {
      dma_enabled: { type: 'bool', get: () => dma },
      'x-file-slots': { type: 'uint16', get: () => fileSlots },
    };
    this.#select(0);
  }

  /**
   * Sets or replaces the item `key` (0–1fh or 8000h–801fh, see `FwCfgKey`). A guest that is reading it goes on with the
   * new bytes. Throws FwCfgError for another key.
   */
  setItem(key: number, source: ItemSource, options: ItemOptions = {}): void {
    this.#items.set(key, source, options);
    if (key === this.#state.key) this.#load();
  }

  /**
   * Adds a file, or replaces the one of that name. Keys follow the order of names, so files are added before the guest
   * runs. Throws FwCfgError when the name does not fit or all slots are taken.
   */
  addFile(name: string, source: ItemSource, options: ItemOptions = {}): void {
    this.#items.setFile(name, source, options);
    this.#load();
  }

  /** The key a guest reads file `name` with, or undefined when there is none. */
  fileKey(name: string): number | undefined {
    return this.#items.fileKey(name);
  }

  reset(): void {
    this.#state = initialState();
    this.#select(0);
  }

  save(): SavedState {
    return savedState(KIND, VERSION, { ...this.#state, written: this.#written() } satisfies FwCfgSaved);
  }

  restore(saved: SavedState): void {
    const template: FwCfgSaved = { ...initialState(), written: this.#written() };
    const { written, ...state } = restoreLike(saved, KIND, VERSION, template, LIMITS);
    for (const item of this.#items.writable()) item.bytes().set(written[item.label] ?? NOTHING);
    this.#state = state;
    this.#load();
  }

  // A read at 510h takes a byte too; wider reads of the pair answer 0 and take none, as on QEMU 7.2.
  #readData(size: AccessSize): number {
    if (size !== 1) return 0;
    const { offset } = this.#state;
    if (offset >= this.#bytes.length) return 0;
    this.#state.offset = offset + 1;
    return this.#bytes[offset]!;
  }

  #writeSelector(offset: number, size: AccessSize, value: number): void {
    if (offset === 0 && size === 2) this.#select(value);
  }

  #readDma(offset: number, size: AccessSize): number {
    if (!this.#hasDma) return ONES[size];
    let value = 0;
    for (let at = 0; at < size; at++) value |= DMA_SIGNATURE.charCodeAt((offset + at) & 7) << (8 * at);
    return value >>> 0;
  }

  #writeDma(offset: number, size: AccessSize, value: number): void {
    if (!this.#hasDma || size !== 4 || this.#transferring) return;
    if (offset === 0) this.#state.dmaHigh = swap32(value);
    if (offset === 4) this.#startDma(this.#state.dmaHigh * 2 ** 32 + swap32(value));
  }

  #startDma(gpa: number): void {
    this.#state.dmaHigh = 0;
    const descriptor = new DataView(new ArrayBuffer(DMA_DESCRIPTOR_BYTES));
    if (!this.#ram.load(gpa, new Uint8Array(descriptor.buffer))) return;
    this.#transferring = true;
    try {
      const done = this.#transfer(
        descriptor.getUint32(0),
        descriptor.getUint32(4),
        descriptor.getUint32(8) * 2 ** 32 + descriptor.getUint32(12),
      );
      this.#ram.store(gpa, Uint8Array.of(0, 0, 0, DMA_CONTROL.ERROR.put(0, !done)));
    } finally {
      this.#transferring = false;
    }
  }

  /** Carries a descriptor out; false when memory or the item refused. Reading goes before writing, writing before skipping. */
  #transfer(control: number, length: number, gpa: number): boolean {
    if (DMA_CONTROL.SELECT.test(control)) this.#select(DMA_CONTROL.KEY.get(control));
    const done = DMA_CONTROL.READ.test(control)
      ? this.#dmaRead(length, gpa)
      : DMA_CONTROL.WRITE.test(control)
        ? this.#dmaWrite(length, gpa)
        : !DMA_CONTROL.SKIP.test(control) || this.#take(length) >= 0;
    if (this.#points.fw_cfg_dma.on) this.#points.fw_cfg_dma.emit(control, length, gpa, Number(done));
    return done;
  }

  #dmaRead(length: number, gpa: number): boolean {
    const { offset } = this.#state;
    const taken = this.#take(length);
    return this.#ram.store(gpa, this.#bytes.subarray(offset, offset + taken)) && this.#ram.clear(gpa + taken, length - taken);
  }

  #dmaWrite(length: number, gpa: number): boolean {
    const { offset } = this.#state;
    if (!this.#item?.written) return length === 0;
    const taken = this.#take(length);
    const loaded = new Uint8Array(taken);
    if (!this.#ram.load(gpa, loaded)) return false;
    this.#bytes.set(loaded, offset);
    this.#item.written(this.#bytes);
    return taken === length;
  }

  /** Moves on by up to `length` bytes of the item; answers by how many. */
  #take(length: number): number {
    const taken = Math.max(0, Math.min(length, this.#bytes.length - this.#state.offset));
    this.#state.offset += taken;
    return taken;
  }

  #select(value: number): void {
    this.#state.key = SELECTOR.WRITE_CHANNEL.put(value & 0xffff, 0);
    this.#state.offset = 0;
    this.#load();
    if (this.#points.fw_cfg_select.on) this.#points.fw_cfg_select.emit(this.#state.key, this.#bytes.length);
  }

  #load(): void {
    this.#item = this.#items.get(this.#state.key);
    this.#bytes = this.#item?.bytes() ?? NOTHING;
  }

  #written(): Record<string, Uint8Array> {
    return Object.fromEntries(this.#items.writable().map((item) => [item.label, item.bytes()]));
  }
}

const swap32 = (value: number): number =>
  (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
