import { APIC_SPACE_BASE } from '@hotsocket/icc-bus';
import type { StateLimits } from '@hotsocket/saved-state';
import { APIC_BASE, DFR, LDR, LVT, LVT_ENTRIES, LVT_EXTINT_UNMASKED, LVT_LAYOUT, SVR } from './spec.js';
import { emptySet, type VectorSet } from './vector-set.js';

export const KIND = 'apic';
export const VERSION = 1;

/** The timer; ticks are counted before the divider, from power-on. */
export interface ApicTimerState {
  divide: number;
  initialCount: number;
  running: boolean;
  /** The tick at which the counter held `loadedCount`. */
  startTick: number;
  loadedCount: number;
  tscDeadlineHigh: number;
  tscDeadlineLow: number;
}

export interface LocalApicState {
  id: number;
  /** IA32_APIC_BASE. */
  baseHigh: number;
  baseLow: number;
  tpr: number;
  ldr: number;
  dfr: number;
  svr: number;
  isr: VectorSet;
  tmr: VectorSet;
  irr: VectorSet;
  /** What the guest reads, and what has been detected since it last wrote. */
  esr: number;
  errors: number;
  icrLow: number;
  icrHigh: number;
  lvt: number[];
  timer: ApicTimerState;
  waitsForSipi: boolean;
  /** An ExtINT message waits for the CPU. */
  extIntLatched: boolean;
  /** Levels of LINT0 (bit 0) and LINT1 (bit 1). */
  lintInputs: number;
}

const WORD = 0xffff_ffff;
export const LIMITS: StateLimits = {
  id: 0xff,
  baseHigh: WORD,
  baseLow: WORD,
  tpr: 0xff,
  ldr: WORD,
  dfr: WORD,
  svr: 0x3ff,
  isr: WORD,
  tmr: WORD,
  irr: WORD,
  esr: 0xff,
  errors: 0xff,
  icrLow: WORD,
  icrHigh: WORD,
  lvt: 0x7_ffff,
  divide: 0xf,
  initialCount: WORD,
  loadedCount: WORD,
  tscDeadlineHigh: WORD,
  tscDeadlineLow: WORD,
  lintInputs: 3,
};

export const initialTimerState = (): ApicTimerState => ({
  divide: 0,
  initialCount: 0,
  running: false,
  startTick: 0,
  loadedCount: 0,
  tscDeadlineHigh: 0,
  tscDeadlineLow: 0,
});

/** What INIT and switching off by the base MSR bring back: all but the id, the base MSR and the wires. */
export const initialRegisters = (bootstrap: boolean): Omit<LocalApicState, 'baseHigh' | 'baseLow' | 'id' | 'lintInputs'> => ({
  tpr: 0,
  ldr: LDR.resetValue,
  dfr: DFR.resetValue,
  svr: SVR.resetValue,
  isr: emptySet(),
  tmr: emptySet(),
  irr: emptySet(),
  esr: 0,
  errors: 0,
  icrLow: 0,
  icrHigh: 0,
  lvt: Array.from({ length: LVT_ENTRIES }, (_, entry) => LVT_LAYOUT[entry]!.resetValue),
  timer: initialTimerState(),
  waitsForSipi: !bootstrap,
  extIntLatched: false,
});

/** Power-on: the bootstrap processor takes the 8259's interrupts, the others wait for a startup message. */
export function initialState(options: { readonly id: number; readonly bootstrap: boolean }): LocalApicState {
  const state = { ...initialRegisters(options.bootstrap), id: options.id, baseHigh: 0, baseLow: baseOf(options.bootstrap), lintInputs: 0 };
  if (options.bootstrap) state.lvt[LVT.LINT0] = LVT_EXTINT_UNMASKED;
  return state;
}

const baseOf = (bootstrap: boolean): number => APIC_BASE.BSP.put(APIC_BASE.ENABLE.put(APIC_SPACE_BASE, 1), bootstrap);
