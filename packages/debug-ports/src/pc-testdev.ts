import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { TESTDEV_IRQS, TESTDEV_MEMORY_BYTES } from './spec.js';

const KIND = 'pc-testdev';
const VERSION = 1;
/** Ports of the latch, the page flush, and the latch once more. */
const LATCH_PORTS = 12;
const FLUSH_AT = 4;
const AGAIN_AT = 8;

interface PcTestdevState {
  /** What was last written to the latch. */
  latch: number;
  readonly memory: Uint8Array;
  /** Levels of the interrupt lines, bit n for line n. */
  lines: number;
}

const initialState = (): PcTestdevState => ({ latch: 0, memory: new Uint8Array(TESTDEV_MEMORY_BYTES), lines: 0 });

/**
 * The device that unit tests of hypervisors and kernels use: a latch at ports E0h to E3h and again at E8h to EBh, page flushes at E4h (nothing is cached here, so
 * they do nothing), interrupt lines at 2000h + n, and 64 KiB of memory behind device accesses at FF000000h. The memory stays over a reset.
 */
export class PcTestdev implements Device {
  readonly typeName: string = KIND;
  /** Ports E0h to EBh. */
  readonly io: Mmio;
  /** 24 ports from 2000h on: a write sets the line of that number, 0 low, else high. */
  readonly irqIo: Mmio;
  /** 64 KiB. */
  readonly memory: Mmio;
  /** Lines to the interrupt controllers, by global system interrupt. */
  readonly irq: readonly IrqLine[];
  #state: PcTestdevState = initialState();

  constructor() {
    this.irq = Array.from({ length: TESTDEV_IRQS }, (_, n) => new IrqLine(`testdev${n}`));
    this.io = mmio(KIND, LATCH_PORTS, {
      read: (offset, size) => this.#readLatch(offset, size),
      write: (offset, size, value) => this.#writeLatch(offset, size, value),
    });
    this.irqIo = mmio('pc-testdev-irq', TESTDEV_IRQS, {
      read: () => 0,
      write: (offset, _size, value) => this.#setLine(offset, value !== 0),
    });
    this.memory = mmio('pc-testdev-memory', TESTDEV_MEMORY_BYTES, {
      read: (offset, size) => this.#readMemory(offset, size),
      write: (offset, size, value) => this.#writeMemory(offset, size, value),
    });
  }

  reset(): void {
    this.#state.latch = 0;
    for (let n = 0; n < TESTDEV_IRQS; n++) this.#setLine(n, false);
  }

  #readLatch(offset: number, size: number): number {
    if (offset >= FLUSH_AT && offset < AGAIN_AT) return 0;
    return maskedTo(size, this.#state.latch >>> (8 * (offset % AGAIN_AT)));
  }

  #writeLatch(offset: number, size: number, value: number): void {
    if (offset >= FLUSH_AT && offset < AGAIN_AT) return;
    const shift = 8 * (offset % AGAIN_AT);
    const bits = maskedTo(size, 0xffff_ffff) << shift;
    this.#state.latch = ((this.#state.latch & ~bits) | ((value << shift) & bits)) >>> 0;
  }

  #setLine(line: number, high: boolean): void {
    if (high) this.#state.lines |= 1 << line;
    else this.#state.lines &= ~(1 << line);
    this.irq[line]?.set(high);
  }

  #readMemory(offset: number, size: number): number {
    let value = 0;
    for (let n = size - 1; n >= 0; n--) value = value * 256 + (this.#state.memory[offset + n] ?? 0xff);
    return value;
  }

  #writeMemory(offset: number, size: number, value: number): void {
    for (let n = 0; n < size; n++) this.#state.memory[offset + n] = value >>> (8 * n);
  }

  save(): SavedState {
    return savedState(KIND, VERSION, this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = restoreLike(saved, KIND, VERSION, initialState(), { latch: 0xffff_ffff, lines: 2 ** TESTDEV_IRQS - 1 });
    for (const [n, line] of this.irq.entries()) line.set(((this.#state.lines >> n) & 1) !== 0);
  }
}

const maskedTo = (size: number, value: number): number => (size >= 4 ? value >>> 0 : value & (2 ** (8 * size) - 1));
