import type { StateLimits } from '@hotsocket/saved-state';
import { BINARY_COUNTS, CONTROL_AFTER_RESET, COUNTERS } from './spec.js';

export const KIND = 'isa-pit';
export const PORT_B_KIND = 'isa-pcspk';
export const VERSION = 1;

/** What a counting element does. */
export const PHASE = {
  /** Waits for a count (after a control word) or for its first trigger (modes 1 and 5). */
  IDLE: 0,
  /** Counts since `loadTick`. */
  RUNNING: 1,
  /** GATE is low (modes 0, 2, 3 and 4). */
  PAUSED: 2,
} as const;

/** One counter. Ticks are those of the input clock since power-on. */
export interface CounterState {
  /** Bits 5:0 of the control word, as written. */
  control: number;
  gate: boolean;
  phase: number;
  /** The count register, as written. */
  reload: number;
  /** It holds a count (or a control word came) that no load has been scheduled for. */
  reloadWaits: boolean;
  /** The initial count that is being counted: 1 to 65536. */
  count: number;
  /** The tick at which the counting element held `count`; may lie one tick ahead. */
  loadTick: number;
  /** A new count of modes 2 and 3 is loaded at `switchTick`. */
  switches: boolean;
  switchTick: number;
  /** The tick of the last rise of OUT that a switch of counts brought; 0 when none. */
  riseTick: number;
  /** Counting element and OUT while they do not follow from `loadTick`. */
  heldValue: number;
  heldOut: boolean;
  /** Ticks counted when a pause began. */
  pausedElapsed: number;
  /** The next byte written, or read, is the most significant one. */
  writesHigh: boolean;
  readsHigh: boolean;
  writtenLow: number;
  latched: boolean;
  latchedCount: number;
  statusLatched: boolean;
  latchedStatus: number;
}

export interface I8254State {
  counters: CounterState[];
  /** The tick up to which OUT0's wire shows what the counter did. */
  out0Tick: number;
}

const SIGNED = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const;
export const LIMITS: StateLimits = {
  control: 0x3f,
  phase: PHASE.PAUSED,
  reload: 0xffff,
  count: [1, BINARY_COUNTS],
  loadTick: SIGNED,
  heldValue: BINARY_COUNTS,
  writtenLow: 0xff,
  latchedCount: 0xffff,
  latchedStatus: 0xff,
};

/** The longest period in mode 3, from `tick`, unless the gate is low. */
export const initialCounter = (tick: number, gate: boolean): CounterState => ({
  control: CONTROL_AFTER_RESET,
  gate,
  phase: gate ? PHASE.RUNNING : PHASE.PAUSED,
  reload: 0,
  reloadWaits: false,
  count: BINARY_COUNTS,
  loadTick: tick,
  switches: false,
  switchTick: 0,
  riseTick: 0,
  heldValue: 0,
  heldOut: true,
  pausedElapsed: 0,
  writesHigh: false,
  readsHigh: false,
  writtenLow: 0,
  latched: false,
  latchedCount: 0,
  statusLatched: false,
  latchedStatus: 0,
});

/** Counters 0 and 1 have their gates tied high; counter 2's is port 61h bit 0. */
export const initialState = (tick: number): I8254State => ({
  counters: Array.from({ length: COUNTERS }, (_, index) => initialCounter(tick, index !== 2)),
  out0Tick: tick,
});
