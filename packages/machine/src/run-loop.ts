import type { Executor, X86Cpu } from '@hotsocket/cpu-x86';
import type { VirtualClock } from '@hotsocket/virtual-clock';
import type { GuestTime } from './guest-time.js';
import type { HostScheduler } from './host-scheduler.js';

export interface RunLoopParts {
  readonly executor: Executor;
  readonly clock: VirtualClock;
  readonly time: GuestTime;
  readonly host: HostScheduler;
  /** The CPUs that take turns, in order. */
  cpus(): readonly X86Cpu[];
  /** Work that devices left for the boundary between slices (resets, power-off). */
  betweenSlices(): void;
}

/** Most instructions per turn of a CPU while several have work, and while one has. */
const SHARED_SLICE = 20_000;
const SOLE_SLICE = 200_000;
/**
 * A CPU that gets an interrupt from the one that executes has so many instructions of its next turn at once: the sender may be spinning until
 * the interrupt is taken.
 */
const VISIT = 1000;
/** More than there are slots for CPUs. */
const SLOTS = 0x1_0000;
/** In every stretch of guest time of this length each CPU that spins gets at least half of its share. */
const FAIR_NS = 10_000_000;
/** Turns are not made so short that changing CPUs costs more than executing. */
const SHORTEST_SLICE = 400;
/** The host's event loop gets a turn at least this often. */
const BATCH_MS = 0.75;
/** How long a piece of a turn should take at most, and the fewest instructions it has. */
const PIECE_MS = 0.75;
const SHORTEST_PIECE = 200;
/** How far guest time may be behind the host's, to be made up for while the guest is idle. */
const MOST_BEHIND_MS = 100;
/** Longest sleep without a look at the guest's timers. */
const LONGEST_SLEEP_MS = 1000;

/** What is left of a CPU's turn, in instructions: in all, and before a timer is due. */
interface Turn {
  readonly cpu: X86Cpu;
  readonly left: number;
  readonly untilTimer: number;
}

/** Runs the CPUs fairly by instruction count, fires timers, and sleeps while all CPUs are halted. Needs no host event to make progress. */
export class RunLoop {
  readonly #parts: RunLoopParts;
  #running = false;
  #active: Promise<void> | undefined;
  #sleeping: { wake(): void } | undefined;
  #last = -1;
  #turn: Turn | undefined;
  /** The CPU that the executing one has interrupted. */
  #interrupted: X86Cpu | undefined;
  /** Instructions of a whole turn at present. */
  #whole = SOLE_SLICE;
  /** Instructions of their next turns that CPUs had already, by slot. */
  readonly #advances: number[] = [];
  /** `untilTimer` of the turn whose piece is executing; less when a timer was armed meanwhile. */
  #untilTimer = 0;
  #longestPiece = SOLE_SLICE;
  /** Host time at which guest time was zero, for `realtime`. */
  #epochMs = 0;

  constructor(parts: RunLoopParts) {
    this.#parts = parts;
    parts.clock.onEarlierDeadline((deadlineNs) => this.#deadlineArmed(deadlineNs));
  }

  get running(): boolean {
    return this.#running;
  }

  /** Slot of the CPU that had the last turn, -1 for none yet: what a saved machine needs besides its parts. While nothing runs. */
  get lastTurn(): number {
    return this.#last;
  }

  set lastTurn(slot: number) {
    this.#last = slot;
    this.#turn = undefined;
  }

  /** Starts executing; returns at once. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#epochMs = this.#parts.host.now() - this.#parts.clock.now() / 1e6;
    this.#active = (this.#active ?? Promise.resolve()).then(() => this.#run());
  }

  /** Stops at the next instruction boundary: at once, for a caller outside of a slice. */
  stop(): void {
    this.#running = false;
    this.#turn = undefined;
    this.#advances.length = 0;
    this.#parts.executor.interrupt();
    this.wake();
  }

  /** Resolves when the loop has come to rest. */
  async idle(): Promise<void> {
    await this.#active;
  }

  /** Something happened that may end a halt. */
  wake(): void {
    this.#sleeping?.wake();
  }

  /** A CPU received an event: it gets a turn or a visit now, not when the CPU that executes has used up a long slice. */
  cpuWoken(cpu: X86Cpu): void {
    const { running } = this.#parts.executor;
    if (running === undefined) return this.wake();
    if (running === cpu || !cpu.runnable) return;
    if (!cpu.halted && this.#advanceOf(cpu) + VISIT > this.#whole) return;
    if (!cpu.halted) this.#interrupted = cpu;
    this.#parts.executor.interrupt();
  }

  async #run(): Promise<void> {
    while (this.#running) {
      const busy = this.runBatch();
      if (busy) await this.#parts.host.turn();
      else await this.#sleep();
    }
  }

  /** Executes for about BATCH_MS of host time; false when all CPUs are halted and no timer is due. */
  runBatch(): boolean {
    const { host } = this.#parts;
    const until = host.now() + BATCH_MS;
    while (this.#running) {
      if (!this.#round()) return false;
      if (host.now() >= until) return true;
    }
    return true;
  }

  /**
   * Goes on with a turn that was cut into pieces; else fires timers, then gives the next CPU that has work its turn. With none, `icount`
   * goes on to the next timer.
   */
  #round(): boolean {
    const { clock, time, cpus } = this.#parts;
    if (this.#turn && this.#turn.untilTimer > 0) return this.#piece(this.#turn);
    this.#parts.betweenSlices();
    clock.runExpired();
    if (!this.#running) return true;
    const ready = cpus().filter((cpu) => cpu.runnable);
    if (ready.length === 0) return this.#skipIdleTime();
    this.#parts.executor.shared = ready.length > 1;
    const turn = this.#nextTurn(ready);
    return this.#piece({ ...turn, untilTimer: Math.min(turn.left, time.instructionsUntil(clock.nextDeadline())) });
  }

  /** The rest of a turn that timers cut into, since they would else always take from the same CPU; or the turn of the next one. */
  #nextTurn(ready: readonly X86Cpu[]): Omit<Turn, 'untilTimer'> {
    this.#whole = ready.length > 1 ? this.#sharedSlice(ready.length) : SOLE_SLICE;
    const kept = this.#turn;
    if (kept && ready.includes(kept.cpu)) return { cpu: kept.cpu, left: Math.min(kept.left, this.#whole) };
    const cpu = this.#turnOf(ready);
    const left = Math.max(1, this.#whole - this.#advanceOf(cpu));
    this.#advances[cpu.index] = 0;
    return { cpu, left };
  }

  /**
   * Executes a turn, or a piece of it when instructions are slow (registers behind every access), so that the host hears of its own events.
   * Where a turn is cut into pieces changes nothing for the guest: timers and other CPUs come between turns only. A CPU that halts, waits
   * or is interrupted ends its turn.
   */
  #piece({ cpu, left, untilTimer }: Turn): boolean {
    const budget = Math.min(untilTimer, this.#longestPiece);
    this.#untilTimer = untilTimer;
    const executed = this.#slice(cpu, budget);
    const visitor = this.#interrupted;
    this.#interrupted = undefined;
    const recut = this.#untilTimer < untilTimer || visitor !== undefined;
    const goesOn = (executed >= budget || recut) && left > executed && this.#running;
    this.#turn = goesOn ? { cpu, left: left - executed, untilTimer: recut ? 0 : untilTimer - executed } : undefined;
    if (visitor && this.#running) this.#visit(visitor);
    return true;
  }

  /** A CPU takes its interrupt within the turn of the one that sent it, and some of its own next turn with it. */
  #visit(cpu: X86Cpu): void {
    const { clock, time } = this.#parts;
    this.#untilTimer = time.instructionsUntil(clock.nextDeadline());
    this.#advances[cpu.index] = this.#advanceOf(cpu) + this.#slice(cpu, Math.min(VISIT, this.#untilTimer));
    this.#interrupted = undefined;
  }

  #advanceOf({ index }: X86Cpu): number {
    return this.#advances[index] ?? 0;
  }

  /** The CPU whose turn it is: the next one by slot, so that CPUs that come and go take no turn away from others. */
  #turnOf(ready: readonly X86Cpu[]): X86Cpu {
    let next = ready[0]!;
    for (const cpu of ready) if (this.#distance(cpu) < this.#distance(next)) next = cpu;
    this.#last = next.index;
    return next;
  }

  /** How far a slot is behind the one that had the last turn. */
  #distance({ index }: X86Cpu): number {
    return index > this.#last ? index - this.#last : index - this.#last + SLOTS;
  }

  /** With n CPUs a third of an n-th of FAIR_NS: a full round may then begin anywhere in that time. */
  #sharedSlice(cpus: number): number {
    const { clock, time } = this.#parts;
    const fair = Math.floor(time.instructionsUntil(clock.now() + FAIR_NS) / (3 * cpus));
    return Math.max(SHORTEST_SLICE, Math.min(SHARED_SLICE, fair));
  }

  #slice(cpu: X86Cpu, budget: number): number {
    const { executor, time, host } = this.#parts;
    const started = host.now();
    const executed = executor.slice(cpu, budget);
    const tookMs = host.now() - started;
    time.account(executed, tookMs * 1e6);
    const possible = tookMs === 0 ? SOLE_SLICE : Math.floor((executed * PIECE_MS) / tookMs);
    this.#longestPiece = Math.max(SHORTEST_PIECE, Math.min(SOLE_SLICE, possible, 4 * this.#longestPiece));
    return executed;
  }

  #skipIdleTime(): boolean {
    const { clock, time } = this.#parts;
    const deadline = clock.nextDeadline();
    if (time.drive === 'realtime' || deadline === Number.POSITIVE_INFINITY) return this.#catchUp(deadline);
    time.warpTo(deadline);
    return true;
  }

  /**
   * Guest time follows the host's while nothing executes; true when that made a timer due. What a busy guest on a slow host has fallen behind
   * is given up beyond MOST_BEHIND_MS, or its timers would all come at once.
   */
  #catchUp(deadline: number): boolean {
    if (this.#parts.time.drive === 'icount') return false;
    const behindMs = this.#parts.host.now() - this.#epochMs - this.#parts.clock.now() / 1e6;
    if (behindMs > MOST_BEHIND_MS) this.#epochMs += behindMs - MOST_BEHIND_MS;
    const hostNs = (this.#parts.host.now() - this.#epochMs) * 1e6;
    this.#parts.time.warpTo(Math.min(hostNs, deadline));
    return hostNs >= deadline;
  }

  async #sleep(): Promise<void> {
    const { clock, host } = this.#parts;
    const aheadMs = (clock.nextDeadline() - clock.now()) / 1e6;
    const sleeping = host.sleep(Math.min(Math.max(aheadMs, 0), LONGEST_SLEEP_MS));
    this.#sleeping = sleeping;
    await sleeping.done;
    this.#sleeping = undefined;
  }

  #deadlineArmed(deadlineNs: number): void {
    const { executor, time } = this.#parts;
    if (!executor.running) return this.wake();
    const until = executor.executed + time.instructionsUntil(deadlineNs);
    if (until >= this.#untilTimer) return;
    this.#untilTimer = until;
    executor.interrupt();
  }
}
