import type { AccessSize, MemorySpace } from '@hotsocket/address-space';
import type { CodeCache } from './code-cache.js';
import type { CoreMemory } from './core-memory.js';
import { AC, DEBUG_STOP, FAULT, GP, PF } from './fault.js';
import {
  BOUNCE,
  CODE_PAGES,
  CPL,
  CR0,
  CR2,
  CR3,
  CR4,
  EFER,
  EFLAGS,
  FAULT_ERROR,
  FAULT_VECTOR,
  MAX_CPUS,
  NONCANONICAL,
  PAGE_BYTES,
  PHYSICAL_PAGES,
  SLOW_ADDRESS,
  SLOW_VALUE,
  TLB_ADDEND,
  TLB_BASE,
  TLB_BYTES,
  TLB_CODE,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  TLB_EXECUTE,
  TLB_HALF_BYTES,
  TLB_READ,
  TLB_WRITE,
  TLBS,
} from './layout.js';
import { PAGE_DROP, PAGE_MMIO, type PageMap } from './page-map.js';

/** Sees accesses to data on behalf of a debugger. Addresses are linear. */
export interface DataGuard {
  /** Accesses to the page of an address must be seen one by one: it stays out of the TLBs. */
  covers(la: number): boolean;
  /** The instruction must not touch these bytes yet: it is taken back, with DEBUG_STOP as its fault. */
  catches(la: number, bytes: number, write: boolean): boolean;
  /** These bytes are accessed. */
  accessed(la: number, bytes: number, write: boolean): void;
}

/** What an access wants: bits of the page-fault error code where they exist. */
export const ACCESS_READ = 0;
export const ACCESS_WRITE = 2;
export const ACCESS_FETCH = 16;

const CR0_PG = 0x8000_0000;
const CR0_WP = 0x0001_0000;
const CR0_AM = 0x0004_0000;
const FLAG_AC = 0x0004_0000;
const CR4_PSE = 0x10;
const CR4_PAE = 0x20;
const CR4_PGE = 0x80;
const CR4_SMEP = 0x10_0000;
const EFER_LMA = 0x400;
const EFER_NXE = 0x800;
const P = 1;
const RW = 2;
const US = 4;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const PS = 0x80;
const GLOBAL = 0x100;
const NX_HIGH = 0x8000_0000;
const TWO_32 = 0x1_0000_0000;
/** Canonical linear addresses are -2^47 .. 2^47 - 1 as numbers. */
const CANONICAL_LIMIT = 2 ** 47;
const PAGE_MASK = ~(PAGE_BYTES - 1);
const ENTRIES_PER_CPU = 2 * TLB_ENTRIES;
/** What is known of a TLB entry beside its tags. */
const ENTRY_LARGE = 1;
const ENTRY_GLOBAL = 2;
/** It stands in the list of entries that a CR3 write drops, or in that of the global ones; in both when it has changed. */
const LISTED_LOCAL = 4;
const LISTED_GLOBAL = 8;
const LISTED: number = LISTED_LOCAL | LISTED_GLOBAL;
const NO_WRITER = 0;
const MANY_WRITERS = -1;
/** Linear addresses around a page that may be a part of the same large one. */
const REGION_BYTES = 2 ** 30;

/** Per CPU, numbers of TLB entries, counted from the CPU's first. */
class EntryLists {
  readonly numbers: Uint16Array = new Uint16Array(MAX_CPUS * ENTRIES_PER_CPU);
  readonly counts: Uint32Array = new Uint32Array(MAX_CPUS);

  add(cpu: number, entry: number): void {
    const first = cpu * ENTRIES_PER_CPU;
    this.numbers[first + this.counts[cpu]!++] = entry - first;
  }

  clear(cpu: number): void {
    this.counts[cpu] = 0;
  }
}

/**
 * Translation of linear addresses (SDM volume 3, chapter 4), the TLBs, and the slow path of memory accesses.
 *
 * Linear addresses are numbers: 64-bit ones sign-extended from bit 47, so that every canonical address is exact.
 */
export class Mmu {
  /** A20 gate: mask of physical addresses. */
  a20Mask = 0xffff_ffff;
  /** When set, pages of data breakpoints never enter the TLB. */
  watch: ((la: number, bytes: number, write: boolean) => void) | undefined;
  /** A debugger that watches data. */
  guard: DataGuard | undefined;
  readonly #memory: CoreMemory;
  readonly #map: PageMap;
  readonly #space: MemorySpace;
  readonly #code: CodeCache;
  /** ENTRY_* and LISTED_* of each entry, and per CPU the numbers of the entries in use. */
  readonly #entries: Uint8Array = new Uint8Array(MAX_CPUS * ENTRIES_PER_CPU);
  readonly #local: EntryLists = new EntryLists();
  readonly #globals: EntryLists = new EntryLists();
  /** Per CPU, which regions have had large pages in the TLB since the last complete flush: one bit for all of equal number modulo 32. */
  readonly #largeRegions: Int32Array = new Int32Array(MAX_CPUS);
  /** Per physical page, what TLB entries may let write to it: one of *_WRITER*, or the number of the only one plus 1. */
  readonly #writers: Int32Array = new Int32Array(PHYSICAL_PAGES);
  /** Result of the last walk: physical address of the page, its rights (US, RW), whether it may enter the TLB as writable, large page. */
  #gpa = 0;
  #rights = 0;
  #dirty = false;
  #global = false;
  #executable = false;
  #isLarge = false;

  constructor(memory: CoreMemory, map: PageMap, space: MemorySpace, code: CodeCache) {
    this.#memory = memory;
    this.#map = map;
    this.#space = space;
    this.#code = code;
  }

  // ---------------------------------------------------------------- faults

  /** Leaves an exception pending and throws the signal. */
  fault(vector: number, error = -1): never {
    this.#memory.i32[FAULT_VECTOR >> 2] = vector;
    this.#memory.i32[FAULT_ERROR >> 2] = error;
    throw FAULT;
  }

  /** #GP, or #SS for a stack address: only the instruction tells which (`ExecutionCore` looks). */
  #noncanonical(): never {
    this.#memory.i32[NONCANONICAL >> 2] = 1;
    return this.fault(GP, 0);
  }

  #pageFault(la: number, error: number): never {
    this.setLong(CR2, la);
    return this.fault(PF, error);
  }

  setLong(address: number, value: number): void {
    this.#memory.i32[address >> 2] = value | 0;
    this.#memory.i32[(address >> 2) + 1] = Math.floor(value / TWO_32) | 0;
  }

  // ---------------------------------------------------------------- translation

  /** True while CPL is 3. */
  get user(): boolean {
    return this.#memory.i32[CPL >> 2] === 3;
  }

  /**
   * Physical address of a linear one for an access (ACCESS_*), by a user or supervisor; throws the fault signal.
   * Data in a page that the TLB has need no walk. Else accessed and dirty bits are set, and a page of plain memory enters the TLB.
   */
  translate(la: number, access: number, user: boolean): number {
    const known = access === ACCESS_FETCH ? -1 : this.#known(la, access === ACCESS_WRITE ? TLB_WRITE : TLB_READ, user);
    if (known >= 0) return known;
    this.#walk(la, access, user);
    this.#fill(la, user);
    return this.#gpa + (la & (PAGE_BYTES - 1));
  }

  /** Physical address of a linear one whose page stands in the TLB with the wanted tag (TLB_READ, TLB_WRITE), else -1. */
  #known(la: number, tag: number, user: boolean): number {
    const { i32 } = this.#memory;
    const entry = this.#entryOf(la, user);
    const word = (entry + tag) >> 2;
    if (i32[word] !== (la & PAGE_MASK) || i32[word + 1] !== (Math.floor(la / TWO_32) | 0)) return -1;
    return ((i32[(entry + TLB_CODE) >> 2]! - CODE_PAGES) >>> 2) * PAGE_BYTES + (la & (PAGE_BYTES - 1));
  }

  /** Where the page of a linear address stands in the TLB of users or of supervisors, whichever is selected now. */
  #entryOf(la: number, user: boolean): number {
    const selected = this.#memory.i32[TLB_BASE >> 2]! - TLBS;
    const first = TLBS + selected - (selected % TLB_BYTES) + (user ? TLB_HALF_BYTES : 0);
    return first + ((la >>> 12) & (TLB_ENTRIES - 1)) * TLB_ENTRY_BYTES;
  }

  /** Physical address of a linear one, or -1: no faults, no accessed bits, no TLB. For debuggers. */
  peek(la: number): number {
    const { u32 } = this.#memory;
    if ((u32[CR0 >> 2]! & CR0_PG) === 0) return (la & this.a20Mask) >>> 0;
    const pae = (u32[CR4 >> 2]! & CR4_PAE) !== 0;
    const long = (u32[EFER >> 2]! & EFER_LMA) !== 0;
    if (long && (la < -CANONICAL_LIMIT || la >= CANONICAL_LIMIT)) return -1;
    const bits = pae ? 9 : 10;
    let table = (u32[CR3 >> 2]! & (pae && !long ? 0xffff_ffe0 : PAGE_MASK)) >>> 0;
    for (let level = long ? 3 : pae ? 2 : 1; ; level--) {
      const shift = 12 + bits * level;
      const entry = this.#readPhysical(
        table + (Math.floor(la / 2 ** shift) & (pae && !long && level === 2 ? 3 : 2 ** bits - 1)) * (pae ? 8 : 4),
      );
      if ((entry & P) === 0) return -1;
      const span = 2 ** shift - 1;
      if (level === 0 || (entry & PS && !(pae && !long && level === 2))) return ((entry & PAGE_MASK & ~span) >>> 0) + (la & span);
      table = (entry & PAGE_MASK) >>> 0;
    }
  }

  #walk(la: number, access: number, user: boolean): void {
    const { u32 } = this.#memory;
    this.#isLarge = false;
    if ((u32[CR0 >> 2]! & CR0_PG) === 0) return this.#identity(la);
    if (la < -CANONICAL_LIMIT || la >= CANONICAL_LIMIT) this.#noncanonical();
    if ((u32[CR4 >> 2]! & CR4_PAE) === 0) return this.#walk32(la, access, user);
    return this.#walkLong(la, access, user);
  }

  #identity(la: number): void {
    this.#gpa = (la & this.a20Mask & PAGE_MASK) >>> 0;
    this.#rights = US | RW;
    this.#dirty = true;
    this.#global = false;
    this.#executable = true;
  }

  /** 32-bit paging with 4 KiB and 4 MiB pages (4.3). */
  #walk32(la: number, access: number, user: boolean): void {
    const pde = ((this.#memory.u32[CR3 >> 2]! & PAGE_MASK) >>> 0) + ((la >>> 22) << 2);
    const directory = this.#readPhysical(pde);
    if ((directory & P) === 0) this.#pageFault(la, this.#code4(access, user));
    if (directory & PS && this.#memory.u32[CR4 >> 2]! & CR4_PSE) {
      if (directory & 0x20_0000 || (directory & 0x1f_e000) >= 0x2000) this.#pageFault(la, this.#code4(access, user) | 9);
      this.#checkRights(la, directory & (US | RW), true, access, user);
      this.#setAccessed(pde, directory, access);
      this.#leaf(directory, (directory & 0xffc0_0000) + (la & 0x3f_f000), directory & (US | RW), true, true, access);
      return;
    }
    const pte = ((directory & PAGE_MASK) >>> 0) + (((la >>> 12) & 0x3ff) << 2);
    const entry = this.#readPhysical(pte);
    if ((entry & P) === 0) this.#pageFault(la, this.#code4(access, user));
    const rights = directory & entry & (US | RW);
    this.#checkRights(la, rights, true, access, user);
    if ((directory & ACCESSED) === 0) this.#writePhysical(pde, directory | ACCESSED);
    this.#setAccessed(pte, entry, access);
    this.#leaf(entry, entry & PAGE_MASK, rights, true, false, access);
  }

  /** PAE and 4-level paging (4.4, 4.5): three or four levels of 8-byte entries. */
  #walkLong(la: number, access: number, user: boolean): void {
    const long = (this.#memory.u32[EFER >> 2]! & EFER_LMA) !== 0;
    const nxe = (this.#memory.u32[EFER >> 2]! & EFER_NXE) !== 0;
    const base = this.#memory.u32[CR3 >> 2]!;
    let table = long ? (base & PAGE_MASK) >>> 0 : (base & 0xffff_ffe0) >>> 0;
    let rights = US | RW;
    let executable = true;
    for (let level = long ? 3 : 2; ; level--) {
      const index =
        level === 3
          ? Math.floor(la / 2 ** 39) & 0x1ff
          : level === 2
            ? long
              ? Math.floor(la / 2 ** 30) & 0x1ff
              : la >>> 30
            : (la >>> (12 + 9 * level)) & 0x1ff;
      const address = table + index * 8;
      const low = this.#readPhysical(address);
      const high = this.#readPhysical(address + 4);
      if ((low & P) === 0) this.#pageFault(la, this.#code4(access, user));
      const pdpte = level === 2 && !long;
      const reserved = this.#reservedBits(low, high, level, long, nxe);
      if (reserved) this.#pageFault(la, this.#code4(access, user) | 9);
      if (!pdpte) {
        rights &= low;
        if (high & NX_HIGH && nxe) executable = false;
      }
      const large = level > 0 && (low & PS) !== 0 && !pdpte && level < 3;
      if (level === 0 || large) {
        this.#checkRights(la, rights, executable, access, user);
        this.#setAccessed(address, low, access);
        const span = level === 0 ? 0 : level === 1 ? 0x1f_f000 : 0x3fff_f000;
        this.#leaf(low, (low & PAGE_MASK & ~span) + (la & span), rights, executable, large, access);
        if ((high & 0xf_ffff) !== 0) this.#gpa = Number.MAX_SAFE_INTEGER - PAGE_BYTES + 1;
        return;
      }
      if (!pdpte && (low & ACCESSED) === 0) this.#writePhysical(address, low | ACCESSED);
      if ((high & 0xf_ffff) !== 0) this.#pageFault(la, this.#code4(access, user) | 9);
      table = (low & PAGE_MASK) >>> 0;
    }
  }

  /** Physical address width is 40 bits. */
  #reservedBits(low: number, high: number, level: number, long: boolean, nxe: boolean): boolean {
    if ((high & 0x000f_ff00) !== 0) return true;
    if (high & NX_HIGH && !nxe) return true;
    if (!long && level === 2) return (low & 0x1e6) !== 0 || (high & 0x7ff0_0000) !== 0 || (high & NX_HIGH) !== 0;
    if (!long && (high & 0x7ff0_0000) !== 0) return true;
    if (level === 3) return (low & PS) !== 0;
    if ((low & PS) === 0 || level === 0) return false;
    return level === 1 ? (low & 0x1f_e000) !== 0 : (low & 0x3fff_e000) !== 0;
  }

  #leaf(entry: number, gpa: number, rights: number, executable: boolean, large: boolean, access: number): void {
    this.#gpa = (gpa & this.a20Mask) >>> 0;
    this.#rights = rights;
    this.#executable = executable;
    this.#isLarge = large;
    this.#dirty = access === ACCESS_WRITE || (entry & DIRTY) !== 0;
    this.#global = (entry & GLOBAL) !== 0 && (this.#memory.u32[CR4 >> 2]! & CR4_PGE) !== 0;
  }

  /** Error code for a page that is not present: W/R, U/S, I/D (only where fetches are told apart). */
  #code4(access: number, user: boolean): number {
    const fetch = access === ACCESS_FETCH && this.#tellsFetches() ? ACCESS_FETCH : 0;
    return (access & ACCESS_WRITE) | (user ? US : 0) | fetch;
  }

  #tellsFetches(): boolean {
    const { u32 } = this.#memory;
    return (u32[EFER >> 2]! & EFER_NXE) !== 0 && (u32[CR4 >> 2]! & CR4_PAE) !== 0 ? true : (u32[CR4 >> 2]! & CR4_SMEP) !== 0;
  }

  /** Access rights (4.6). */
  #checkRights(la: number, rights: number, executable: boolean, access: number, user: boolean): void {
    const { u32 } = this.#memory;
    let allowed = !user || (rights & US) !== 0;
    if (access === ACCESS_WRITE && (rights & RW) === 0) allowed &&= !user && (u32[CR0 >> 2]! & CR0_WP) === 0;
    if (access === ACCESS_FETCH) {
      if (!executable) allowed = false;
      if (!user && rights & US && u32[CR4 >> 2]! & CR4_SMEP) allowed = false;
    }
    if (!allowed) this.#pageFault(la, this.#code4(access, user) | P);
  }

  #setAccessed(address: number, entry: number, access: number): void {
    const wanted = entry | ACCESSED | (access === ACCESS_WRITE ? DIRTY : 0);
    if (wanted !== entry) this.#writePhysical(address, wanted);
  }

  #readPhysical(gpa: number): number {
    const masked = (gpa & this.a20Mask) >>> 0;
    const host = this.#map.read[masked >>> 12]!;
    return host > PAGE_DROP ? this.#memory.i32[(host + (masked & 0xfff)) >>> 2]! : this.#space.read(masked, 4) | 0;
  }

  #writePhysical(gpa: number, value: number): void {
    const masked = (gpa & this.a20Mask) >>> 0;
    const host = this.#map.write[masked >>> 12]!;
    if (host > PAGE_DROP) {
      this.#memory.i32[(host + (masked & 0xfff)) >>> 2] = value;
      this.#code.written(masked, 4);
    } else this.#space.write(masked, 4, value >>> 0);
  }

  // ---------------------------------------------------------------- TLB

  /** Enters the page of the last walk into the half of users or of supervisors. */
  #fill(la: number, user: boolean): void {
    const page = this.#gpa / PAGE_BYTES;
    const read = page < this.#map.read.length ? this.#map.read[page]! : 0;
    if (read <= PAGE_DROP || this.watch || this.#aligns) return;
    const { i32 } = this.#memory;
    const entry = this.#entryOf(la, user);
    const low = la & PAGE_MASK;
    const high = Math.floor(la / TWO_32) | 0;
    const empty = emptyTag(la >>> 12);
    const reachable = !user || (this.#rights & US) !== 0;
    const readable = reachable && this.guard?.covers(la) !== true;
    this.#setTag(entry + TLB_READ, readable, low, high, empty);
    const writable = readable && this.#writable(user) && this.#map.write[page] === read && !this.#code.hasCode(page);
    this.#setTag(entry + TLB_WRITE, writable, low, high, empty);
    this.#setTag(entry + TLB_EXECUTE, reachable && this.#fetchable(user), low, high, empty);
    i32[(entry + TLB_ADDEND) >> 2] = (read - low) | 0;
    i32[(entry + TLB_CODE) >> 2] = CODE_PAGES + page * 4;
    const number = (entry - TLBS) / TLB_ENTRY_BYTES;
    this.#noteUsed(number, la);
    if (writable) this.#noteWriter(page, number);
  }

  #noteWriter(page: number, number: number): void {
    const known = this.#writers[page]!;
    const isOnly = known === NO_WRITER || (known > NO_WRITER && !this.#lets(known - 1, page));
    if (known !== number + 1) this.#writers[page] = isOnly ? number + 1 : MANY_WRITERS;
  }

  /** The entry still lets write to the page. */
  #lets(number: number, page: number): boolean {
    const { i32 } = this.#memory;
    const word = (TLBS + number * TLB_ENTRY_BYTES) >> 2;
    return i32[word + (TLB_CODE >> 2)] === CODE_PAGES + page * 4 && i32[word + (TLB_WRITE >> 2)] !== emptyTag(number);
  }

  #noteUsed(number: number, la: number): void {
    const list = this.#global ? LISTED_GLOBAL : LISTED_LOCAL;
    const known = this.#entries[number]!;
    const cpu = Math.floor(number / ENTRIES_PER_CPU);
    if ((known & list) === 0) (this.#global ? this.#globals : this.#local).add(cpu, number);
    if (this.#isLarge) this.#largeRegions[cpu]! |= regionBit(la);
    this.#entries[number] = (known & LISTED) | list | (this.#isLarge ? ENTRY_LARGE : 0) | (this.#global ? ENTRY_GLOBAL : 0);
  }

  #setTag(address: number, valid: boolean, low: number, high: number, empty: number): void {
    this.#memory.i32[address >> 2] = valid ? low : empty;
    this.#memory.i32[(address >> 2) + 1] = valid ? high : 0;
  }

  #writable(user: boolean): boolean {
    if (!this.#dirty) return false;
    if ((this.#rights & RW) !== 0) return true;
    return !user && (this.#memory.u32[CR0 >> 2]! & CR0_WP) === 0;
  }

  #fetchable(user: boolean): boolean {
    if (!this.#executable) return false;
    return user || (this.#rights & US) === 0 || (this.#memory.u32[CR4 >> 2]! & CR4_SMEP) === 0;
  }

  /** Address of the first half of CPU `index`. */
  static tlbOf(index: number): number {
    return TLBS + index * TLB_BYTES;
  }

  /** Selects the half of the current privilege; call after each change of CPL or of the executing CPU. */
  selectTlb(cpuIndex: number): void {
    this.#memory.i32[TLB_BASE >> 2] = Mmu.tlbOf(cpuIndex) + (this.user ? TLB_HALF_BYTES : 0);
  }

  /** Empties all entries of a CPU; before its first use. */
  clear(cpuIndex: number): void {
    const first = cpuIndex * ENTRIES_PER_CPU;
    for (let n = 0; n < ENTRIES_PER_CPU; n++) this.#drop(first + n);
    this.#entries.fill(0, first, first + ENTRIES_PER_CPU);
    this.#local.clear(cpuIndex);
    this.#globals.clear(cpuIndex);
  }

  /** Drops all translations of a CPU, or all that are not global. */
  flush(cpuIndex: number, keepGlobal = false): void {
    this.#flushList(this.#local, cpuIndex, LISTED_LOCAL, keepGlobal);
    if (keepGlobal) return;
    this.#flushList(this.#globals, cpuIndex, LISTED_GLOBAL, false);
    this.#largeRegions[cpuIndex] = 0;
  }

  #flushList(lists: EntryLists, cpu: number, listed: number, keepGlobal: boolean): void {
    const { numbers } = lists;
    const first = cpu * ENTRIES_PER_CPU;
    for (let at = first; at < first + lists.counts[cpu]!; at++) {
      const number = first + numbers[at]!;
      const keeps = keepGlobal && (this.#entries[number]! & ENTRY_GLOBAL) !== 0;
      if (!keeps) this.#drop(number);
      this.#entries[number]! &= ~listed;
    }
    lists.clear(cpu);
  }

  #drop(number: number): void {
    const { i32 } = this.#memory;
    const empty = emptyTag(number);
    const word = (TLBS + number * TLB_ENTRY_BYTES) >> 2;
    i32[word] = empty;
    i32[word + 1] = 0;
    i32[word + 2] = empty;
    i32[word + 3] = 0;
    i32[word + 4] = empty;
    i32[word + 5] = 0;
  }

  /** INVLPG: drops the page of `la` in both halves, and every part of a large page around it. */
  flushPage(cpuIndex: number, la: number): void {
    const first = cpuIndex * ENTRIES_PER_CPU;
    const index = (la >>> 12) & (TLB_ENTRIES - 1);
    this.#drop(first + index);
    this.#drop(first + TLB_ENTRIES + index);
    if ((this.#largeRegions[cpuIndex]! & regionBit(la)) === 0) return;
    this.#dropLarge(this.#local, cpuIndex, la);
    this.#dropLarge(this.#globals, cpuIndex, la);
  }

  #dropLarge(lists: EntryLists, cpu: number, la: number): void {
    const first = cpu * ENTRIES_PER_CPU;
    for (let at = first; at < first + lists.counts[cpu]!; at++) {
      const number = first + lists.numbers[at]!;
      if ((this.#entries[number]! & ENTRY_LARGE) !== 0 && this.#regionOf(number) === Math.floor(la / REGION_BYTES)) this.#drop(number);
    }
  }

  /** Region of the page in an entry that is readable; of no page at all in one that is dropped. */
  #regionOf(number: number): number {
    const { u32, i32 } = this.#memory;
    const word = (TLBS + number * TLB_ENTRY_BYTES) >> 2;
    return Math.floor((i32[word + 1]! * TWO_32 + u32[word]!) / REGION_BYTES);
  }

  /** Takes the write permission of a physical page out of every TLB: it holds code from now on. */
  protectPage(page: number, cpus: number): void {
    const writer = this.#writers[page]!;
    this.#writers[page] = NO_WRITER;
    if (writer > NO_WRITER) return this.#protectEntry(writer - 1, page);
    if (writer === MANY_WRITERS) for (let number = 0; number < cpus * ENTRIES_PER_CPU; number++) this.#protectEntry(number, page);
  }

  #protectEntry(number: number, page: number): void {
    const { i32 } = this.#memory;
    const word = (TLBS + number * TLB_ENTRY_BYTES) >> 2;
    if (i32[word + (TLB_CODE >> 2)] !== CODE_PAGES + page * 4) return;
    i32[word + (TLB_WRITE >> 2)] = emptyTag(number);
    i32[word + (TLB_WRITE >> 2) + 1] = 0;
  }

  // ---------------------------------------------------------------- accesses of the slow path

  #slowAddress(): number {
    return this.#memory.i32[(SLOW_ADDRESS >> 2) + 1]! * TWO_32 + this.#memory.u32[SLOW_ADDRESS >> 2]!;
  }

  /** Reads `bytes` at SLOW_ADDRESS into SLOW_VALUE; throws the fault signal. */
  slowLoad(bytes: number): void {
    const la = this.#slowAddress();
    this.#checkAlignment(la, bytes);
    this.#catch(la, bytes, false);
    this.readInto(la, bytes, SLOW_VALUE, this.user);
  }

  /** Writes `bytes` of SLOW_VALUE at SLOW_ADDRESS. */
  slowStore(bytes: number): void {
    const la = this.#slowAddress();
    this.#checkAlignment(la, bytes);
    this.#catch(la, bytes, true);
    this.writeFrom(la, bytes, SLOW_VALUE, this.user);
  }

  /** Checks SLOW_ADDRESS for writing and copies its bytes to BOUNCE. */
  slowModify(bytes: number): void {
    const la = this.#slowAddress();
    this.#checkAlignment(la, bytes);
    this.#catch(la, bytes, false);
    this.#catch(la, bytes, true);
    this.probe(la, bytes, ACCESS_WRITE, this.user);
    this.readInto(la, bytes, BOUNCE, this.user);
  }

  /** CR0.AM and RFLAGS.AC ask for alignment checks, which privilege 3 alone gets: no page enters the TLB then. */
  get #aligns(): boolean {
    const { u32 } = this.#memory;
    return (u32[EFLAGS >> 2]! & FLAG_AC) !== 0 && (u32[CR0 >> 2]! & CR0_AM) !== 0 && this.user;
  }

  /** RFLAGS.AC may have been set: pages that are in the TLB must not pass unchecked. */
  alignmentChanged(cpu: number): void {
    if (this.#aligns) this.flush(cpu);
  }

  /** #AC for data of at most eight bytes that is not aligned to its size (SDM volume 3, table 6-7; volume 2, exception type 4). */
  #checkAlignment(la: number, bytes: number): void {
    if (bytes <= 8 && (la & (bytes - 1)) !== 0 && this.#aligns) this.fault(AC, 0);
  }

  /** Before an instruction of generated code changes anything; helpers are seen only as they access. */
  #catch(la: number, bytes: number, write: boolean): void {
    if (this.guard?.catches(this.#wrap(la), bytes, write)) this.fault(DEBUG_STOP);
  }

  /** Writes BOUNCE back to SLOW_ADDRESS, which `slowModify` has checked. */
  slowCommit(bytes: number): void {
    this.writeFrom(this.#slowAddress(), bytes, BOUNCE, this.user);
  }

  /** Faults as an access to all of `bytes` at `la` would. */
  probe(la: number, bytes: number, access: number, user: boolean): void {
    const wrapped = this.#wrap(la);
    this.translate(wrapped, access, user);
    const inPage = PAGE_BYTES - (wrapped & 0xfff);
    if (inPage < bytes) this.translate(this.#wrap(la + inPage), access, user);
  }

  /** Outside long mode linear addresses have 32 bits. */
  #wrap(la: number): number {
    return (this.#memory.u32[EFER >> 2]! & EFER_LMA) === 0 ? la >>> 0 : la;
  }

  /** Copies guest bytes at a linear address to `host` (at most 512). */
  readInto(la: number, bytes: number, host: number, user: boolean): void {
    const first = this.#wrap(la);
    const inPage = Math.min(bytes, PAGE_BYTES - (first & 0xfff));
    this.watch?.(first, bytes, false);
    const gpa = this.translate(first, ACCESS_READ, user);
    const rest = inPage < bytes ? this.translate(this.#wrap(la + inPage), ACCESS_READ, user) : 0;
    this.guard?.accessed(first, bytes, false);
    this.#readRun(gpa, inPage, host);
    if (inPage < bytes) this.#readRun(rest, bytes - inPage, host + inPage);
  }

  /** Copies bytes at `host` to a linear address; nothing is written when any byte faults. */
  writeFrom(la: number, bytes: number, host: number, user: boolean): void {
    const first = this.#wrap(la);
    const inPage = Math.min(bytes, PAGE_BYTES - (first & 0xfff));
    const gpa = this.translate(first, ACCESS_WRITE, user);
    const rest = inPage < bytes ? this.translate(this.#wrap(la + inPage), ACCESS_WRITE, user) : 0;
    this.watch?.(first, bytes, true);
    this.guard?.accessed(first, bytes, true);
    this.#writeRun(gpa, inPage, host);
    if (inPage < bytes) this.#writeRun(rest, bytes - inPage, host + inPage);
  }

  #readRun(gpa: number, bytes: number, host: number): void {
    const page = this.#map.read[pageOf(gpa)] ?? 0;
    const { u8 } = this.#memory;
    if (page > PAGE_DROP) {
      const from = page + (gpa & 0xfff);
      for (let n = 0; n < bytes; n++) u8[host + n] = u8[from + n]!;
    } else if (page === PAGE_MMIO) this.#readRegisters(gpa, bytes, host);
    else u8.fill(0xff, host, host + bytes);
  }

  #writeRun(gpa: number, bytes: number, host: number): void {
    const page = this.#map.write[pageOf(gpa)] ?? 0;
    const { u8 } = this.#memory;
    if (page > PAGE_DROP) {
      this.#code.written(gpa, bytes);
      const to = page + (gpa & 0xfff);
      for (let n = 0; n < bytes; n++) u8[to + n] = u8[host + n]!;
    } else if (page === PAGE_MMIO) this.#writeRegisters(gpa, bytes, host);
  }

  #readRegisters(gpa: number, bytes: number, host: number): void {
    for (let at = 0; at < bytes; ) {
      const size = accessSize(gpa + at, bytes - at);
      const value = this.#space.read(gpa + at, size);
      for (let n = 0; n < size; n++) this.#memory.u8[host + at + n] = value >>> (8 * n);
      at += size;
    }
  }

  #writeRegisters(gpa: number, bytes: number, host: number): void {
    for (let at = 0; at < bytes; ) {
      const size = accessSize(gpa + at, bytes - at);
      let value = 0;
      for (let n = 0; n < size; n++) value |= this.#memory.u8[host + at + n]! << (8 * n);
      this.#space.write(gpa + at, size, value >>> 0);
      at += size;
    }
  }
}

/** Low half of a tag that no address of the entry's index has. */
const emptyTag = (number: number): number => ((number & (TLB_ENTRIES - 1)) ^ 1) << 12;

/** The bit of a linear address in a set of regions. */
const regionBit = (la: number): number => 1 << (Math.floor(la / REGION_BYTES) & 31);

/** Index of a page in the maps; beyond them (undefined there) above 4 GiB. */
const pageOf = (gpa: number): number => Math.floor(gpa / PAGE_BYTES);

/** The widest access that stays in `bytes`; what is not aligned goes as it is when it fits a doubleword. */
const accessSize = (_gpa: number, bytes: number): AccessSize => (bytes >= 4 ? 4 : bytes >= 2 ? 2 : 1);
