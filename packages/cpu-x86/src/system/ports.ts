import type { AccessSize } from '@hotsocket/address-space';
import { segmentedAddress } from '../addressing.js';
import type { Cpu, HelperFunction } from '../cpu.js';
import { STATUS_JUMP } from '../emit/core-functions.js';
import { GP } from '../fault.js';
import {
  BUDGET,
  CPL,
  CR0,
  EFLAGS,
  ES,
  EXIT_REQUEST,
  RAX,
  RCX,
  RDI,
  RDX,
  REC_ADDRESS_BYTES,
  REC_SEGMENT,
  RECORD_REP,
  RECORD_REPNE,
  RIP,
  RSI,
  TR,
} from '../layout.js';
import { isVirtual8086 } from '../mode.js';
import { portAccessed } from './debug.js';
import { afterDevice } from './operands.js';
import { ATTR_PRESENT, CR0_PE, FLAG_DF, FLAG_IOPL, TYPE_TSS, typeOf } from './state.js';

/** Ports are free in real mode and at CPL <= IOPL; else the I/O permission bitmap decides (SDM volume 1, 19.5). */
function checkPort(cpu: Cpu, port: number, bytes: number): void {
  if ((cpu.get32(CR0) & CR0_PE) === 0) return;
  const privileged = cpu.get32(CPL) <= (cpu.get32(EFLAGS) & FLAG_IOPL) >>> 12;
  if (!privileged || isVirtual8086(cpu)) checkBitmap(cpu, port, bytes);
}

function checkBitmap(cpu: Cpu, port: number, bytes: number): void {
  const attributes = cpu.segmentAttributes(TR);
  const limit = cpu.segmentLimit(TR);
  const is32 = (typeOf(attributes) & ~2) === TYPE_TSS;
  if ((attributes & ATTR_PRESENT) === 0 || !is32 || limit < 0x67) cpu.fault(GP, 0);
  const base = cpu.segmentBase(TR);
  const offset = cpu.read16(base + 0x66, false) + (port >>> 3);
  if (offset + 1 > limit) cpu.fault(GP, 0);
  const mask = ((1 << bytes) - 1) << (port & 7);
  if ((cpu.read16(base + offset, false) & mask) !== 0) cpu.fault(GP, 0);
}

function input(cpu: Cpu, port: number, bytes: AccessSize): number {
  portAccessed(cpu, port, bytes);
  return cpu.services.io.read(port, bytes);
}

function output(cpu: Cpu, port: number, bytes: AccessSize, value: number): void {
  portAccessed(cpu, port, bytes);
  cpu.services.io.write(port, bytes, value);
}

/** IN: operand 0 is the accumulator, operand 1 the port. */
function inputPort(cpu: Cpu, record: number): number | undefined {
  const { operands } = cpu.shape(record);
  const bytes = (operands[0]!.bits >>> 3) as AccessSize;
  const port = operands[1]!.kind === 'immediate' ? cpu.immediate(record) & 0xff : cpu.get16(RDX);
  checkPort(cpu, port, bytes);
  cpu.setRegister(RAX, input(cpu, port, bytes), bytes);
  return afterDevice(cpu, record);
}

function outputPort(cpu: Cpu, record: number): number | undefined {
  const { operands } = cpu.shape(record);
  const bytes = (operands[1]!.bits >>> 3) as AccessSize;
  const port = operands[0]!.kind === 'immediate' ? cpu.immediate(record) & 0xff : cpu.get16(RDX);
  checkPort(cpu, port, bytes);
  output(cpu, port, bytes, bytes === 1 ? cpu.get8(RAX) : bytes === 2 ? cpu.get16(RAX) : cpu.get32(RAX));
  return afterDevice(cpu, record);
}

// ------------------------------------------------------------------ INS and OUTS

/** A register as an address or count of `bytes`. */
function readSized(cpu: Cpu, register: number, bytes: number): number {
  if (bytes === 8) return cpu.getLong(register);
  return bytes === 4 ? cpu.get32(register) : cpu.get16(register);
}

function add(cpu: Cpu, register: number, bytes: number, step: number): void {
  if (bytes === 8) cpu.setLong(register, cpu.getLong(register) + step);
  else if (bytes === 4) cpu.setHalves(register, cpu.get32(register) + step, 0);
  else cpu.set16(register, cpu.get16(register) + step);
}

/** One element; faults before the device is asked. */
type Element = (cpu: Cpu, record: number, addressBytes: number, bytes: AccessSize) => void;

const inputElement: Element = (cpu, _record, addressBytes, bytes) => {
  const la = segmentedAddress(cpu, ES, readSized(cpu, RDI, addressBytes), bytes, true);
  cpu.mmu.probe(la, bytes, 2, cpu.mmu.user);
  const value = input(cpu, cpu.get16(RDX), bytes);
  if (bytes === 1) cpu.write8(la, value);
  else if (bytes === 2) cpu.write16(la, value);
  else cpu.write32(la, value);
  add(cpu, RDI, addressBytes, step(cpu, bytes));
};

const outputElement: Element = (cpu, record, addressBytes, bytes) => {
  const la = segmentedAddress(cpu, cpu.get8(record + REC_SEGMENT), readSized(cpu, RSI, addressBytes), bytes, false);
  const value = bytes === 1 ? cpu.read8(la) : bytes === 2 ? cpu.read16(la) : cpu.read32(la);
  output(cpu, cpu.get16(RDX), bytes, value);
  add(cpu, RSI, addressBytes, step(cpu, bytes));
};

const step = (cpu: Cpu, bytes: number): number => ((cpu.get32(EFLAGS) & FLAG_DF) !== 0 ? -bytes : bytes);

const isZero = (cpu: Cpu, bytes: number): boolean =>
  bytes === 8 ? cpu.get32(RCX) === 0 && cpu.get32(RCX + 4) === 0 : readSized(cpu, RCX, bytes) === 0;

/** Subtracts 1 from the count, exactly for 64 bits. */
function countDown(cpu: Cpu, bytes: number): void {
  if (bytes !== 8) return add(cpu, RCX, bytes, -1);
  const low = cpu.get32(RCX);
  cpu.setHalves(RCX, low - 1, cpu.get32(RCX + 4) - (low === 0 ? 1 : 0));
}

/** The slice ends here, in the middle of a repetition. Each element counts as an instruction. */
function isSliceOver(cpu: Cpu): boolean {
  const left = (cpu.get32(BUDGET) | 0) - 1;
  cpu.set32(BUDGET, left);
  return left <= 0 || cpu.get32(EXIT_REQUEST) !== 0;
}

/** INS and OUTS, with REP. Registers stand at the next element whenever the instruction is left. */
const transfer =
  (element: Element, operand: number): HelperFunction =>
  (cpu, record) => {
    const bytes = (cpu.shape(record).operands[operand]!.bits >>> 3) as AccessSize;
    const addressBytes = cpu.get8(record + REC_ADDRESS_BYTES);
    const repeats = cpu.hasFlag(record, RECORD_REP | RECORD_REPNE);
    checkPort(cpu, cpu.get16(RDX), bytes);
    if (!repeats) {
      element(cpu, record, addressBytes, bytes);
      return afterDevice(cpu, record);
    }
    const rip = cpu.rip(record);
    while (!isZero(cpu, addressBytes)) {
      element(cpu, record, addressBytes, bytes);
      countDown(cpu, addressBytes);
      if (isZero(cpu, addressBytes) || !isSliceOver(cpu)) continue;
      cpu.setLong(RIP, rip);
      return STATUS_JUMP;
    }
    return afterDevice(cpu, record);
  };

export const PORT_HELPERS: Readonly<Record<string, HelperFunction>> = {
  inputPort,
  outputPort,
  inputString: transfer(inputElement, 0),
  outputString: transfer(outputElement, 1),
};
