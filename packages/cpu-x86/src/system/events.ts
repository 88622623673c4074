import type { Cpu } from '../cpu.js';
import type { ExecutionCore } from '../execution-core.js';
import { DB, DEBUG_STOP, NMI } from '../fault.js';
import { RUN_DEBUG, RUN_EXIT, RUN_STEPPED, RUN_STOPPED } from '../interpreter.js';
import {
  ACTIVITY,
  ACTIVITY_HALTED,
  ACTIVITY_RUNNING,
  ACTIVITY_SHUTDOWN,
  ACTIVITY_WAIT_FOR_SIPI,
  BUDGET,
  EFLAGS,
  EVENT_INIT,
  EVENT_INTERRUPT,
  EVENT_NMI,
  EVENT_NMI_NEXT,
  EVENT_SIPI,
  EVENT_SMI,
  EVENT_YIELD,
  EVENTS,
  EXIT_REQUEST,
  FAULT_VECTOR,
  NMI_BLOCKED,
  RIP,
  SHADOW,
  SIPI_VECTOR,
} from '../layout.js';
import { DR6_BS, DR6_BT, executionHits, hasBreakpoints, isTraced, noteCause, takeTrapBits, watchData } from './debug.js';
import { deliverEvent } from './deliver.js';
import { initCpu, startCpu } from './reset.js';
import { DEBUG_HITS, DELIVERIES, FLAG_IF, FLAG_RF, SHADOW_RIP, TRAP_SUPPRESSED } from './state.js';

/** Where a CPU's maskable interrupts come from: its local APIC. */
export interface InterruptPort {
  /** Vector of the interrupt to take, which is then in service; negative when there is none after all. */
  acknowledge(): number;
  /** The CPU that INIT sends to the reset vector instead of to wait for a SIPI. */
  readonly bootstrap: boolean;
}

/** True while STI or a load of SS holds off events at this RIP. */
export function isShadowed(cpu: Cpu): boolean {
  return cpu.get32(SHADOW) !== 0 && cpu.getLong(SHADOW_RIP) === cpu.getLong(RIP);
}

const drop = (cpu: Cpu, event: number): void => cpu.set32(EVENTS, cpu.get32(EVENTS) & ~event);

/**
 * Takes the most urgent event that waits for the current CPU, which is between two instructions (SDM volume 3, 6.9): INIT, NMI, then a
 * maskable interrupt. SMIs are dropped. True when the CPU can execute instructions now.
 */
export function takeEvents(cpu: Cpu, port: InterruptPort): boolean {
  cpu.set32(EXIT_REQUEST, 0);
  if (cpu.get32(EVENTS) !== 0) take(cpu, port);
  return cpu.get32(ACTIVITY) === ACTIVITY_RUNNING;
}

function take(cpu: Cpu, port: InterruptPort): void {
  drop(cpu, EVENT_SMI | EVENT_YIELD);
  if ((cpu.get32(EVENTS) & EVENT_INIT) !== 0) {
    drop(cpu, EVENT_INIT);
    initCpu(cpu, port.bootstrap);
  }
  const activity = cpu.get32(ACTIVITY);
  if (activity === ACTIVITY_WAIT_FOR_SIPI) return takeSipi(cpu);
  drop(cpu, EVENT_SIPI);
  if (!isShadowed(cpu)) takeInterrupts(cpu, port, activity);
}

function takeSipi(cpu: Cpu): void {
  if ((cpu.get32(EVENTS) & EVENT_SIPI) === 0) return;
  drop(cpu, EVENT_SIPI);
  startCpu(cpu, cpu.get32(SIPI_VECTOR));
}

function takeInterrupts(cpu: Cpu, port: InterruptPort, activity: number): void {
  const events = cpu.get32(EVENTS);
  if ((events & EVENT_NMI) !== 0 && cpu.get32(NMI_BLOCKED) === 0) {
    drop(cpu, (events & EVENT_NMI_NEXT) !== 0 ? EVENT_NMI_NEXT : EVENT_NMI);
    cpu.set32(NMI_BLOCKED, 1);
    return enter(cpu, NMI);
  }
  if ((events & EVENT_INTERRUPT) === 0 || activity === ACTIVITY_SHUTDOWN || (cpu.get32(EFLAGS) & FLAG_IF) === 0) return;
  const vector = port.acknowledge();
  if (vector < 0) drop(cpu, EVENT_INTERRUPT);
  else enter(cpu, vector);
}

function enter(cpu: Cpu, vector: number): void {
  cpu.set32(ACTIVITY, ACTIVITY_RUNNING);
  deliverEvent(cpu, vector, -1, 0);
}

/** An event waits that the CPU would take now. Halted CPUs without one need not be run. */
export function isRunnable(cpu: Cpu): boolean {
  const activity = cpu.get32(ACTIVITY);
  const events = cpu.get32(EVENTS);
  if (activity === ACTIVITY_RUNNING) return true;
  if ((events & EVENT_INIT) !== 0) return true;
  if (activity === ACTIVITY_WAIT_FOR_SIPI) return (events & EVENT_SIPI) !== 0;
  if ((events & EVENT_NMI) !== 0 && cpu.get32(NMI_BLOCKED) === 0) return true;
  return activity === ACTIVITY_HALTED && (events & EVENT_INTERRUPT) !== 0 && (cpu.get32(EFLAGS) & FLAG_IF) !== 0;
}

/** Instructions must be executed one by one: TF, breakpoints, or a shadow with events behind it. */
export const needsSteps = (cpu: Cpu): boolean =>
  isTraced(cpu) || hasBreakpoints(cpu) || cpu.get32(DEBUG_HITS) !== 0 || (cpu.get32(EVENTS) !== 0 && isShadowed(cpu));

/**
 * Runs the current CPU for about `budget` instructions with everything that happens between instructions: events, interrupt shadows,
 * single-step traps, breakpoints. Gives the last RUN_*, RUN_EXIT when the CPU does not execute (see ACTIVITY).
 */
export function runSlice(core: ExecutionCore, port: InterruptPort, budget: number): number {
  const { cpu } = core;
  watchData(cpu);
  let left = budget;
  let reason = RUN_EXIT;
  while (left > 0) {
    const executes = takeEvents(cpu, port);
    if (core.debugger.stopped) return RUN_DEBUG;
    if (!executes) return cpu.get32(ACTIVITY) === ACTIVITY_SHUTDOWN ? RUN_STOPPED : RUN_EXIT;
    if (needsSteps(cpu)) {
      if (core.debugger.breaksAt(core.linearRip)) return RUN_DEBUG;
      reason = stepTraced(core);
      left--;
    } else {
      reason = core.run(left);
      left = cpu.memory.i32[BUDGET >> 2]!;
    }
    if (reason === RUN_STOPPED && cpu.get32(FAULT_VECTOR) === DEBUG_STOP) reason = stepTakenBack(core);
    if (core.debugger.stopped) return RUN_DEBUG;
    if (reason === RUN_STOPPED) return reason;
    if ((cpu.get32(EVENTS) & EVENT_YIELD) !== 0) {
      drop(cpu, EVENT_YIELD);
      return reason;
    }
    if (cpu.get32(EXIT_REQUEST) !== 0) return reason;
  }
  return reason;
}

/** Executes by itself the instruction that was about to touch a watchpoint, which is now seen but not stopped. */
function stepTakenBack(core: ExecutionCore): number {
  core.cpu.set32(FAULT_VECTOR, 0);
  return core.step();
}

/**
 * Executes one instruction of the current CPU for a debugger: with the event that waits taken first, or with events held off. A halt ends,
 * as it does for an interrupt that a program has not expected. Gives RUN_*, RUN_EXIT when the CPU waits for a SIPI or is shut down.
 */
export function stepOnce(core: ExecutionCore, port: InterruptPort, withEvents: boolean): number {
  const { cpu } = core;
  watchData(cpu);
  if (withEvents) takeEvents(cpu, port);
  if (cpu.get32(ACTIVITY) === ACTIVITY_HALTED) cpu.set32(ACTIVITY, ACTIVITY_RUNNING);
  if (cpu.get32(ACTIVITY) !== ACTIVITY_RUNNING) return RUN_EXIT;
  return stepTraced(core);
}

/** Traps of the instruction before that wait here: of a switch to a task with T set, and of a SYSRET that set TF. */
const TRAPS_BEFORE = DR6_BT | DR6_BS;

/**
 * Executes one instruction, then raises the debug trap that it has earned (SDM volume 3, 17.3.1). A breakpoint at the instruction is a
 * fault before it, as is the trap of a switch to a task with T set.
 */
export function stepTraced(core: ExecutionCore): number {
  const { cpu } = core;
  if ((cpu.get32(DEBUG_HITS) & TRAPS_BEFORE) !== 0) return raiseDebug(cpu, takeTrapBits(cpu, false), 0);
  const hits = hasBreakpoints(cpu) ? executionHits(cpu, core.linearRip) : 0;
  if (hits !== 0) return raiseDebug(cpu, hits, FLAG_RF);
  const traced = isTraced(cpu);
  const resumed = cpu.get32(EFLAGS) & FLAG_RF;
  const deliveries = cpu.get32(DELIVERIES);
  cpu.set32(TRAP_SUPPRESSED, 0);
  const reason = core.step();
  if (reason === RUN_STOPPED) return reason;
  const entered = cpu.get32(TRAP_SUPPRESSED) !== 0;
  if (cpu.get32(DELIVERIES) === deliveries && resumed !== 0) cpu.set32(EFLAGS, cpu.get32(EFLAGS) & ~FLAG_RF);
  if (cpu.get32(SHADOW) === 2 && isShadowed(cpu)) return reason;
  const trap = takeTrapBits(cpu, traced && !entered);
  return trap === 0 ? reason : raiseDebug(cpu, trap, 0);
}

function raiseDebug(cpu: Cpu, bits: number, resume: number): number {
  noteCause(cpu, bits);
  return deliverEvent(cpu, DB, -1, resume) ? RUN_STEPPED : RUN_STOPPED;
}
