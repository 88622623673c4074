import type { Cpu, Halves, HelperFunction } from '../cpu.js';
import { GP } from '../fault.js';
import {
  CR0,
  EFER,
  FS,
  GS,
  MSR_CSTAR,
  MSR_FMASK,
  MSR_KERNEL_GS_BASE,
  MSR_LSTAR,
  MSR_PAT,
  MSR_STAR,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  MSR_TSC_AUX,
  RAX,
  RCX,
  RDX,
  SEG_BASE,
  segment,
  TSC_OFFSET,
} from '../layout.js';
import { modelOf } from './cpuid.js';
import { afterDevice } from './operands.js';
import { CR0_PG, EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE, isCanonicalHigh, MSR_STATE } from './state.js';

/** A model-specific register: reads to EDX:EAX, writes from them; both may raise #GP(0). */
interface Register {
  read(cpu: Cpu, into: Halves): void;
  write(cpu: Cpu, low: number, high: number): void;
}

const VARIABLE_RANGES = 8;
const MCE_BANKS = 10;
/** Memory types of MTRRs and PAT: UC WC - - WT WP WB UC-. */
const isPatType = (type: number): boolean => type < 8 && type !== 2 && type !== 3;
const isMtrrType = (type: number): boolean => type < 7 && type !== 2 && type !== 3;

let nextState = MSR_STATE;
const allocate = (): number => {
  const address = nextState;
  nextState += 8;
  return address;
};

/** Kept in the CPU's block at `address`; `check` tells whether a value may be written. */
const stored = (address: number, check?: (low: number, high: number) => boolean): Register => ({
  read: (cpu, into) => {
    into.low = cpu.get32(address);
    into.high = cpu.get32(address + 4);
  },
  write: (cpu, low, high) => {
    if (check && !check(low, high)) cpu.fault(GP, 0);
    cpu.setHalves(address, low, high);
  },
});

/** Reads a constant; writes are `ignored`, or #GP(0). */
const constant = (low: number, high = 0, ignored = false): Register => ({
  read: (_cpu, into) => {
    into.low = low;
    into.high = high;
  },
  write: (cpu) => {
    if (!ignored) cpu.fault(GP, 0);
  },
});

const canonical = (_low: number, high: number): boolean => isCanonicalHigh(high);
const bytesAre =
  (isType: (type: number) => boolean) =>
  (low: number, high: number): boolean => {
    for (let shift = 0; shift < 32; shift += 8) if (!isType((low >>> shift) & 0xff) || !isType((high >>> shift) & 0xff)) return false;
    return true;
  };

const efer: Register = {
  read: (cpu, into) => {
    into.low = cpu.get32(EFER);
    into.high = 0;
  },
  write: (cpu, low, high) => {
    const model = modelOf(cpu);
    const allowed = (model.has('syscall') ? EFER_SCE : 0) | (model.has('lm') ? EFER_LME | EFER_LMA : 0) | (model.has('nx') ? EFER_NXE : 0);
    const old = cpu.get32(EFER);
    const changesLme = ((old ^ low) & EFER_LME) !== 0;
    if (high !== 0 || (low & ~allowed) !== 0 || (changesLme && (cpu.get32(CR0) & CR0_PG) !== 0)) cpu.fault(GP, 0);
    cpu.set32(EFER, (low & ~EFER_LMA) | (old & EFER_LMA));
    if (((old ^ low) & EFER_NXE) !== 0) cpu.mmu.flush(cpu.index);
  },
};

const apicBase: Register = {
  read: (cpu, into) => {
    into.low = 0xfee0_0800 | (cpu.index === 0 ? 0x100 : 0);
    into.high = 0;
    cpu.services.readApicBase?.(cpu.index, into);
  },
  write: (cpu, low, high) => {
    if (high >>> 8 !== 0 || cpu.services.writeApicBase?.(cpu.index, low, high) === false) cpu.fault(GP, 0);
  },
};

const counter: Halves = { low: 0, high: 0 };

/** The CPU's time-stamp counter: the machine's and the CPU's offset. */
export function readTimeStamp(cpu: Cpu, into: Halves): void {
  cpu.services.readTsc(into);
  const low = (into.low >>> 0) + cpu.get32(TSC_OFFSET);
  into.high = (into.high + cpu.get32(TSC_OFFSET + 4) + (low >= 2 ** 32 ? 1 : 0)) >>> 0;
  into.low = low >>> 0;
}

/** Adds a 64-bit number, given as halves, to the offset. */
function moveOffset(cpu: Cpu, low: number, high: number): void {
  const sum = cpu.get32(TSC_OFFSET) + (low >>> 0);
  cpu.setHalves(TSC_OFFSET, sum >>> 0, cpu.get32(TSC_OFFSET + 4) + high + (sum >= 2 ** 32 ? 1 : 0));
  cpu.services.tscChanged?.(cpu.index);
}

const timeStamp: Register = {
  read: readTimeStamp,
  write: (cpu, low, high) => {
    readTimeStamp(cpu, counter);
    const borrow = low >>> 0 < counter.low ? 1 : 0;
    moveOffset(cpu, low - counter.low, high - counter.high - borrow);
  },
};

/** IA32_TSC_ADJUST is the offset itself. */
const timeStampAdjust: Register = {
  read: stored(TSC_OFFSET).read,
  write: (cpu, low, high) => {
    cpu.setHalves(TSC_OFFSET, low, high);
    cpu.services.tscChanged?.(cpu.index);
  },
};

/** IA32_TSC_DEADLINE is the local APIC's. */
const deadline: Register = {
  read: (cpu, into) => {
    if (cpu.services.readTscDeadline) cpu.services.readTscDeadline(cpu.index, into);
    else cpu.fault(GP, 0);
  },
  write: (cpu, low, high) => {
    if (cpu.services.writeTscDeadline) cpu.services.writeTscDeadline(cpu.index, low, high);
    else cpu.fault(GP, 0);
  },
};

/**
 * Machine-check control: all bits on or off (SDM volume 3, 15.3.2.1). QUIRK(Linux): bit 10 alone may be off, as kernels have it on AMD's K8,
 * and bit 0.
 */
const isErrorMask = (low: number, high: number): boolean =>
  (low === 0 && high === 0) || ((low | 0x401) >>> 0 === 0xffff_ffff && high === 0xffff_ffff);

/** Registers of the local APIC in x2APIC mode. */
const EXTENDED_APIC = 0x800;
const EXTENDED_APIC_REGISTERS = 0x40;

const apicRegister = (number: number): Register => ({
  read: (cpu, into) => {
    if (!cpu.services.readApic?.(cpu.index, number, into)) cpu.fault(GP, 0);
  },
  write: (cpu, low, high) => {
    if (!cpu.services.writeApic?.(cpu.index, number, low, high)) cpu.fault(GP, 0);
  },
});

const apicRegisters = (): Entry[] =>
  Array.from({ length: EXTENDED_APIC_REGISTERS }, (_, number) => [EXTENDED_APIC + number, 'x2apic', apicRegister(number)] as const);

/** Bits that are written as zero only: machine-check status. */
const clearedOnly = (address: number): Register => stored(address, (low, high) => low === 0 && high === 0);

type Entry = readonly [number: number, feature: string, register: Register];

const mtrr = (number: number, check?: (low: number, high: number) => boolean): Entry => [number, 'mtrr', stored(allocate(), check)];

const FIXED_RANGES: readonly number[] = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];

/** 40 bits of physical address. */
const variableBase = (low: number, high: number): boolean => isMtrrType(low & 0xff) && (low & 0xf00) === 0 && high >>> 8 === 0;
const variableMask = (low: number, high: number): boolean => (low & 0x7ff) === 0 && high >>> 8 === 0;

function mtrrs(): Entry[] {
  const entries: Entry[] = [[0xfe, 'mtrr', constant(0x500 | VARIABLE_RANGES)]];
  for (let n = 0; n < VARIABLE_RANGES; n++) entries.push(mtrr(0x200 + 2 * n, variableBase), mtrr(0x201 + 2 * n, variableMask));
  for (const number of FIXED_RANGES) entries.push(mtrr(number, bytesAre(isMtrrType)));
  entries.push(mtrr(0x2ff, (low, high) => isMtrrType(low & 0xff) && (low & 0xffff_f300) === 0 && high === 0));
  return entries;
}

function machineCheck(): Entry[] {
  const entries: Entry[] = [
    [0x179, 'mca', constant(0x100_0100 | MCE_BANKS)],
    [0x17a, 'mca', stored(allocate())],
    [0x17b, 'mca', stored(allocate(), (low, high) => (low === 0 && high === 0) || (low === 0xffff_ffff && high === 0xffff_ffff))],
  ];
  for (let bank = 0; bank < MCE_BANKS; bank++) {
    entries.push([0x400 + 4 * bank, 'mca', stored(allocate(), isErrorMask)], [0x401 + 4 * bank, 'mca', clearedOnly(allocate())]);
    entries.push([0x402 + 4 * bank, 'mca', stored(allocate())], [0x403 + 4 * bank, 'mca', stored(allocate())]);
  }
  return entries;
}

/** Registers of AMD processors that kernels use whatever CPUID says. */
function amd(): Entry[] {
  const zero = constant(0, 0, true);
  return [
    [0xc001_0010, 'amd', stored(allocate())],
    [0xc001_0015, 'amd', stored(allocate())],
    [0xc001_001f, 'amd', stored(allocate())],
    [0xc001_0055, 'amd', zero],
    [0xc001_0140, 'amd', constant(2)],
    [0xc001_0141, 'amd', constant(0)],
    [0xc001_1020, 'amd', stored(allocate())],
    [0xc001_1022, 'amd', stored(allocate())],
    [0xc001_1023, 'amd', stored(allocate())],
    [0xc001_1029, 'amd', stored(allocate())],
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((n): Entry => [0xc001_0000 + n, 'amd', zero]),
  ];
}

/** All registers: number, the feature (or vendor) that brings them, what they do. */
const ENTRIES: readonly Entry[] = [
  [0x10, 'tsc', timeStamp],
  [0x1b, 'apic', apicBase],
  [0x3b, 'tsc_adjust', timeStampAdjust],
  [0x6e0, 'tsc_deadline', deadline],
  [0x8b, 'msr', stored(allocate())],
  [0x174, 'sep', stored(MSR_SYSENTER_CS)],
  [0x175, 'sep', stored(MSR_SYSENTER_ESP, canonical)],
  [0x176, 'sep', stored(MSR_SYSENTER_EIP, canonical)],
  [0x277, 'pat', stored(MSR_PAT, bytesAre(isPatType))],
  ...apicRegisters(),
  ...mtrrs(),
  ...machineCheck(),
  [0x17, 'intel', constant(0)],
  // QUIRK: of Intel only, but tests and kernels read it on any processor, as QEMU 7.2 lets them
  [0x1a0, 'msr', stored(allocate())],
  [0x3a, 'intel', constant(1, 0, true)],
  [0x140, 'intel', constant(0, 0, true)],
  [0xce, 'intel', constant(0)],
  [0xc000_0080, 'msr', efer],
  [0xc000_0081, 'syscall', stored(MSR_STAR)],
  [0xc000_0082, 'syscall', stored(MSR_LSTAR, canonical)],
  [0xc000_0083, 'syscall', stored(MSR_CSTAR, canonical)],
  [0xc000_0084, 'syscall', stored(MSR_FMASK, (_low, high) => high === 0)],
  [0xc000_0100, 'lm', stored(segment(FS) + SEG_BASE, canonical)],
  [0xc000_0101, 'lm', stored(segment(GS) + SEG_BASE, canonical)],
  [0xc000_0102, 'lm', stored(MSR_KERNEL_GS_BASE, canonical)],
  [0xc000_0103, 'rdtscp', stored(MSR_TSC_AUX, (_low, high) => high === 0)],
  ...amd(),
];

const REGISTERS: ReadonlyMap<number, Entry> = new Map(ENTRIES.map((entry) => [entry[0], entry]));

/** End of the part of the state that registers occupy, for the test that it fits. */
export const MSR_STATE_USED: number = nextState;

/** Power-on values. */
export function resetMsrs(cpu: Cpu): void {
  for (let address = MSR_STATE; address < nextState; address += 8) cpu.setHalves(address, 0, 0);
  cpu.setHalves(MSR_PAT, 0x0007_0406, 0x0007_0406);
  for (let bank = 0; bank < MCE_BANKS; bank++) REGISTERS.get(0x400 + 4 * bank)![2].write(cpu, 0xffff_ffff, 0xffff_ffff);
}

/** The register, or undefined when the model does not have it. */
function registerOf(cpu: Cpu, number: number): Register | undefined {
  const entry = REGISTERS.get(number);
  return entry && (modelOf(cpu).has(entry[1]) || entry[1] === modelOf(cpu).vendor) ? entry[2] : undefined;
}

/** Reads a model-specific register, as RDMSR and debuggers do; #GP(0) when it does not exist. */
export function readRegister(cpu: Cpu, number: number, into: Halves): void {
  const register = registerOf(cpu, number);
  if (register) return register.read(cpu, into);
  if (!cpu.services.unknownMsr?.(cpu.index, number, false)) cpu.fault(GP, 0);
  into.low = 0;
  into.high = 0;
}

export function writeRegister(cpu: Cpu, number: number, low: number, high: number): void {
  const register = registerOf(cpu, number);
  if (register) return register.write(cpu, low >>> 0, high >>> 0);
  if (!cpu.services.unknownMsr?.(cpu.index, number, true)) cpu.fault(GP, 0);
}

const value: Halves = { low: 0, high: 0 };

/** RDMSR: EDX:EAX := register ECX. */
export const readMsr: HelperFunction = (cpu) => {
  readRegister(cpu, cpu.get32(RCX), value);
  cpu.setHalves(RAX, value.low, 0);
  cpu.setHalves(RDX, value.high, 0);
  return undefined;
};

export const writeMsr: HelperFunction = (cpu, record) => {
  writeRegister(cpu, cpu.get32(RCX), cpu.get32(RAX), cpu.get32(RDX));
  return afterDevice(cpu, record);
};
