import { type Expr, type FunctionBuilder, type FunctionHandle, i32, i64, type Label, ModuleBuilder } from '@hotsocket/wasm-builder';
import { InlineEmitter, type MainLoop, OutlinedEmitter } from './emit/cold-emitter.js';
import { type CoreFunctions, STATUS_EXIT, STATUS_FAULT, STATUS_GO, STATUS_NEXT } from './emit/core-functions.js';
import { countVisit } from './emit/hotness.js';
import { ModuleLibrary } from './emit/module-library.js';
import { UD } from './fault.js';
import type { Handler, HandlerTable } from './handler-table.js';
import { isInline } from './inline-set.js';
import {
  ADDRESS_MASK,
  BUDGET,
  CODE_LIMIT,
  CODE_PAGES,
  CS,
  CURRENT_TABLE,
  EXIT_REQUEST,
  FAULT_RECORD,
  FIRST_HANDLER,
  FIRST_REGION,
  GUEST,
  HANDLER_BREAKPOINT,
  HANDLER_CONTINUE,
  HANDLER_CROSSING,
  HANDLER_INVALID,
  HANDLER_LINK,
  HANDLER_STALE,
  HANDLER_STEPPED,
  HANDLER_TOO_LONG,
  MAX_REGIONS,
  MODE_KEY,
  PAGE_BYTES,
  PAGE_RIP,
  REC_HANDLER,
  REC_IMMEDIATE,
  REC_PAGE_OFFSET,
  RECORD_BYTES,
  RIP,
  SEG_BASE,
  SLOW_VALUE,
  STEPPING,
  segment,
  TLB_BASE,
  TLB_CODE,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  TLB_EXECUTE,
} from './layout.js';
import { isHelper } from './semantics/semantic.js';

/** Why `run` came back. */
export const RUN_SLICE_ENDED = 0;
export const RUN_EXIT = 1;
export const RUN_STOPPED = 2;
export const RUN_STEPPED = 3;
/** A debugger wants the CPU to stop here. */
export const RUN_DEBUG = 4;

/** Functions the core module imports from TypeScript; all take and give i32. */
export const IMPORTS = {
  slowLoad: 1,
  slowStore: 1,
  slowModify: 1,
  slowCommit: 1,
  raise: 2,
  stackCheck: 2,
  complexAddress: 3,
  segmented: 3,
  helper: 2,
  decodeAt: 0,
  deliver: 0,
  crossing: 1,
  breakpoint: 0,
  hot: 1,
} as const;
export type ImportName = keyof typeof IMPORTS;
const WITHOUT_RESULT: ReadonlySet<string> = new Set(['slowCommit', 'raise', 'hot']);

/** Bounds of the memory with which it works, in 64 KiB pages: one module serves every size of guest. */
const FEWEST_PAGES: number = GUEST / 0x1_0000;
const MOST_PAGES = 0x1_0000;

const at = (address: number): Expr => i32.const(address);

/** Builds the interpreter: one function with the frequent handlers inline, one function for each of the others. */
export function buildInterpreter(table: HandlerTable, helperNumber: (name: string) => number): Uint8Array {
  const module = new ModuleBuilder(FEWEST_PAGES, MOST_PAGES);
  const imported = Object.fromEntries(
    Object.entries(IMPORTS).map(([name, params]) => {
      const signature = { params: Array<'i32'>(params).fill('i32') };
      return [name, module.import(name, WITHOUT_RESULT.has(name) ? signature : { ...signature, result: 'i32' as const })];
    }),
  ) as Record<ImportName, FunctionHandle>;
  const divide128 = module.declare({ params: ['i64', 'i64', 'i64'], result: 'i32' });
  const multiplyHigh = module.declare({ params: ['i64', 'i64'], result: 'i64' });
  const functions: CoreFunctions = {
    ...imported,
    visited: imported.hot,
    helperNumber,
    divide128,
    multiplyHigh,
    ...new ModuleLibrary(module).all(),
  };
  module.define(divide128, defineDivide128);
  module.define(multiplyHigh, defineMultiplyHigh);
  const lookUp = module.declare({ params: [], result: 'i32' });
  module.define(lookUp, (f) => defineLookUp(f, imported));
  const outlined = outline(module, table, functions);
  const run = module.declare({ params: [], result: 'i32' }, 'run');
  module.define(run, (f) => defineRun(f, { module, table, functions, imported, lookUp }));
  module.table(outlined, FIRST_REGION + MAX_REGIONS, 'table');
  return module.finish();
}

// ------------------------------------------------------------------ outlined handlers

/** One function per handler, by handler number; pseudo-handlers and inline ones get an unreachable stand-in. */
function outline(module: ModuleBuilder, table: HandlerTable, functions: CoreFunctions): FunctionHandle[] {
  const signature = { params: ['i32'] as const, result: 'i32' as const };
  const unused = module.declare(signature);
  module.define(unused, (f) => f.unreachable());
  const slots: FunctionHandle[] = Array<FunctionHandle>(FIRST_HANDLER).fill(unused);
  for (const handler of table.handlers) {
    if (isInline(handler)) {
      slots.push(unused);
      continue;
    }
    const handle = module.declare(signature);
    module.define(handle, (f) => defineOutlined(f, handler, functions));
    slots.push(handle);
  }
  return slots;
}

function defineOutlined(f: FunctionBuilder, { shape, semantic }: Handler, functions: CoreFunctions): void {
  const x = new OutlinedEmitter(f, shape, functions);
  if (isHelper(semantic)) return x.helper(semantic.helper);
  semantic(x);
  f.return(i32.const(STATUS_NEXT));
}

// ------------------------------------------------------------------ main function

interface Parts {
  readonly module: ModuleBuilder;
  readonly table: HandlerTable;
  readonly functions: CoreFunctions;
  readonly imported: Record<ImportName, FunctionHandle>;
  readonly lookUp: FunctionHandle;
}

/** An instruction boundary at which the CPU may stop: the slice is over, or somebody asked. */
const sliceOver = (f: FunctionBuilder, loop: Pick<MainLoop, 'count'>): Expr =>
  i32.or(i32.leS(f.get(loop.count), i32.const(0)), i32.ne(i32.load(at(EXIT_REQUEST)), i32.const(0)));

function defineRun(f: FunctionBuilder, parts: Parts): void {
  const pc = f.local('i32');
  const count = f.local('i32');
  const target = f.local('i64');
  const status = f.local('i32');
  f.set(count, i32.load(at(BUDGET)));
  const enter = f.loop();
  const faultAtRip = f.block();
  const fault = f.block();
  f.set(pc, f.callValue(parts.lookUp));
  f.brIf(faultAtRip, i32.eqz(f.get(pc)));
  const next = f.loop();
  f.set(count, i32.sub(f.get(count), i32.const(1)));
  const go = f.block();
  const jump = f.block();
  const loop: MainLoop = { pc, count, target, next, jump, go, fault };
  emitHandlers(f, parts, loop, () => emitOutlinedCall(f, parts, loop, status));
  f.end();
  f.store('i64', at(RIP), f.get(target));
  f.if(sliceOver(f, loop), () => leave(f, loop, RUN_SLICE_ENDED));
  f.br(enter);
  f.end();
  f.store('i64', at(RIP), f.get(target));
  f.br(enter);
  f.end();
  f.end();
  f.store('i64', at(RIP), recordRip(f, pc));
  f.end();
  f.store('i32', at(FAULT_RECORD), f.get(pc));
  f.store('i32', at(BUDGET), f.get(count));
  f.if(f.callValue(parts.imported.deliver), () => f.return(i32.const(RUN_STOPPED)));
  f.set(count, i32.load(at(BUDGET)));
  f.if(sliceOver(f, loop), () => leave(f, loop, RUN_SLICE_ENDED));
  f.br(enter);
  f.end();
  f.unreachable();
}

const recordRip = (f: FunctionBuilder, pc: MainLoop['pc']): Expr =>
  i64.add(i64.load(at(PAGE_RIP)), i64.load16U(f.get(pc), REC_PAGE_OFFSET));

function leave(f: FunctionBuilder, loop: Pick<MainLoop, 'count'>, reason: number): void {
  f.store('i32', at(BUDGET), f.get(loop.count));
  f.return(i32.const(reason));
}

/** The dispatch and all inline handlers; `otherwise` is the body for handlers with a function of their own. */
function emitHandlers(f: FunctionBuilder, parts: Parts, loop: MainLoop, otherwise: () => void): void {
  const bodies = inlineBodies(f, parts, loop);
  const outer = f.block();
  const labels = [...bodies].reverse().map((body) => ({ body, label: f.block() }));
  labels.reverse();
  const size = FIRST_HANDLER + parts.table.handlers.length;
  const byNumber: Label[] = Array<Label>(size).fill(outer);
  for (const { body, label } of labels) byNumber[body.number] = label;
  f.brTable(byNumber, outer, i32.load16U(f.get(loop.pc), REC_HANDLER));
  for (const { body } of labels) {
    f.end();
    body.emit();
    f.releaseTemporaries();
  }
  f.end();
  otherwise();
}

function advance(f: FunctionBuilder, loop: MainLoop): void {
  f.set(loop.pc, i32.add(f.get(loop.pc), i32.const(RECORD_BYTES)));
  f.br(loop.next);
}

interface InlineBody {
  readonly number: number;
  emit(): void;
}

function inlineBodies(f: FunctionBuilder, parts: Parts, loop: MainLoop): InlineBody[] {
  const instructions = parts.table.handlers.filter(isInline).map((handler) => ({
    number: handler.number,
    emit: () => {
      if (!isHelper(handler.semantic)) handler.semantic(new InlineEmitter(f, handler.shape, parts.functions, loop));
      advance(f, loop);
    },
  }));
  return [...instructions, ...pseudoBodies(f, parts, loop)];
}

function pseudoBodies(f: FunctionBuilder, parts: Parts, loop: MainLoop): InlineBody[] {
  const uncount = (): void => f.set(loop.count, i32.add(f.get(loop.count), i32.const(1)));
  const body = (number: number, emit: () => void): InlineBody => ({
    number,
    emit: () => {
      uncount();
      emit();
    },
  });
  const goTo = (rip: Expr): void => {
    f.set(loop.target, rip);
    f.br(loop.go);
  };
  const raise = (vector: number, error: number): void => {
    f.call(parts.functions.raise, i32.const(vector), i32.const(error));
    f.br(loop.fault);
  };
  return [
    body(HANDLER_STALE, () => goTo(recordRip(f, loop.pc))),
    body(HANDLER_CONTINUE, () => emitContinue(f, loop)),
    body(HANDLER_LINK, () => {
      f.set(loop.pc, i32.load(f.get(loop.pc), REC_IMMEDIATE));
      f.br(loop.next);
    }),
    body(HANDLER_STEPPED, () => {
      f.store('i64', at(RIP), recordRip(f, loop.pc));
      leave(f, loop, RUN_STEPPED);
    }),
    body(HANDLER_INVALID, () => raise(UD, -1)),
    body(HANDLER_TOO_LONG, () => raise(13, 0)),
    body(HANDLER_BREAKPOINT, () => {
      f.store('i64', at(RIP), recordRip(f, loop.pc));
      f.if(f.callValue(parts.imported.breakpoint), () => leave(f, loop, RUN_DEBUG));
      advance(f, loop);
    }),
    body(HANDLER_CROSSING, () => emitCrossing(f, parts, loop)),
  ];
}

/** The end of the page is a check point; the end of what was decoded at once is none. */
function emitContinue(f: FunctionBuilder, loop: MainLoop): void {
  f.set(loop.target, i64.add(i64.load(at(PAGE_RIP)), i64.load32U(f.get(loop.pc), REC_IMMEDIATE)));
  f.brIf(loop.jump, i32.geU(i32.load(f.get(loop.pc), REC_IMMEDIATE), i32.const(PAGE_BYTES)));
  f.br(loop.go);
}

function emitCrossing(f: FunctionBuilder, parts: Parts, loop: MainLoop): void {
  const status = f.temporary('i32');
  const entry = f.temporary('i32');
  const next = f.temporary('i64');
  f.set(next, codeLinear(i64.add(i64.load(at(PAGE_RIP)), i64.const(PAGE_BYTES))));
  f.set(entry, tlbEntry(f.get(next)));
  const known = i64.eq(f.get(next), i64.load(f.get(entry), TLB_EXECUTE));
  const slot = i32.add(i32.shl(i32.load(f.get(loop.pc), REC_IMMEDIATE), i32.const(2)), at(CODE_PAGES));
  f.if(i32.and(known, i32.eq(i32.load(f.get(entry), TLB_CODE), slot)), () => advance(f, loop));
  f.store('i32', at(BUDGET), f.get(loop.count));
  f.set(status, f.callValue(parts.imported.crossing, f.get(loop.pc)));
  f.brIf(loop.fault, i32.eq(f.get(status), i32.const(STATUS_FAULT)));
  f.if(f.get(status), () => {
    f.set(loop.target, recordRip(f, loop.pc));
    f.br(loop.go);
  });
  advance(f, loop);
}

function emitOutlinedCall(f: FunctionBuilder, parts: Parts, loop: MainLoop, status: MainLoop['pc']): void {
  f.if(i32.geU(i32.load16U(f.get(loop.pc), REC_HANDLER), i32.const(FIRST_REGION)), () => passByRegion(f, loop));
  f.store('i32', at(BUDGET), f.get(loop.count));
  const type = parts.module.typeIndex({ params: ['i32'], result: 'i32' });
  f.callIndirect(type, [f.get(loop.pc)], i32.load16U(f.get(loop.pc), REC_HANDLER), status);
  f.set(loop.count, i32.load(at(BUDGET)));
  f.if(i32.eqz(f.get(status)), () => advance(f, loop));
  f.if(i32.gtU(f.get(status), i32.const(STATUS_GO)), () => {
    f.set(loop.pc, f.get(status));
    f.br(loop.next);
  });
  f.brIf(loop.fault, i32.eq(f.get(status), i32.const(STATUS_FAULT)));
  f.if(i32.eq(f.get(status), i32.const(STATUS_EXIT)), () => f.return(i32.const(RUN_EXIT)));
  f.set(loop.target, i64.load(at(RIP)));
  f.brIf(loop.go, i32.eq(f.get(status), i32.const(STATUS_GO)));
}

/** Somebody asked for the slice to end: regions do not look for that, so the instruction itself is executed instead of its region. */
function passByRegion(f: FunctionBuilder, loop: MainLoop): void {
  f.if(i32.load(at(EXIT_REQUEST)), () => {
    f.set(loop.count, i32.add(f.get(loop.count), i32.const(1)));
    f.set(loop.pc, i32.load(f.get(loop.pc), REC_IMMEDIATE));
    f.br(loop.next);
  });
}

// ------------------------------------------------------------------ look-up of the next record

/** Linear address of a RIP. */
const codeLinear = (rip: Expr): Expr => i64.and(i64.add(rip, i64.load(at(segment(CS) + SEG_BASE))), i64.load(at(ADDRESS_MASK)));

/** Address of the TLB entry of a linear address. */
function tlbEntry(linear: Expr): Expr {
  const shift = Math.log2(PAGE_BYTES / TLB_ENTRY_BYTES);
  const index = i32.and(i32.shrU(i64.wrap(linear), i32.const(shift)), i32.const((TLB_ENTRIES - 1) * TLB_ENTRY_BYTES));
  return i32.add(i32.load(at(TLB_BASE)), index);
}

/** () -> record of the instruction at RIP, or 0 when a fault is pending. The common case needs no call out. */
function defineLookUp(f: FunctionBuilder, { decodeAt, hot }: Record<ImportName, FunctionHandle>): void {
  const linear = f.local('i64');
  const pageRip = f.local('i64');
  const entry = f.local('i32');
  const found = f.local('i32');
  const slow = f.block();
  f.brIf(slow, i32.load(at(STEPPING)));
  f.set(linear, codeLinear(i64.load(at(RIP))));
  f.set(pageRip, i64.sub(i64.load(at(RIP)), i64.and(f.get(linear), i64.const(PAGE_BYTES - 1))));
  f.brIf(slow, i64.gtU(i64.add(f.get(pageRip), i64.const(PAGE_BYTES - 1)), i64.load(at(CODE_LIMIT))));
  f.set(entry, tlbEntry(f.get(linear)));
  f.brIf(slow, i64.gtU(i64.xor(f.get(linear), i64.load(f.get(entry), TLB_EXECUTE)), i64.const(PAGE_BYTES - 1)));
  f.set(found, i32.load(i32.load(f.get(entry), TLB_CODE)));
  f.brIf(slow, i32.eqz(f.get(found)));
  f.set(found, i32.load(i32.add(f.get(found), i32.shl(i32.load(at(MODE_KEY)), i32.const(2)))));
  f.brIf(slow, i32.eqz(f.get(found)));
  f.store('i64', at(PAGE_RIP), f.get(pageRip));
  f.store('i32', at(CURRENT_TABLE), f.get(found));
  const offset = i32.shl(i32.and(i64.wrap(f.get(linear)), i32.const(PAGE_BYTES - 1)), i32.const(2));
  f.set(found, i32.load(i32.add(f.get(found), offset)));
  f.brIf(slow, i32.eqz(f.get(found)));
  f.if(i32.ltU(i32.load16U(f.get(found), REC_HANDLER), i32.const(FIRST_REGION)), () => countVisit(f, f.get(found), hot));
  f.return(f.get(found));
  f.end();
  f.return(f.callValue(decodeAt));
}

// ------------------------------------------------------------------ wide arithmetic

/** Unsigned (high:low) / divisor by shifting and subtracting; quotient and remainder to SLOW_VALUE; 1 when it does not fit. */
function defineDivide128(f: FunctionBuilder): void {
  const [high, low, divisor] = [f.param(0), f.param(1), f.param(2)];
  const bits = f.local('i32');
  const carried = f.local('i64');
  f.if(i64.leU(f.get(divisor), f.get(high)), () => f.return(i32.const(1)));
  f.if(
    i64.eqz(f.get(high)),
    () => {
      f.store('i64', at(SLOW_VALUE), i64.divU(f.get(low), f.get(divisor)));
      f.store('i64', at(SLOW_VALUE + 8), i64.remU(f.get(low), f.get(divisor)));
    },
    () => {
      f.set(bits, i32.const(64));
      const again = f.loop();
      f.set(carried, i64.shrU(f.get(high), i64.const(63)));
      f.set(high, i64.or(i64.shl(f.get(high), i64.const(1)), i64.shrU(f.get(low), i64.const(63))));
      f.set(low, i64.shl(f.get(low), i64.const(1)));
      f.if(i32.or(i64.ne(f.get(carried), i64.const(0)), i64.geU(f.get(high), f.get(divisor))), () => {
        f.set(high, i64.sub(f.get(high), f.get(divisor)));
        f.set(low, i64.or(f.get(low), i64.const(1)));
      });
      f.set(bits, i32.sub(f.get(bits), i32.const(1)));
      f.brIf(again, f.get(bits));
      f.end();
      f.store('i64', at(SLOW_VALUE), f.get(low));
      f.store('i64', at(SLOW_VALUE + 8), f.get(high));
    },
  );
  f.return(i32.const(0));
}

/** Upper 64 bits of the unsigned product, from four products of halves. */
function defineMultiplyHigh(f: FunctionBuilder): void {
  const mask = i64.const(0xffff_ffff);
  const half = i64.const(32);
  const [a, b] = [f.get(f.param(0)), f.get(f.param(1))];
  const lowA = f.let(i64.and(a, mask));
  const highA = f.let(i64.shrU(a, half));
  const lowB = f.let(i64.and(b, mask));
  const highB = f.let(i64.shrU(b, half));
  const cross = f.let(i64.add(i64.mul(highA, lowB), i64.shrU(i64.mul(lowA, lowB), half)));
  const other = f.let(i64.add(i64.mul(lowA, highB), i64.and(cross, mask)));
  f.return(i64.add(i64.mul(highA, highB), i64.add(i64.shrU(cross, half), i64.shrU(other, half))));
}
