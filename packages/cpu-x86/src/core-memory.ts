import { GUEST, PAGE_BYTES } from './layout.js';

const WASM_PAGE_BYTES = 0x1_0000;

/** Size of the guest's memory is out of range; the message says what is possible. */
export class GuestMemoryError extends RangeError {
  readonly code = 'GUEST_MEMORY';
}

/** Largest guest memory (RAM and ROM images together), so that everything fits a 32-bit WebAssembly memory. */
export const MAX_GUEST_BYTES: number = 0xe000_0000;

/** The one memory of an execution core, and typed views of it. It never grows, so views stay valid. */
export class CoreMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
  readonly pages: number;
  readonly #end: number;
  #next = GUEST;

  /** `guestBytes` is what `allocate` can hand out: RAM and ROM images. */
  constructor(guestBytes: number) {
    if (guestBytes < 0 || guestBytes > MAX_GUEST_BYTES)
      throw new GuestMemoryError(`guest memory of ${guestBytes} bytes: at most ${MAX_GUEST_BYTES} are possible`);
    this.pages = Math.ceil((GUEST + guestBytes + PAGE_BYTES) / WASM_PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: this.pages, maximum: this.pages });
    this.u8 = new Uint8Array(this.memory.buffer);
    this.u16 = new Uint16Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
    this.u32 = new Uint32Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.#end = this.pages * WASM_PAGE_BYTES;
  }

  /** Hands out page-aligned bytes for RAM or a ROM image. */
  allocate(bytes: number): Uint8Array {
    const start = this.#next;
    const length = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    if (start + length > this.#end) throw new GuestMemoryError(`${bytes} bytes do not fit the guest memory that is left`);
    this.#next = start + length;
    return this.u8.subarray(start, start + bytes);
  }
}
