// The PC's interval timer. Counter 1 counts but refreshes nothing; port 61h shows its toggle.
import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { Crystal, type Timer, type VirtualClock } from '@hotsocket/virtual-clock';
import {
  isPeriodic,
  lastRise,
  latchCount,
  latchStatus,
  modeOf,
  nextChange,
  outAt,
  readByte,
  setGate,
  settle,
  writeControl,
  writeCount,
} from './counter.js';
import { type CounterState, type I8254State, initialState, KIND, LIMITS, PHASE, VERSION } from './saved-state.js';
import { CONTROL_PORT, CONTROL_WORD, COUNTERS, PIT_HZ, PORTS, READ_BACK, RW, SC_READ_BACK } from './spec.js';
import { I8254_TRACE_POINTS } from './trace-points.js';

const CRYSTAL = new Crystal(PIT_HZ);
/** Periods of OUT0 shorter than this come at this distance, so that a guest cannot keep the host busy with them. */
export const SHORTEST_PERIOD_NS = 10_000;

export interface I8254Services {
  readonly clock: VirtualClock;
  readonly trace?: Trace;
}

/** The three counters. Map `io` at port 40h and connect `out0` to interrupt 0. */
export class I8254 implements Device {
  readonly typeName: string = KIND;
  readonly #clock: VirtualClock;
  readonly #trace: Points<typeof I8254_TRACE_POINTS>;
  readonly #alarm: Timer;
  /** OUT of counter 0. In mode 2 the low of one tick is shown as a pulse at its end. */
  readonly out0: IrqLine = new IrqLine('i8254.out0');
  /** Counters 0 to 2 and the control word; bytes only. */
  readonly io: Mmio;
  #state: I8254State;

  constructor(services: I8254Services) {
    this.#clock = services.clock;
    this.#trace = (services.trace ?? new Trace()).points(I8254_TRACE_POINTS);
    this.#alarm = services.clock.timer('i8254.out0', () => this.#showOut0(SHORTEST_PERIOD_NS));
    this.io = mmio('i8254', PORTS, {
      maxSize: 1,
      read: (offset) => this.#read(offset),
      write: (offset, _size, value) => this.#write(offset, value),
    });
    this.#state = initialState(this.tick());
    this.#showOut0();
  }

  /** All counters run their longest period in mode 3; counter 2 waits for its gate. */
  reset(): void {
    this.#state = initialState(this.tick());
    this.#showOut0();
  }

  /** Ticks of the 1.193182 MHz input since power-on. */
  tick(): number {
    return CRYSTAL.ticksAt(this.#clock.now());
  }

  /** The GATE pin of counter 2. */
  setGate2(gate: boolean): void {
    const tick = this.tick();
    const counter = this.#counter(2, tick);
    setGate(counter, gate, tick);
  }

  /** The OUT pin of a counter, 0 to 2. */
  out(counter: number): boolean {
    const tick = this.tick();
    return outAt(this.#counter(counter, tick), tick);
  }

  /** The period of counter 2's square wave in nanoseconds, or 0 while it makes none: for sound. */
  get tonePeriodNs(): number {
    const counter = this.#counter(2, this.tick());
    const sounds = counter.phase === PHASE.RUNNING && modeOf(counter) === 3;
    return sounds ? CRYSTAL.nsAt(counter.count) : 0;
  }

  // Register reads

  /** The control word cannot be read; the data lines float. */
  #read(offset: number): number {
    const tick = this.tick();
    const value = offset < COUNTERS ? readByte(this.#counter(offset, tick), tick) : 0xff;
    if (this.#trace.pit_read.on) this.#trace.pit_read.emit(offset, value);
    return value;
  }

  // Register writes

  #write(offset: number, value: number): void {
    if (this.#trace.pit_write.on) this.#trace.pit_write.emit(offset, value);
    this.#showOut0();
    const tick = this.tick();
    if (offset >= CONTROL_PORT) this.#writeControl(value, tick);
    else writeCount(this.#counter(offset, tick), value, tick);
    this.#showOut0();
  }

  #writeControl(value: number, tick: number): void {
    const select = CONTROL_WORD.SC.get(value);
    if (select === SC_READ_BACK) return this.#readBack(value, tick);
    const counter = this.#counter(select, tick);
    if (CONTROL_WORD.RW.get(value) === RW.LATCH) latchCount(counter, tick);
    else writeControl(counter, value & 0x3f, tick);
  }

  #readBack(value: number, tick: number): void {
    const selected = READ_BACK.CNT.get(value);
    for (let index = 0; index < COUNTERS; index++) {
      if ((selected & (1 << index)) === 0) continue;
      const counter = this.#counter(index, tick);
      if (!READ_BACK.COUNT.test(value)) latchCount(counter, tick);
      if (!READ_BACK.STATUS.test(value)) latchStatus(counter, tick);
    }
  }

  // Timers

  /** Brings OUT0's wire up to date: rises since the last time become one edge. Then waits for the next change. */
  #showOut0(atLeastNs = 0): void {
    const tick = this.tick();
    const counter = this.#counter(0, tick);
    const rose = lastRise(counter, tick) > this.#state.out0Tick;
    if (rose) this.out0.lower();
    if (rose) this.out0.raise();
    this.out0.set(outAt(counter, tick));
    this.#state.out0Tick = tick;
    if (this.#trace.pit_out0.on) this.#trace.pit_out0.emit(Number(this.out0.high), Number(rose));
    this.#arm(counter, tick, atLeastNs);
  }

  #arm(counter: CounterState, tick: number, atLeastNs: number): void {
    const change = nextChange(counter, tick);
    if (change === Number.POSITIVE_INFINITY) return this.#alarm.disarm();
    const earliestNs = isPeriodic(counter) ? this.#clock.now() + atLeastNs : 0;
    this.#alarm.arm(Math.max(CRYSTAL.nsAt(change), earliestNs));
  }

  // Save and restore

  save(): SavedState {
    return savedState(KIND, VERSION, this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = restoreLike(saved, KIND, VERSION, initialState(0), LIMITS);
    this.#showOut0();
  }

  // Private functions

  #counter(index: number, tick: number): CounterState {
    const counter = this.#state.counters[index];
    if (!counter) throw new RangeError(`i8254: no counter ${index}`);
    settle(counter, tick);
    return counter;
  }
}
