import type { FunctionHandle } from '@hotsocket/wasm-builder';
import type { X87Function } from '../fpu/x87-functions.js';

/**
 * Functions that definitions of instructions call. Those that may fault give 1 after they have left the fault pending,
 * else 0; operands too wide for a call are in SLOW_ADDRESS and SLOW_VALUE.
 */
export interface CoreFunctions extends Readonly<Record<X87Function, FunctionHandle>> {
  /** Reads `bytes` at SLOW_ADDRESS into SLOW_VALUE. */
  readonly slowLoad: FunctionHandle;
  /** Writes `bytes` of SLOW_VALUE at SLOW_ADDRESS. */
  readonly slowStore: FunctionHandle;
  /** Checks `bytes` at SLOW_ADDRESS for reading and writing and copies them to BOUNCE. */
  readonly slowModify: FunctionHandle;
  /** Writes `bytes` of BOUNCE back. */
  readonly slowCommit: FunctionHandle;
  /** Leaves an exception pending: vector, error code or -1. */
  readonly raise: FunctionHandle;
  /** Checks the stack offset in SLOW_ADDRESS: bytes, write. */
  readonly stackCheck: FunctionHandle;
  /** Complete computation of the memory operand's linear address into SLOW_ADDRESS: record, bytes, write. */
  readonly complexAddress: FunctionHandle;
  /** Runs the helper with a number on a record; gives a STATUS_*. */
  readonly helper: FunctionHandle;
  /** A record has been visited often: it may be worth translating. */
  readonly visited: FunctionHandle;
  /** Number of a helper by name. */
  readonly helperNumber: (name: string) => number;
  /** Linear address of an offset (in SLOW_ADDRESS) in segment register `segment`: segment, bytes, write; into SLOW_ADDRESS. */
  readonly segmented: FunctionHandle;
  /** Unsigned 128 by 64 bit division: high, low, divisor; quotient in SLOW_VALUE, remainder after it. 1 on overflow. */
  readonly divide128: FunctionHandle;
  /** Upper half of the unsigned 128-bit product. */
  readonly multiplyHigh: FunctionHandle;
}

/** What an instruction's outlined function, a helper or a region gives back; larger values are records to go on at. */
export const STATUS_NEXT = 0;
/** A fault is pending. */
export const STATUS_FAULT = 1;
/** RIP holds where to go on. */
export const STATUS_JUMP = 2;
/** RIP holds where to go on later: leave the slice now. */
export const STATUS_EXIT = 3;
/** RIP holds where to go on, which is no check point: the same code may reach it without leaving. */
export const STATUS_GO = 4;
