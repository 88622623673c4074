import type { IoSpace } from '@hotsocket/address-space';
import type { CodeCache } from './code-cache.js';
import type { CoreMemory } from './core-memory.js';
import type { Shape } from './emit/shape.js';
import { FpuUnits } from './fpu/units.js';
import {
  CPL,
  EFLAGS,
  FIRST_HANDLER,
  FLAG_AUX,
  FLAG_CARRY,
  FLAG_SIGN,
  FLAG_ZERO,
  GPR,
  PAGE_RIP,
  REC_FLAGS,
  REC_HANDLER,
  REC_IMMEDIATE,
  REC_LENGTH,
  REC_PAGE_OFFSET,
  REC_REG,
  REC_RM,
  SCRATCH,
  SEG_ATTR,
  SEG_BASE,
  SEG_LIMIT,
  SEG_SELECTOR,
  segment,
} from './layout.js';
import type { Mmu } from './mmu.js';
import type { CpuModel } from './system/cpuid.js';

const TWO_32 = 0x1_0000_0000;

/** Services of the machine that instructions use. */
export interface CpuServices {
  readonly io: IoSpace;
  /** Time-stamp counter of the machine, as low and high half of the result's two numbers. */
  readTsc(into: Halves): void;
  /** What CPUID tells and which model-specific registers exist. */
  readonly model?: CpuModel;
  /** Local APIC identifier of a CPU; its index by default. */
  apicId?(index: number): number;
  /** IA32_APIC_BASE of a CPU. */
  readApicBase?(index: number, into: Halves): void;
  /** False, and nothing changed, when a reserved bit is set: #GP(0). */
  writeApicBase?(index: number, low: number, high: number): boolean;
  /** Other CPUs have work, so that PAUSE hands over to them; never by default. */
  sharesTime?(): boolean;
  /** Task priority of a CPU's local APIC, bits 7:4 of which are CR8. */
  readTpr?(index: number): number;
  writeTpr?(index: number, value: number): void;
  /** TSC deadline of a CPU's local APIC; without it the register does not exist. */
  readTscDeadline?(index: number, into: Halves): void;
  writeTscDeadline?(index: number, low: number, high: number): void;
  /** A register of a CPU's local APIC in x2APIC mode, by its number; false for #GP(0). */
  readApic?(index: number, register: number, into: Halves): boolean;
  writeApic?(index: number, register: number, low: number, high: number): boolean;
  /** A CPU's time-stamp counter was written. */
  tscChanged?(index: number): void;
  /** 32 bits for RDRAND and RDSEED; a fixed sequence by default, so that runs repeat. */
  random?(): number;
  /** A model-specific register that does not exist: true to read 0 and drop writes instead of #GP(0). */
  unknownMsr?(index: number, msr: number, write: boolean): boolean;
}

/** Hears of what is about to happen to the current CPU, whose state is as before. */
export interface CpuObserver {
  /** An exception, interrupt or INT instruction (`software`) is about to enter its handler; `error` is -1 for none. */
  interrupt(vector: number, error: number, software: boolean): void;
  /** A fault came while the double fault handler was entered: the CPU shuts down. */
  tripleFault(): void;
  /** RESET, or INIT. */
  reset(init: boolean): void;
}

/** A 64-bit value as two 32-bit halves. */
export interface Halves {
  low: number;
  high: number;
}

/**
 * The executing CPU, for helpers in TypeScript: registers, memory with faults, flags. Helpers run between two instructions of generated
 * code; they leave by returning a STATUS_* (undefined is STATUS_NEXT) or by a fault, which throws the preallocated signal.
 *
 * Linear addresses and RIP are numbers, sign-extended from 64 bits: exact for every canonical address.
 */
export class Cpu {
  readonly memory: CoreMemory;
  readonly mmu: Mmu;
  readonly code: CodeCache;
  readonly services: CpuServices;
  /** Exact x87 and SSE arithmetic on the state. */
  readonly fpu: FpuUnits;
  /** Forms of instructions by handler number less FIRST_HANDLER. */
  shapes: readonly Shape[] = [];
  /** Index of the executing CPU. */
  index = 0;
  observer: CpuObserver | undefined;

  constructor(memory: CoreMemory, mmu: Mmu, code: CodeCache, services: CpuServices) {
    this.memory = memory;
    this.fpu = new FpuUnits(memory);
    this.mmu = mmu;
    this.code = code;
    this.services = services;
  }

  // ---------------------------------------------------------------- state

  /** Unsigned 32-bit value at a state address. */
  get32(address: number): number {
    return this.memory.u32[address >>> 2]!;
  }

  set32(address: number, value: number): void {
    this.memory.i32[address >>> 2] = value;
  }

  get16(address: number): number {
    return this.memory.u16[address >>> 1]!;
  }

  set16(address: number, value: number): void {
    this.memory.u16[address >>> 1] = value;
  }

  get8(address: number): number {
    return this.memory.u8[address]!;
  }

  set8(address: number, value: number): void {
    this.memory.u8[address] = value;
  }

  /** A 64-bit value as a signed number; exact for canonical addresses only. */
  getLong(address: number): number {
    return this.memory.i32[(address >>> 2) + 1]! * TWO_32 + this.memory.u32[address >>> 2]!;
  }

  /** Stores a number as 64 bits, sign-extended. */
  setLong(address: number, value: number): void {
    this.memory.i32[address >>> 2] = value | 0;
    this.memory.i32[(address >>> 2) + 1] = Math.floor(value / TWO_32);
  }

  /** Stores two halves. */
  setHalves(address: number, low: number, high: number): void {
    this.memory.i32[address >>> 2] = low;
    this.memory.i32[(address >>> 2) + 1] = high;
  }

  copyLong(to: number, from: number): void {
    this.setHalves(to, this.memory.i32[from >>> 2]!, this.memory.i32[(from >>> 2) + 1]!);
  }

  get cpl(): number {
    return this.memory.i32[CPL >> 2]!;
  }

  // ---------------------------------------------------------------- the instruction

  /** RIP of the instruction that is executing. */
  rip(record: number): number {
    return this.getLong(PAGE_RIP) + this.get16(record + REC_PAGE_OFFSET);
  }

  nextRip(record: number): number {
    return this.rip(record) + this.get8(record + REC_LENGTH);
  }

  /** The form of the instruction. Ask before anything is written: a write to the page that holds the instruction marks the record stale. */
  shape(record: number): Shape {
    return this.shapes[this.get16(record + REC_HANDLER) - FIRST_HANDLER]!;
  }

  /** Address of the register in ModRM.reg. */
  reg(record: number): number {
    return this.get16(record + REC_REG);
  }

  /** Address of the register in ModRM.rm, in +r or fixed. */
  rm(record: number): number {
    return this.get16(record + REC_RM);
  }

  immediate(record: number): number {
    return this.memory.i32[(record + REC_IMMEDIATE) >>> 2]!;
  }

  hasFlag(record: number, mask: number): boolean {
    return (this.get8(record + REC_FLAGS) & mask) !== 0;
  }

  /** Writes a general register with the width in bytes; 4 bytes clear the upper half. */
  setRegister(address: number, low: number, bytes: number, high = 0): void {
    if (bytes === 1) this.set8(address, low);
    else if (bytes === 2) this.set16(address, low);
    else this.setHalves(address, low, bytes === 4 ? 0 : high);
  }

  // ---------------------------------------------------------------- flags

  /** All of RFLAGS. */
  flags(): number {
    const { i32, u32, u8 } = this.memory;
    const zero = i32[FLAG_ZERO >> 2] === 0 && i32[(FLAG_ZERO >> 2) + 1] === 0 ? 0x40 : 0;
    const sign = i32[(FLAG_SIGN >> 2) + 1]! < 0 ? 0x80 : 0;
    const carries = i32[(FLAG_CARRY >> 2) + 1]!;
    const carry = carries >>> 31;
    const overflow = ((carries ^ (carries << 1)) >>> 31) << 11;
    let low = u8[FLAG_SIGN]!;
    low ^= low >> 4;
    const parity = ((0x6996 >> (low & 15)) & 1) === 0 ? 4 : 0;
    return (u32[EFLAGS >> 2]! | zero | sign | carry | overflow | parity | (i32[FLAG_AUX >> 2]! & 0x10)) >>> 0;
  }

  /** Sets all of RFLAGS as given; what may change is the caller's business. */
  setFlags(value: number): void {
    const { i32 } = this.memory;
    this.setHalves(FLAG_ZERO, value & 0x40 ? 0 : 1, 0);
    this.setHalves(FLAG_SIGN, value & 4 ? 0 : 1, value & 0x80 ? 0x8000_0000 : 0);
    const carry = value & 1;
    const overflow = (value >> 11) & 1;
    this.setHalves(FLAG_CARRY, 0, (carry << 31) | ((carry ^ overflow) << 30));
    i32[FLAG_AUX >> 2] = value & 0x10;
    i32[EFLAGS >> 2] = (value & ~0x8d5) | 2;
  }

  // ---------------------------------------------------------------- memory

  /** Raises an exception: leaves it pending and throws the fault signal. */
  fault(vector: number, error = -1): never {
    return this.mmu.fault(vector, error);
  }

  /** Reads at a linear address with the rights of CPL, or of a supervisor (descriptor tables, TSS). */
  read8(la: number, user: boolean = this.mmu.user): number {
    this.mmu.readInto(la, 1, SCRATCH, user);
    return this.memory.u8[SCRATCH]!;
  }

  read16(la: number, user: boolean = this.mmu.user): number {
    this.mmu.readInto(la, 2, SCRATCH, user);
    return this.memory.u16[SCRATCH >> 1]!;
  }

  read32(la: number, user: boolean = this.mmu.user): number {
    this.mmu.readInto(la, 4, SCRATCH, user);
    return this.memory.u32[SCRATCH >> 2]!;
  }

  /** Reads 64 bits to a state address. */
  read64(la: number, to: number, user: boolean = this.mmu.user): void {
    this.mmu.readInto(la, 8, to, user);
  }

  write8(la: number, value: number, user: boolean = this.mmu.user): void {
    this.memory.u8[SCRATCH] = value;
    this.mmu.writeFrom(la, 1, SCRATCH, user);
  }

  write16(la: number, value: number, user: boolean = this.mmu.user): void {
    this.memory.u16[SCRATCH >> 1] = value;
    this.mmu.writeFrom(la, 2, SCRATCH, user);
  }

  write32(la: number, value: number, user: boolean = this.mmu.user): void {
    this.memory.i32[SCRATCH >> 2] = value;
    this.mmu.writeFrom(la, 4, SCRATCH, user);
  }

  /** Writes 64 bits from a state address. */
  write64(la: number, from: number, user: boolean = this.mmu.user): void {
    this.mmu.writeFrom(la, 8, from, user);
  }

  // ---------------------------------------------------------------- segments

  selector(index: number): number {
    return this.get16(segment(index) + SEG_SELECTOR);
  }

  segmentBase(index: number): number {
    return this.getLong(segment(index) + SEG_BASE);
  }

  segmentLimit(index: number): number {
    return this.get32(segment(index) + SEG_LIMIT);
  }

  /** Attributes: bits 8..23 of the descriptor's second doubleword, in place; bit 16 (of a unusable segment) never set. */
  segmentAttributes(index: number): number {
    return this.get32(segment(index) + SEG_ATTR);
  }

  gpr(number: number): number {
    return GPR + 8 * number;
  }
}

/** A rare or heavy instruction in TypeScript. */
export type HelperFunction = (cpu: Cpu, record: number) => number | undefined;
