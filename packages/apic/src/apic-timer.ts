import type { Crystal, Timer, VirtualClock } from '@hotsocket/virtual-clock';
import { type ApicTimerState, initialTimerState } from './saved-state.js';
import { DIVIDE, DIVIDERS, TIMER_MODE } from './spec.js';

/** Periods shorter than this are delivered at this distance, so that a guest cannot keep the host busy with them. */
export const SHORTEST_PERIOD_NS = 10_000;
const NS_PER_S = 1_000_000_000;
const TWO_32 = 0x1_0000_0000;

/** Clocks of a timer and what it does when it expires. */
export interface ApicTimerOptions {
  readonly label: string;
  /** Input clock before the divider. */
  readonly input: Crystal;
  readonly tscClock: Crystal;
  /** The CPU's time-stamp counter, when it differs from one that counts from power-on. */
  readonly tsc: () => number | undefined;
  readonly expired: () => void;
}

/** The local APIC's timer: one-shot, periodic and TSC-deadline ('APIC Timer'). The count is computed from the clock when it is read. */
export class ApicTimer {
  readonly #clock: VirtualClock;
  readonly #options: ApicTimerOptions;
  readonly #alarm: Timer;
  #mode: number = TIMER_MODE.ONE_SHOT;
  #masked = true;
  #state: ApicTimerState = initialTimerState();

  constructor(clock: VirtualClock, options: ApicTimerOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#alarm = clock.timer(options.label, () => this.#expire());
  }

  /** A copy of the state. */
  state(): ApicTimerState {
    return { ...this.#state };
  }

  /** Takes a state and the fields of the LVT timer entry, and arms accordingly. A countdown from 0 does not run. */
  load(state: ApicTimerState, mode: number, masked: boolean): void {
    this.#alarm.disarm();
    this.#state = { ...state, running: state.running && state.initialCount > 0 && state.loadedCount > 0 };
    this.#mode = definedMode(mode);
    this.#masked = masked;
    this.#arm();
  }

  dispose(): void {
    this.#clock.remove(this.#alarm);
  }

  get divide(): number {
    return this.#state.divide;
  }

  get initialCount(): number {
    return this.#state.initialCount;
  }

  get currentCount(): number {
    const { running, loadedCount, initialCount } = this.#state;
    if (!running || this.#mode === TIMER_MODE.TSC_DEADLINE) return 0;
    const elapsed = this.#elapsedCounts();
    if (elapsed < loadedCount) return loadedCount - elapsed;
    return this.#mode === TIMER_MODE.PERIODIC ? initialCount - ((elapsed - loadedCount) % initialCount) : 0;
  }

  /** The fields of the LVT timer entry. Going into or out of TSC-deadline mode stops the timer. */
  configure(mode: number, masked: boolean): void {
    this.#settle();
    const wasDeadline = this.#mode === TIMER_MODE.TSC_DEADLINE;
    if (wasDeadline !== (mode === TIMER_MODE.TSC_DEADLINE)) this.#stop();
    this.#mode = definedMode(mode);
    this.#masked = masked;
    this.#arm();
  }

  /** Starts the countdown; 0 stops it. Ignored in TSC-deadline mode. */
  writeInitialCount(value: number): void {
    if (this.#mode === TIMER_MODE.TSC_DEADLINE) return;
    this.#settle();
    const state = this.#state;
    state.initialCount = value;
    state.loadedCount = value;
    state.running = value !== 0;
    state.startTick = this.#tick();
    this.#arm();
  }

  /** A running countdown goes on from its present value at the new rate. */
  writeDivide(value: number): void {
    this.#settle();
    const state = this.#state;
    state.loadedCount = this.currentCount;
    state.startTick = this.#tick();
    state.divide = DIVIDE.write(0, value);
    this.#arm();
  }

  /** IA32_TSC_DEADLINE; 0 in the other modes. */
  get tscDeadline(): { readonly high: number; readonly low: number } {
    return { high: this.#state.tscDeadlineHigh, low: this.#state.tscDeadlineLow };
  }

  /** Ignored in the other modes; 0 disarms, a deadline that has passed interrupts at once. */
  writeTscDeadline(high: number, low: number): void {
    if (this.#mode !== TIMER_MODE.TSC_DEADLINE) return;
    this.#settle();
    this.#state.tscDeadlineHigh = high >>> 0;
    this.#state.tscDeadlineLow = low >>> 0;
    this.#arm();
    this.#settle();
  }

  /** The CPU's time-stamp counter jumped. */
  tscChanged(): void {
    if (this.#mode === TIMER_MODE.TSC_DEADLINE) this.#arm();
  }

  // Timers

  #expire(): void {
    if (this.#mode === TIMER_MODE.TSC_DEADLINE) return this.#expireDeadline();
    this.#advance();
    if (this.#mode === TIMER_MODE.ONE_SHOT) this.#state.running = false;
    this.#options.expired();
    this.#arm(SHORTEST_PERIOD_NS);
  }

  #expireDeadline(): void {
    if (this.#tsc() < this.#deadline()) return this.#arm(1);
    this.#stop();
    this.#options.expired();
  }

  /** Delivers an expiry that is due but was not yet noticed, and counts whole periods that have passed. */
  #settle(): void {
    if (this.#alarm.deadlineNs <= this.#clock.now()) {
      this.#alarm.disarm();
      this.#expire();
    }
    this.#advance();
    if (this.#mode === TIMER_MODE.ONE_SHOT && this.currentCount === 0) this.#state.running = false;
  }

  #advance(): void {
    const state = this.#state;
    const elapsed = this.#elapsedCounts();
    if (this.#mode !== TIMER_MODE.PERIODIC || !state.running || elapsed < state.loadedCount) return;
    const reloads = Math.floor((elapsed - state.loadedCount) / state.initialCount);
    state.startTick += (state.loadedCount + reloads * state.initialCount) * this.#divider();
    state.loadedCount = state.initialCount;
  }

  /** A masked timer counts but needs no alarm. */
  #arm(atLeastNs = 0): void {
    this.#alarm.disarm();
    if (this.#masked) return;
    const dueNs = this.#mode === TIMER_MODE.TSC_DEADLINE ? this.#deadlineNs() : this.#countdownNs();
    if (Number.isSafeInteger(dueNs)) this.#alarm.arm(Math.max(dueNs, this.#clock.now() + atLeastNs));
  }

  #countdownNs(): number {
    const { running, startTick, loadedCount } = this.#state;
    return running ? this.#options.input.nsAt(startTick + loadedCount * this.#divider()) : Number.POSITIVE_INFINITY;
  }

  #deadlineNs(): number {
    const deadline = this.#deadline();
    if (deadline === 0) return Number.POSITIVE_INFINITY;
    return this.#clock.now() + Math.max(0, Math.ceil(((deadline - this.#tsc()) / this.#options.tscClock.hz) * NS_PER_S));
  }

  // Private functions

  #stop(): void {
    this.#state.running = false;
    this.#state.tscDeadlineHigh = 0;
    this.#state.tscDeadlineLow = 0;
  }

  #tick(): number {
    return this.#options.input.ticksAt(this.#clock.now());
  }

  #divider(): number {
    const { divide } = this.#state;
    return DIVIDERS[(DIVIDE.HIGH.get(divide) << 2) | DIVIDE.LOW.get(divide)] ?? 1;
  }

  #elapsedCounts(): number {
    return Math.max(0, Math.floor((this.#tick() - this.#state.startTick) / this.#divider()));
  }

  #tsc(): number {
    return this.#options.tsc() ?? this.#options.tscClock.ticksAt(this.#clock.now());
  }

  /** Exact below 2^53; beyond that it is so far away that it does not matter. */
  #deadline(): number {
    return this.#state.tscDeadlineHigh * TWO_32 + this.#state.tscDeadlineLow;
  }
}

/** The reserved mode counts down once. */
const definedMode = (mode: number): number => (mode > TIMER_MODE.TSC_DEADLINE ? TIMER_MODE.ONE_SHOT : mode);
