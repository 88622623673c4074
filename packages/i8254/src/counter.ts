// One counter of the 8254: pure functions of its state and of the tick count of its input clock. Section names are those of the datasheet.
import { type CounterState, PHASE } from './saved-state.js';
import { BCD_COUNTS, BINARY_COUNTS, CONTROL_WORD, RW, STATUS } from './spec.js';

/** Modes 6 and 7 are 2 and 3: the datasheet's don't-care bit. */
export function modeOf(counter: CounterState): number {
  const mode = CONTROL_WORD.MODE.get(counter.control);
  return mode > 5 ? mode - 4 : mode;
}

export const isPeriodic = (counter: CounterState): boolean => modeOf(counter) === 2 || modeOf(counter) === 3;

const isTriggered = (counter: CounterState): boolean => modeOf(counter) === 1 || modeOf(counter) === 5;

/** Ticks of one round of the counting element. */
const roundOf = (counter: CounterState): number => (CONTROL_WORD.BCD.test(counter.control) ? BCD_COUNTS : BINARY_COUNTS);

/** How many ticks OUT is high in a period of mode 3: half, rounded up. */
const highTicks = (counter: CounterState): number => Math.ceil(counter.count / 2);

const elapsed = (counter: CounterState, tick: number): number => tick - counter.loadTick;

// Mode 3 counts down in twos: from an odd count less one, from an even count itself.

function squareWaveValue(counter: CounterState, tick: number): number {
  const { count } = counter;
  const at = elapsed(counter, tick) % count;
  const inHalf = at < highTicks(counter) ? at : at - highTicks(counter);
  return (count % 2 === 0 ? count : count - 1) - 2 * inHalf;
}

/** The counting element, 0 to 65535, or 0 to 9999 when it counts in BCD. */
export function valueAt(counter: CounterState, tick: number): number {
  const round = roundOf(counter);
  return (((rawValue(counter, tick) % round) + round) % round) % BINARY_COUNTS;
}

function rawValue(counter: CounterState, tick: number): number {
  const { phase, count, heldValue, pausedElapsed } = counter;
  if (phase === PHASE.PAUSED && !isPeriodic(counter)) return count - pausedElapsed;
  if (phase !== PHASE.RUNNING || tick < counter.loadTick) return heldValue;
  if (modeOf(counter) === 3) return squareWaveValue(counter, tick);
  return count - (modeOf(counter) === 2 ? elapsed(counter, tick) % count : elapsed(counter, tick));
}

/** The OUT pin. */
export function outAt(counter: CounterState, tick: number): boolean {
  const { phase, heldOut, pausedElapsed } = counter;
  if (phase === PHASE.PAUSED) return isPeriodic(counter) || outAfter(counter, pausedElapsed);
  if (phase !== PHASE.RUNNING || tick < counter.loadTick) return heldOut;
  return outAfter(counter, elapsed(counter, tick));
}

function outAfter(counter: CounterState, ticks: number): boolean {
  const { count } = counter;
  switch (modeOf(counter)) {
    case 0:
    case 1:
      return ticks >= count;
    case 2:
      return ticks % count !== count - 1;
    case 3:
      return ticks % count < highTicks(counter);
    default:
      return ticks !== count;
  }
}

/** The tick, not after `tick`, at which OUT last rose in the present run; minus infinity when it did not. */
export function lastRise(counter: CounterState, tick: number): number {
  const rise = lastRiseOfRun(counter, tick);
  const switched = counter.riseTick === 0 ? Number.NEGATIVE_INFINITY : counter.riseTick;
  return Math.max(switched, rise > tick ? Number.NEGATIVE_INFINITY : rise);
}

function lastRiseOfRun(counter: CounterState, tick: number): number {
  const { phase, loadTick, count } = counter;
  if (phase !== PHASE.RUNNING) return Number.NEGATIVE_INFINITY;
  if (!isPeriodic(counter)) return loadTick + count + (modeOf(counter) > 3 ? 1 : 0);
  const periods = Math.floor(elapsed(counter, tick) / count);
  return periods > 0 ? loadTick + periods * count : Number.NEGATIVE_INFINITY;
}

/** The first tick after `tick` at which a wire on OUT must change; mode 2 rises at each reload, and its short low is not counted. */
export function nextChange(counter: CounterState, tick: number): number {
  const { phase, loadTick, count } = counter;
  if (phase !== PHASE.RUNNING) return Number.POSITIVE_INFINITY;
  if (isPeriodic(counter)) return nextOfPeriod(counter, tick);
  const ends = loadTick + count;
  const changes = [[ends], [loadTick, ends], [], [], [ends, ends + 1], [ends, ends + 1]][modeOf(counter)];
  return changes?.find((change) => change > tick) ?? Number.POSITIVE_INFINITY;
}

function nextOfPeriod(counter: CounterState, tick: number): number {
  const { loadTick, count } = counter;
  const start = loadTick + Math.max(0, Math.floor(elapsed(counter, tick) / count)) * count;
  const falls = start + highTicks(counter);
  return modeOf(counter) === 3 && tick < falls ? falls : start + count;
}

/** Loads a count that has waited for the end of a period ('Mode 2', 'Mode 3': new count while counting). */
export function settle(counter: CounterState, tick: number): void {
  if (!counter.switches || tick < counter.switchTick) return;
  const startsLow = modeOf(counter) === 3 && (counter.switchTick - counter.loadTick) % counter.count !== 0;
  counter.switches = false;
  counter.count = initialCount(counter);
  counter.loadTick = counter.switchTick - (startsLow ? highTicks(counter) : 0);
  if (!startsLow) counter.riseTick = counter.switchTick;
}

/** A control word: stops the counter and sets OUT to the initial level of its mode. */
export function writeControl(counter: CounterState, control: number, tick: number): void {
  counter.heldValue = valueAt(counter, tick);
  counter.control = control;
  counter.heldOut = modeOf(counter) !== 0;
  counter.phase = PHASE.IDLE;
  counter.reloadWaits = true;
  counter.switches = false;
  counter.riseTick = 0;
  counter.loadTick = 0;
  counter.pausedElapsed = 0;
  counter.writesHigh = false;
  counter.readsHigh = false;
  counter.latched = false;
  counter.statusLatched = false;
}

/** A byte of the count. In mode 0 the first of two bytes stops the counter and lowers OUT. */
export function writeCount(counter: CounterState, byte: number, tick: number): void {
  const access = CONTROL_WORD.RW.get(counter.control);
  if (access === RW.LSB) return newCount(counter, byte, tick);
  if (access === RW.MSB) return newCount(counter, byte << 8, tick);
  if (counter.writesHigh) {
    counter.writesHigh = false;
    return newCount(counter, (byte << 8) | counter.writtenLow, tick);
  }
  counter.writesHigh = true;
  counter.writtenLow = byte;
  if (modeOf(counter) === 0) hold(counter, tick, false);
}

function newCount(counter: CounterState, reload: number, tick: number): void {
  counter.reload = reload;
  counter.reloadWaits = true;
  if (isTriggered(counter)) return;
  if (!isPeriodic(counter) || counter.phase === PHASE.IDLE) load(counter, tick);
  else if (counter.phase === PHASE.RUNNING) switchAtEnd(counter, tick);
}

/** The counting element takes the count at the next clock. While GATE is low it then stands. */
function load(counter: CounterState, tick: number): void {
  hold(counter, tick, modeOf(counter) === 0 ? false : modeOf(counter) === 1 ? outAt(counter, tick) : true);
  counter.count = initialCount(counter);
  counter.reloadWaits = false;
  counter.switches = false;
  counter.riseTick = 0;
  counter.loadTick = tick + 1;
  counter.pausedElapsed = 0;
  counter.phase = counter.gate || isTriggered(counter) ? PHASE.RUNNING : PHASE.PAUSED;
  if (counter.phase === PHASE.PAUSED) counter.heldValue = counter.count;
}

function switchAtEnd(counter: CounterState, tick: number): void {
  if (tick < counter.loadTick) return load(counter, tick);
  const { loadTick, count } = counter;
  const at = elapsed(counter, tick) % count;
  const ends = modeOf(counter) === 3 && at < highTicks(counter) ? highTicks(counter) : count;
  counter.reloadWaits = false;
  counter.switches = true;
  counter.switchTick = loadTick + elapsed(counter, tick) - at + ends;
}

function hold(counter: CounterState, tick: number, out: boolean): void {
  counter.heldValue = valueAt(counter, tick);
  counter.heldOut = out;
  counter.phase = PHASE.IDLE;
}

/** A change of the GATE pin ('Gate Pin Operations Summary'). */
export function setGate(counter: CounterState, gate: boolean, tick: number): void {
  if (gate === counter.gate) return;
  counter.gate = gate;
  if (isTriggered(counter)) return gate ? load(counter, tick) : undefined;
  if (gate) resume(counter, tick);
  else pause(counter, tick);
}

function pause(counter: CounterState, tick: number): void {
  if (counter.phase !== PHASE.RUNNING) return;
  counter.heldValue = valueAt(counter, tick);
  counter.pausedElapsed = Math.max(0, elapsed(counter, tick));
  counter.phase = PHASE.PAUSED;
}

/** Modes 0 and 4 count on; the rising edge makes modes 2 and 3 load and start a period. */
function resume(counter: CounterState, tick: number): void {
  if (counter.phase !== PHASE.PAUSED) return;
  if (isPeriodic(counter)) return load(counter, tick);
  counter.phase = PHASE.RUNNING;
  counter.loadTick = tick - counter.pausedElapsed;
}

/** Counter latch: a second one before the first was read is ignored. */
export function latchCount(counter: CounterState, tick: number): void {
  if (counter.latched) return;
  counter.latched = true;
  counter.latchedCount = encoded(counter, tick);
}

/** Status latch of the read-back command. */
export function latchStatus(counter: CounterState, tick: number): void {
  if (counter.statusLatched) return;
  const flags = STATUS.OUTPUT.put(STATUS.NULL_COUNT.put(0, isNull(counter, tick)), outAt(counter, tick));
  counter.statusLatched = true;
  counter.latchedStatus = STATUS.CONTROL.put(flags, counter.control);
}

/** Null count: the count register has not reached the counting element yet. */
const isNull = (counter: CounterState, tick: number): boolean =>
  counter.reloadWaits || counter.switches || (counter.phase === PHASE.RUNNING && tick < counter.loadTick);

/** A byte of the counter port: latched status first, then the latched count, else the counting element itself. */
export function readByte(counter: CounterState, tick: number): number {
  if (counter.statusLatched) {
    counter.statusLatched = false;
    return counter.latchedStatus;
  }
  const count = counter.latched ? counter.latchedCount : encoded(counter, tick);
  const access = CONTROL_WORD.RW.get(counter.control);
  const high = access === RW.MSB || (access === RW.WORD && counter.readsHigh);
  counter.readsHigh = access === RW.WORD && !high;
  if (!counter.readsHigh) counter.latched = false;
  return (high ? count >>> 8 : count) & 0xff;
}

const encoded = (counter: CounterState, tick: number): number => {
  const value = valueAt(counter, tick);
  return CONTROL_WORD.BCD.test(counter.control) ? toBcd(value) : value;
};

/** The initial count that the count register stands for: 0 is a whole round; 1, illegal in modes 2 and 3, is taken as 2. */
export function initialCount(counter: CounterState): number {
  const count = (CONTROL_WORD.BCD.test(counter.control) ? fromBcd(counter.reload) : counter.reload) || roundOf(counter);
  return isPeriodic(counter) ? Math.max(2, count) : count;
}

const toBcd = (value: number): number =>
  (value % 10) | ((Math.floor(value / 10) % 10) << 4) | ((Math.floor(value / 100) % 10) << 8) | ((Math.floor(value / 1000) % 10) << 12);

/** Digits above nine count as they stand, so the sum may pass 9999. */
const fromBcd = (value: number): number => (value & 0xf) + ((value >>> 4) & 0xf) * 10 + ((value >>> 8) & 0xf) * 100 + (value >>> 12) * 1000;
