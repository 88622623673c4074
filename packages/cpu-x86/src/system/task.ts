import type { Cpu } from '../cpu.js';
import { FAULT, GP, NP, STACK, TS } from '../fault.js';
import { refreshFpuTraps } from '../fpu/traps.js';
import { CR0, CR3, CS, DS, EFLAGS, ES, FS, GPR, GS, LDTR, RIP, SS, TR } from '../layout.js';
import { refreshMode } from '../mode.js';
import { DR6_BT, DR7, DR7_LOCAL } from './debug.js';
import {
  attributesOf,
  baseOf,
  fail,
  fetchDescriptor,
  isNull,
  limitOf,
  loadFromSlot,
  requirePresent,
  setAccessed,
  setCpl,
  setNullSegment,
  setSegment,
  setType,
  setVirtual8086Segment,
  tryFetch,
} from './descriptors.js';
import { loadLdtr } from './segments.js';
import {
  ATTR_CODE,
  ATTR_DC,
  ATTR_RW,
  ATTR_S,
  CR0_PG,
  CR0_TS,
  DEBUG_HITS,
  DESCRIPTOR,
  dplOf,
  FLAG_NT,
  FLAG_VM,
  GATE,
  TYPE_TSS,
  TYPE_TSS16,
  typeOf,
} from './state.js';

/** Why the task changes. */
export const TASK_JUMP = 0;
export const TASK_CALL = 1;
export const TASK_RETURN = 2;

/** Where a task-state segment keeps what (SDM volume 3, 8.2.1 and 8.6). */
interface TssLayout {
  readonly wide: boolean;
  readonly bytes: number;
  readonly minimumLimit: number;
  readonly ip: number;
  readonly flags: number;
  readonly registers: number;
  readonly segments: number;
  readonly segmentStep: number;
  readonly segmentCount: number;
  readonly ldt: number;
}

const TSS32: TssLayout = {
  wide: true,
  bytes: 4,
  minimumLimit: 0x67,
  ip: 0x20,
  flags: 0x24,
  registers: 0x28,
  segments: 0x48,
  segmentStep: 4,
  segmentCount: 6,
  ldt: 0x60,
};
const TSS16: TssLayout = {
  wide: false,
  bytes: 2,
  minimumLimit: 0x2b,
  ip: 0x0e,
  flags: 0x10,
  registers: 0x12,
  segments: 0x22,
  segmentStep: 2,
  segmentCount: 4,
  ldt: 0x2a,
};

const isWide = (attributes: number): boolean => (typeOf(attributes) & ~2) === TYPE_TSS;
const layoutOf = (attributes: number): TssLayout => (isWide(attributes) ? TSS32 : TSS16);

let switchFault = false;

/** True once after a switch in whose new task a fault is pending, to be delivered there. */
export function takeSwitchFault(): boolean {
  const found = switchFault;
  switchFault = false;
  return found;
}

/** The task being entered, read before anything is written. */
const incoming = {
  cr3: 0,
  ip: 0,
  flags: 0,
  ldt: 0,
  trap: false,
  registers: new Array<number>(8).fill(0),
  selectors: new Array<number>(6).fill(0),
};

/**
 * Switches to the task of TSS `selector` (SDM volume 3, 8.3); `rip` is where the old task goes on. True when the TSS is a 32-bit one.
 * Faults before the switch are raised; those after it are left pending (see `takeSwitchFault`).
 */
export function switchTask(cpu: Cpu, selector: number, reason: number, rip: number): boolean {
  fetchTss(cpu, selector, reason);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const layout = layoutOf(attributes);
  const base = baseOf(cpu, DESCRIPTOR);
  const limit = limitOf(cpu, DESCRIPTOR);
  readTask(cpu, base, layout);
  saveTask(cpu, reason, rip);
  if (reason === TASK_CALL) {
    cpu.write16(base, cpu.selector(TR), false);
    incoming.flags |= FLAG_NT;
  }
  if (reason !== TASK_RETURN) setType(cpu, DESCRIPTOR, typeOf(attributes) | 2);
  setSegment(cpu, TR, selector, base, limit, attributes | 0x200);
  loadTask(cpu, layout);
  return layout.wide;
}

/** IRET with NT: back to the task whose TSS the current one links to. */
export function returnToPreviousTask(cpu: Cpu, rip: number): void {
  const link = cpu.read16(cpu.segmentBase(TR), false);
  switchTask(cpu, link, TASK_RETURN, rip);
}

/** Fetches and checks the descriptor of the new TSS. */
function fetchTss(cpu: Cpu, selector: number, reason: number): void {
  const vector = reason === TASK_RETURN ? TS : GP;
  if (isNull(selector) || (selector & 4) !== 0) fail(cpu, vector, selector);
  fetchDescriptor(cpu, selector, DESCRIPTOR, vector);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const wanted = reason === TASK_RETURN ? 2 : 0;
  const base = typeOf(attributes) & ~2;
  const isTss = (attributes & ATTR_S) === 0 && (base === TYPE_TSS || base === TYPE_TSS16);
  if (!isTss || (typeOf(attributes) & 2) !== wanted) fail(cpu, vector, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
  if (limitOf(cpu, DESCRIPTOR) < layoutOf(attributes).minimumLimit) fail(cpu, TS, selector);
}

function readTask(cpu: Cpu, base: number, layout: TssLayout): void {
  const read = (offset: number): number => (layout.wide ? cpu.read32(base + offset, false) : cpu.read16(base + offset, false));
  incoming.cr3 = layout.wide ? read(0x1c) : 0;
  incoming.ip = read(layout.ip);
  incoming.flags = read(layout.flags);
  for (let n = 0; n < 8; n++) incoming.registers[n] = read(layout.registers + n * layout.bytes);
  for (let n = 0; n < 6; n++)
    incoming.selectors[n] = n < layout.segmentCount ? cpu.read16(base + layout.segments + n * layout.segmentStep, false) : 0;
  incoming.ldt = cpu.read16(base + layout.ldt, false);
  incoming.trap = layout.wide && (cpu.read16(base + 0x64, false) & 1) !== 0;
}

/** Writes the old task's registers to its TSS, and marks it available unless it stays nested under the new one. */
function saveTask(cpu: Cpu, reason: number, rip: number): void {
  const layout = layoutOf(cpu.segmentAttributes(TR));
  const base = cpu.segmentBase(TR);
  const write = (offset: number, value: number): void =>
    layout.wide ? cpu.write32(base + offset, value, false) : cpu.write16(base + offset, value, false);
  cpu.mmu.probe(base, layout.minimumLimit + 1, 2, false);
  write(layout.ip, rip);
  write(layout.flags, reason === TASK_RETURN ? cpu.flags() & ~FLAG_NT : cpu.flags());
  for (let n = 0; n < 8; n++) write(layout.registers + n * layout.bytes, cpu.get32(GPR + 8 * n));
  for (let n = 0; n < layout.segmentCount; n++) cpu.write16(base + layout.segments + n * layout.segmentStep, cpu.selector(n), false);
  if (reason === TASK_CALL || !tryFetch(cpu, cpu.selector(TR), GATE, 8)) return;
  setType(cpu, GATE, typeOf(attributesOf(cpu, GATE)) & ~2);
}

/** Takes over the new task's state. What faults from here on faults in the new task. */
function loadTask(cpu: Cpu, layout: TssLayout): void {
  cpu.set32(CR0, cpu.get32(CR0) | CR0_TS);
  refreshFpuTraps(cpu);
  if (layout.wide && (cpu.get32(CR0) & CR0_PG) !== 0 && incoming.cr3 !== cpu.get32(CR3)) {
    cpu.setHalves(CR3, incoming.cr3, 0);
    cpu.mmu.flush(cpu.index, true);
  }
  cpu.setFlags(layout.wide ? incoming.flags : (incoming.flags & 0xffff) | (cpu.get32(EFLAGS) & ~(0xffff | FLAG_VM)));
  cpu.setLong(RIP, incoming.ip);
  for (let n = 0; n < 8; n++) cpu.setHalves(GPR + 8 * n, layout.wide ? incoming.registers[n]! : incoming.registers[n]! | 0xffff_0000, 0);
  cpu.set32(DR7, cpu.get32(DR7) & ~DR7_LOCAL);
  if (incoming.trap) cpu.set32(DEBUG_HITS, cpu.get32(DEBUG_HITS) | DR6_BT);
  for (let n = 0; n < 6; n++) setNullSegment(cpu, n, incoming.selectors[n]!);
  setNullSegment(cpu, LDTR, incoming.ldt);
  try {
    loadSegments(cpu);
  } catch (signal) {
    if (signal !== FAULT) throw signal;
    switchFault = true;
  }
  refreshMode(cpu);
}

const DATA_SEGMENTS: readonly number[] = [ES, DS, FS, GS];

function loadSegments(cpu: Cpu): void {
  const selectors = incoming.selectors;
  if ((incoming.flags & FLAG_VM) !== 0) {
    for (let n = 0; n < 6; n++) setVirtual8086Segment(cpu, n, selectors[n]!);
    setCpl(cpu, 3);
    loadLdtr(cpu, incoming.ldt, TS);
    return;
  }
  setCpl(cpu, selectors[CS]! & 3);
  if ((incoming.ldt & 4) !== 0) fail(cpu, TS, incoming.ldt);
  loadLdtr(cpu, incoming.ldt, TS);
  loadTaskCode(cpu, selectors[CS]!);
  loadTaskStack(cpu, selectors[SS]!);
  for (const index of DATA_SEGMENTS) loadTaskData(cpu, index, selectors[index]!);
  if (incoming.ip > cpu.segmentLimit(CS)) fail(cpu, GP, 0);
}

function loadTaskCode(cpu: Cpu, selector: number): void {
  if (isNull(selector)) fail(cpu, TS, 0);
  fetchDescriptor(cpu, selector, DESCRIPTOR, TS);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const isCode = (attributes & (ATTR_S | ATTR_CODE)) === (ATTR_S | ATTR_CODE);
  const matches = (attributes & ATTR_DC) !== 0 ? dplOf(attributes) <= (selector & 3) : dplOf(attributes) === (selector & 3);
  if (!isCode || !matches) fail(cpu, TS, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
  load(cpu, CS, selector);
}

function loadTaskStack(cpu: Cpu, selector: number): void {
  if (isNull(selector)) fail(cpu, TS, 0);
  fetchDescriptor(cpu, selector, DESCRIPTOR, TS);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const writable = (attributes & (ATTR_S | ATTR_CODE | ATTR_RW)) === (ATTR_S | ATTR_RW);
  if (!writable || dplOf(attributes) !== cpu.cpl || (selector & 3) !== cpu.cpl) fail(cpu, TS, selector);
  requirePresent(cpu, DESCRIPTOR, selector, STACK);
  load(cpu, SS, selector);
}

function loadTaskData(cpu: Cpu, index: number, selector: number): void {
  if (isNull(selector)) return;
  fetchDescriptor(cpu, selector, DESCRIPTOR, TS);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const isCode = (attributes & ATTR_CODE) !== 0;
  const conforming = isCode && (attributes & ATTR_DC) !== 0;
  const readable = (attributes & ATTR_S) !== 0 && (!isCode || (attributes & ATTR_RW) !== 0);
  if (!readable || (!conforming && Math.max(selector & 3, cpu.cpl) > dplOf(attributes))) fail(cpu, TS, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
  load(cpu, index, selector);
}

function load(cpu: Cpu, index: number, selector: number): void {
  setAccessed(cpu, DESCRIPTOR);
  loadFromSlot(cpu, index, DESCRIPTOR, selector);
}
