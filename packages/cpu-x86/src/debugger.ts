import type { CodeCache } from './code-cache.js';
import type { CoreMemory } from './core-memory.js';
import { EXIT_REQUEST, PAGE_BYTES, STEPPING } from './layout.js';
import type { DataGuard } from './mmu.js';

/** Accesses to data that a debugger wants to hear of. Addresses are linear, sign-extended from bit 47. */
export interface Watchpoint {
  readonly address: number;
  readonly length: number;
  readonly kind: 'write' | 'read' | 'access';
}

/** Why the debugger has stopped a CPU: before the instruction at a breakpoint, or after one that touched a watchpoint. */
export type DebugStop =
  | { readonly kind: 'breakpoint'; readonly address: number }
  | { readonly kind: 'watchpoint'; readonly watchpoint: Watchpoint; readonly address: number };

/**
 * A debugger outside of the guest: breakpoints and watchpoints that all CPUs of a core share, present and future, unseen by the guest.
 *
 * A breakpoint marks its offset in every page that is decoded from then on; only instructions at marked offsets are checked against
 * the addresses. Pages of watchpoints stay out of the TLBs, and an instruction about to touch one is taken back and executed alone.
 */
export class Debugger implements DataGuard {
  /** What stopped the current CPU; `take` forgets it. */
  #stop: DebugStop | undefined;
  #breakpoints: ReadonlySet<number> = new Set();
  #tracer: ((address: number) => void) | undefined;
  #watchpoints: readonly Watchpoint[] = [];
  readonly #memory: CoreMemory;
  readonly #code: CodeCache;

  constructor(memory: CoreMemory, code: CodeCache) {
    this.#memory = memory;
    this.#code = code;
  }

  get watches(): boolean {
    return this.#watchpoints.length > 0;
  }

  get hasBreakpoints(): boolean {
    return this.#breakpoints.size > 0;
  }

  /** Replaces all breakpoints by those at `addresses` (linear). No CPU may be executing. */
  setBreakpoints(addresses: Iterable<number>): void {
    this.#breakpoints = new Set(addresses);
    this.#mark();
  }

  /** Has each instruction told, by its linear address, before it executes; undefined ends that. No CPU may be executing. */
  setTracer(tracer: ((address: number) => void) | undefined): void {
    this.#tracer = tracer;
    this.#mark();
  }

  #mark(): void {
    const everywhere = Array.from({ length: PAGE_BYTES }, (_, offset) => offset);
    this.#code.markOffsets(this.#tracer ? everywhere : [...this.#breakpoints].map((address) => address & (PAGE_BYTES - 1)));
  }

  /** Replaces all watchpoints. The caller flushes the TLBs. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    this.#watchpoints = watchpoints.filter(({ length }) => length > 0);
  }

  /** True, and remembered as the reason, when there is a breakpoint at a linear address. */
  breaksAt(address: number): boolean {
    if (!this.#breakpoints.has(address)) {
      this.#tracer?.(address);
      return false;
    }
    this.#stop = { kind: 'breakpoint', address };
    return true;
  }

  get stopped(): boolean {
    return this.#stop !== undefined;
  }

  /** Why the current CPU stopped; asked once. */
  take(): DebugStop | undefined {
    const stop = this.#stop;
    this.#stop = undefined;
    return stop;
  }

  covers(la: number): boolean {
    const page = Math.floor(la / PAGE_BYTES) * PAGE_BYTES;
    return this.#watchpoints.some(({ address, length }) => address < page + PAGE_BYTES && page < address + length);
  }

  catches(la: number, bytes: number, write: boolean): boolean {
    return this.#memory.i32[STEPPING >> 2] === 0 && this.#touched(la, bytes, write) !== undefined;
  }

  accessed(la: number, bytes: number, write: boolean): void {
    const watchpoint = this.#touched(la, bytes, write);
    if (!watchpoint || this.#stop) return;
    this.#stop = { kind: 'watchpoint', watchpoint, address: Math.max(la, watchpoint.address) };
    this.#memory.i32[EXIT_REQUEST >> 2] = 1;
  }

  #touched(la: number, bytes: number, write: boolean): Watchpoint | undefined {
    const unwanted = write ? 'read' : 'write';
    return this.#watchpoints.find(({ address, length, kind }) => kind !== unwanted && address < la + bytes && la < address + length);
  }
}
