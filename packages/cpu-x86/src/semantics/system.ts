import { type Expr, i32 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { CPL, EFLAGS, EVENTS, SHADOW } from '../layout.js';
import { FLAG_IF, SHADOW_RIP } from '../system/state.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';

const word = (address: number): Expr => i32.load(i32.const(address));
const setWord = (x: Emitter, address: number, value: Expr): void => x.f.store('i32', i32.const(address), value);

/** CLI at privilege 0, where IOPL does not matter. */
const clearInterruptFlag: Semantic = (x) => {
  x.helperWhere(word(CPL), 'clearInterruptFlag');
  setWord(x, EFLAGS, i32.and(word(EFLAGS), i32.const(~FLAG_IF)));
};

/** STI at privilege 0 while no event waits: interrupts are held off for one more instruction when IF was 0. */
const setInterruptFlag: Semantic = (x) => {
  x.helperWhere(i32.or(word(CPL), word(EVENTS)), 'setInterruptFlag');
  x.f.if(i32.eqz(i32.and(word(EFLAGS), i32.const(FLAG_IF))), () => {
    setWord(x, EFLAGS, i32.or(word(EFLAGS), i32.const(FLAG_IF)));
    setWord(x, SHADOW, i32.const(1));
    x.f.store('i64', i32.const(SHADOW_RIP), x.nextRip());
  });
};

/** Most are performed by TypeScript helpers: `system/` holds them, by these names. */
export const SYSTEM: SemanticTable = {
  DAA: helper('decimalAdjustAdd'),
  DAS: helper('decimalAdjustSubtract'),
  AAA: helper('asciiAdjustAdd'),
  AAS: helper('asciiAdjustSubtract'),
  AAM: helper('asciiAdjustMultiply'),
  AAD: helper('asciiAdjustDivide'),
  CLI: clearInterruptFlag,
  STI: setInterruptFlag,
  HLT: helper('halt'),
  PAUSE: helper('pause'),
  IN: helper('inputPort'),
  OUT: helper('outputPort'),
  LES: helper('loadFarPointer'),
  LDS: helper('loadFarPointer'),
  LSS: helper('loadFarPointer'),
  LFS: helper('loadFarPointer'),
  LGS: helper('loadFarPointer'),
  SLDT: helper('storeLdt'),
  STR: helper('storeTaskRegister'),
  LLDT: helper('loadLdt'),
  LTR: helper('loadTaskRegister'),
  VERR: helper('verifyRead'),
  VERW: helper('verifyWrite'),
  SGDT: helper('storeGdt'),
  SIDT: helper('storeIdt'),
  LGDT: helper('loadGdt'),
  LIDT: helper('loadIdt'),
  SMSW: helper('storeMachineStatus'),
  LMSW: helper('loadMachineStatus'),
  INVLPG: helper('invalidatePage'),
  INVPCID: helper('invalidatePcid'),
  LAR: helper('loadAccessRights'),
  LSL: helper('loadSegmentLimit'),
  ARPL: helper('adjustRpl'),
  CLTS: helper('clearTaskSwitched'),
  INVD: helper('invalidateCaches'),
  WBINVD: helper('invalidateCaches'),
  WRMSR: helper('writeMsr'),
  RDMSR: helper('readMsr'),
  RDTSC: helper('readTsc'),
  RDTSCP: helper('readTscp'),
  RDPMC: helper('readPmc'),
  RDPID: helper('readPid'),
  CPUID: helper('cpuid'),
  SWAPGS: helper('swapGs'),
  RDFSBASE: helper('readSegmentBase'),
  RDGSBASE: helper('readSegmentBase'),
  WRFSBASE: helper('writeSegmentBase'),
  WRGSBASE: helper('writeSegmentBase'),
  CLAC: helper('clearAlignmentCheck'),
  STAC: helper('setAlignmentCheck'),
  XGETBV: helper('readXcr'),
  XSETBV: helper('writeXcr'),
  MONITOR: helper('monitor'),
  MWAIT: helper('halt'),
  CLFLUSH: helper('flushLine'),
  CLFLUSHOPT: helper('flushLine'),
  CLWB: helper('flushLine'),
  RDRAND: helper('random'),
  RDSEED: helper('random'),
};
