import { complexAddress } from '../addressing.js';
import type { Cpu, HelperFunction } from '../cpu.js';
import { GP, NM, UD } from '../fault.js';
import { CR0, CR4, MXCSR, RAX, SCRATCH, SLOW_ADDRESS, X87, XCR0, XMM } from '../layout.js';
import { ACCESS_WRITE } from '../mmu.js';
import { IMAGE_BYTES, IMAGE_MXCSR, IMAGE_XMM, MXCSR_MASK, makeImage, usedBytes } from './fxsave.js';

const CR0_TS = 8;
const CR4_OSXSAVE = 0x4_0000;
/** State components: x87, SSE. The SSE component is where FXSAVE has it, so that the compacted form looks like the standard one. */
const COMPONENT_X87 = 1;
const COMPONENT_SSE = 2;
const MXCSR_INIT = 0x1f80;

/** Header after the legacy region: XSTATE_BV, XCOMP_BV, 48 reserved bytes (SDM volume 1, 13.4.2). */
const HEADER_BYTES = 64;
const AREA_BYTES = IMAGE_BYTES + HEADER_BYTES;
const XCOMP_BV = 8;
const COMPACTED = 0x8000_0000;

/** #UD without CR4.OSXSAVE, #NM with CR0.TS, #GP(0) if not on a 64-byte boundary; gives the linear address. */
function areaAddress(cpu: Cpu, record: number, write: boolean): number {
  if ((cpu.get32(CR4) & CR4_OSXSAVE) === 0) cpu.fault(UD);
  if ((cpu.get32(CR0) & CR0_TS) !== 0) cpu.fault(NM);
  complexAddress(cpu, record, AREA_BYTES, write);
  const linear = cpu.getLong(SLOW_ADDRESS);
  if ((linear & (HEADER_BYTES - 1)) !== 0) cpu.fault(GP, 0);
  return linear;
}

/** Components that XCR0 enables and EDX:EAX asks for. */
const requested = (cpu: Cpu): number => cpu.get32(XCR0) & cpu.get32(RAX);

// ------------------------------------------------------------------ saving

function writePart(cpu: Cpu, linear: number, from: number, to: number): void {
  cpu.mmu.writeFrom(linear + from, to - from, SCRATCH + from, cpu.mmu.user);
}

/** The requested components; MXCSR belongs to SSE. */
function writeComponents(cpu: Cpu, linear: number, wide: boolean, components: number): void {
  makeImage(cpu, wide);
  if (components & COMPONENT_X87) {
    writePart(cpu, linear, 0, IMAGE_MXCSR);
    writePart(cpu, linear, IMAGE_MXCSR + 8, IMAGE_XMM);
  }
  if (components & COMPONENT_SSE) {
    writePart(cpu, linear, IMAGE_MXCSR, IMAGE_MXCSR + 8);
    writePart(cpu, linear, IMAGE_XMM, usedBytes(cpu));
  }
}

/** XSAVE and XSAVEOPT keep the header's bits of components that were not requested. All components count as in use. */
const saveStandard =
  (wide: boolean): HelperFunction =>
  (cpu, record) => {
    const linear = areaAddress(cpu, record, true);
    cpu.mmu.probe(linear, AREA_BYTES, ACCESS_WRITE, cpu.mmu.user);
    const components = requested(cpu);
    const header = linear + IMAGE_BYTES;
    cpu.write32(header, (cpu.read32(header) & ~components) | components);
    writeComponents(cpu, linear, wide, components);
    return undefined;
  };

/** XSAVEC, XSAVES: XCOMP_BV tells the compacted form. */
function saveCompacted(cpu: Cpu, record: number, wide: boolean): undefined {
  const linear = areaAddress(cpu, record, true);
  cpu.mmu.probe(linear, AREA_BYTES, ACCESS_WRITE, cpu.mmu.user);
  const components = requested(cpu);
  const header = linear + IMAGE_BYTES;
  for (const [n, word] of [components, 0, components, COMPACTED].entries()) cpu.write32(header + 4 * n, word);
  writeComponents(cpu, linear, wide, components);
}

// ------------------------------------------------------------------ restoring

interface Header {
  /** Components that the area holds; the others take their initial state. */
  readonly present: number;
  readonly compacted: boolean;
}

/** #GP(0) for components that are not enabled, reserved bits, or a form that the instruction does not take. */
function readHeader(cpu: Cpu, linear: number, mustBeCompacted: boolean): Header {
  cpu.mmu.readInto(linear + IMAGE_BYTES, HEADER_BYTES, SCRATCH, cpu.mmu.user);
  const word = (n: number): number => cpu.get32(SCRATCH + 4 * n);
  const [present, compactedParts] = [word(0), word(XCOMP_BV / 4)];
  const compacted = word(XCOMP_BV / 4 + 1) === COMPACTED;
  const allowed = cpu.get32(XCR0);
  let bad = (present & ~allowed) | word(1);
  for (let n = 4; n < HEADER_BYTES / 4; n++) bad |= word(n);
  if (compacted) bad |= (compactedParts & ~allowed) | (present & ~compactedParts);
  else bad |= compactedParts | word(XCOMP_BV / 4 + 1) | Number(mustBeCompacted);
  if (bad !== 0) cpu.fault(GP, 0);
  return { present, compacted };
}

/** MXCSR of the image in SCRATCH; the standard form carries it whether or not the SSE component is there. */
function checkedMxcsr(cpu: Cpu, { present, compacted }: Header): number {
  if (compacted && (present & COMPONENT_SSE) === 0) return MXCSR_INIT;
  const value = cpu.get32(SCRATCH + IMAGE_MXCSR);
  if ((value & ~MXCSR_MASK) !== 0) cpu.fault(GP, 0);
  return value;
}

function restoreX87(cpu: Cpu, wide: boolean, present: number): void {
  if (present & COMPONENT_X87) cpu.fpu.x87.fxrstor(SCRATCH, wide);
  else {
    cpu.fpu.x87.finit();
    cpu.memory.u8.fill(0, X87, X87 + 128);
  }
}

function restoreXmm(cpu: Cpu, present: number): void {
  const { u8 } = cpu.memory;
  const end = usedBytes(cpu);
  if (present & COMPONENT_SSE) u8.copyWithin(XMM, SCRATCH + IMAGE_XMM, SCRATCH + end);
  else u8.fill(0, XMM, XMM + end - IMAGE_XMM);
}

/** XRSTOR, XRSTORS: everything is checked before anything changes. */
function restore(cpu: Cpu, record: number, wide: boolean, mustBeCompacted: boolean): undefined {
  const linear = areaAddress(cpu, record, false);
  const header = readHeader(cpu, linear, mustBeCompacted);
  cpu.mmu.readInto(linear, IMAGE_BYTES, SCRATCH, cpu.mmu.user);
  const components = requested(cpu);
  const mxcsr = components & COMPONENT_SSE ? checkedMxcsr(cpu, header) : cpu.get32(MXCSR);
  if (components & COMPONENT_X87) restoreX87(cpu, wide, header.present);
  if (components & COMPONENT_SSE) restoreXmm(cpu, header.present);
  cpu.set32(MXCSR, mxcsr);
}

/** XSAVES and XRSTORS are for CPL 0; there are no supervisor components. */
const supervisor =
  (work: (cpu: Cpu, record: number) => undefined): HelperFunction =>
  (cpu, record) => {
    if (cpu.cpl !== 0) cpu.fault(GP, 0);
    return work(cpu, record);
  };

export const XSAVE_HELPERS: Readonly<Record<string, HelperFunction>> = {
  xsave: saveStandard(false),
  xsave64: saveStandard(true),
  xsavec: (cpu, record) => saveCompacted(cpu, record, false),
  xsavec64: (cpu, record) => saveCompacted(cpu, record, true),
  xsaves: supervisor((cpu, record) => saveCompacted(cpu, record, false)),
  xsaves64: supervisor((cpu, record) => saveCompacted(cpu, record, true)),
  xrstor: (cpu, record) => restore(cpu, record, false, false),
  xrstor64: (cpu, record) => restore(cpu, record, true, false),
  xrstors: supervisor((cpu, record) => restore(cpu, record, false, true)),
  xrstors64: supervisor((cpu, record) => restore(cpu, record, true, true)),
};
