import type { Cpu } from '../cpu.js';
import { STACK } from '../fault.js';
import { RSP, SS } from '../layout.js';
import { isCode64 } from '../mode.js';
import { fail } from './descriptors.js';
import { ATTR_CODE, ATTR_DB, ATTR_DC, isCanonical, TEMPORARY } from './state.js';

/**
 * A stack on which an event, a call gate or a return works before it becomes, or ceases to be, the current one. Writes go to memory at
 * once; rSP changes when the owner commits `pointer`.
 */
export class StackCursor {
  /** Offset of the top. */
  pointer = 0;
  #base = 0;
  #limit = 0;
  #attributes = 0;
  #long = false;
  #user = false;
  #selector = 0;

  /** SS:rSP as they are. Faults of it are #SS(0). */
  useCurrent(cpu: Cpu): this {
    const long = isCode64(cpu);
    this.#set(long, cpu.segmentBase(SS), cpu.segmentLimit(SS), cpu.segmentAttributes(SS), cpu.mmu.user, 0);
    this.pointer = long ? cpu.getLong(RSP) : cpu.get32(RSP) & this.#mask;
    if (this.pointer < 0 && !long) this.pointer += 2 ** 32;
    return this;
  }

  /** A segment that has just been fetched, with the rights of `cpl`; its faults are #SS(selector). */
  useSegment(base: number, limit: number, attributes: number, pointer: number, cpl: number, selector: number): this {
    this.#set(false, base, limit, attributes, cpl === 3, selector);
    this.pointer = (pointer & this.#mask) >>> 0;
    return this;
  }

  /** A flat stack of 64-bit mode; its faults are #SS(selector). */
  useLong(pointer: number, cpl: number, selector: number): this {
    this.#set(true, 0, 0, 0, cpl === 3, selector);
    this.pointer = pointer;
    return this;
  }

  #set(long: boolean, base: number, limit: number, attributes: number, user: boolean, selector: number): void {
    this.#long = long;
    this.#base = base;
    this.#limit = limit;
    this.#attributes = attributes;
    this.#user = user;
    this.#selector = selector;
  }

  /** -1 or 0xffff: bits of rSP that the segment uses. */
  get #mask(): number {
    return this.#attributes & ATTR_DB ? -1 : 0xffff;
  }

  /** The pointer moved by `bytes`, within the stack's size. */
  moved(bytes: number): number {
    return this.#long ? this.pointer + bytes : ((this.pointer + bytes) & this.#mask) >>> 0;
  }

  /** Linear address of an offset, checked for `bytes`. */
  linear(cpu: Cpu, offset: number, bytes: number): number {
    if (this.#long) {
      if (!isCanonical(offset)) fail(cpu, STACK, this.#selector);
      return offset;
    }
    if (!this.#within(offset, bytes)) fail(cpu, STACK, this.#selector);
    return (this.#base + offset) >>> 0;
  }

  #within(offset: number, bytes: number): boolean {
    const last = offset + bytes - 1;
    const expandDown = (this.#attributes & (ATTR_CODE | ATTR_DC)) === ATTR_DC;
    if (!expandDown) return last <= this.#limit;
    return offset > this.#limit && last <= (this.#attributes & ATTR_DB ? 0xffff_ffff : 0xffff);
  }

  /** Pushes the low `bytes` (2, 4 or 8, then sign-extended) of a number. */
  push(cpu: Cpu, value: number, bytes: number): void {
    cpu.setLong(TEMPORARY, value);
    this.pushFrom(cpu, TEMPORARY, bytes);
  }

  /** Pushes `bytes` of the state at an address. */
  pushFrom(cpu: Cpu, address: number, bytes: number): void {
    const pointer = this.moved(-bytes);
    cpu.mmu.writeFrom(this.linear(cpu, pointer, bytes), bytes, address, this.#user);
    this.pointer = pointer;
  }

  /** Reads `bytes` at the top into the state and moves on. */
  popInto(cpu: Cpu, address: number, bytes: number): void {
    cpu.mmu.readInto(this.linear(cpu, this.pointer, bytes), bytes, address, this.#user);
    this.pointer = this.moved(bytes);
  }

  /** Pops an unsigned number of 2 or 4 bytes, or a signed one of 8. */
  pop(cpu: Cpu, bytes: number): number {
    this.popInto(cpu, TEMPORARY, bytes);
    if (bytes === 8) return cpu.getLong(TEMPORARY);
    return bytes === 4 ? cpu.get32(TEMPORARY) : cpu.get16(TEMPORARY);
  }

  /** Makes `pointer` the rSP of a stack of this size. */
  commit(cpu: Cpu): void {
    if (this.#long) cpu.setLong(RSP, this.pointer);
    else if (this.#mask === -1) cpu.setHalves(RSP, this.pointer, 0);
    else cpu.set16(RSP, this.pointer);
  }
}
