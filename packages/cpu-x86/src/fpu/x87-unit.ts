import { ENV, ENV_PROTECTED_16, ENV_PROTECTED_32, ENV_REAL_16, ENV_REAL_32, STATE, X87 } from '@hotsocket/x87-float';
import { complexAddress, effectiveOffset } from '../addressing.js';
import type { Cpu, HelperFunction } from '../cpu.js';
import { CS, FCS, FDP, FDS, FIP, FOP, FPU_OPCODE, FPU_STORED, FSW, REC_SEGMENT, SCRATCH, SLOW_ADDRESS } from '../layout.js';
import { ACCESS_WRITE } from '../mmu.js';
import { isRealMode, isVirtual8086 } from '../mode.js';

const ERROR_SUMMARY = 0x80;

/** Instructions that leave an exception pending also leave their address behind (AMD64 manual, volume 5, 6.8). */
function notePointers(cpu: Cpu, record: number, memory: boolean): void {
  if ((cpu.get16(FSW) & ERROR_SUMMARY) === 0) return;
  cpu.setLong(FIP, cpu.rip(record));
  cpu.set16(FCS, cpu.selector(CS));
  cpu.set16(FOP, cpu.get32(FPU_OPCODE) & 0x7ff);
  if (!memory) return;
  cpu.setLong(FDP, effectiveOffset(cpu, record));
  cpu.set16(FDS, cpu.selector(cpu.get8(record + REC_SEGMENT)));
}

/** FCMOV reads EFLAGS and FCOMI and its relatives write them: opcodes DA, DB and DF. */
const usesFlags = (opcode: number): boolean => opcode === 0xda || opcode === 0xdb || opcode === 0xdf;

const register: HelperFunction = (cpu, record) => {
  const word = cpu.get32(FPU_OPCODE);
  const opcode = word >> 8;
  if (!usesFlags(opcode)) cpu.fpu.x87.register(opcode, word & 0xff, 0);
  else {
    const before = cpu.flags();
    const after = cpu.fpu.x87.register(opcode, word & 0xff, before);
    if (after !== before) cpu.setFlags(after);
  }
  notePointers(cpu, record, false);
  return undefined;
};

/** Memory forms of 2, 4 and 8 bytes; the definition moves the operand to or from SCRATCH. */
const memory: HelperFunction = (cpu, record) => {
  const word = cpu.get32(FPU_OPCODE);
  cpu.set32(FPU_STORED, cpu.fpu.x87.memory(word >> 8, (word >> 3) & 7, 0));
  notePointers(cpu, record, true);
  return undefined;
};

/** Which image FSTENV, FSAVE and their counterparts use. */
function imageForm(cpu: Cpu, operandBytes: number): number {
  const real = isRealMode(cpu) || isVirtual8086(cpu);
  if (operandBytes === 2) return real ? ENV_REAL_16 : ENV_PROTECTED_16;
  return real ? ENV_REAL_32 : ENV_PROTECTED_32;
}

/** ENV and STATE stand for sizes that depend on the operand size. */
function actualBytes(bytes: number, operandBytes: number): number {
  if (bytes === ENV) return operandBytes === 2 ? 14 : 28;
  return bytes === STATE ? (operandBytes === 2 ? 94 : 108) : bytes;
}

/** 80-bit operands, environments and whole states. */
const wide: HelperFunction = (cpu, record) => {
  const word = cpu.get32(FPU_OPCODE);
  const [opcode, reg] = [word >> 8, (word >> 3) & 7];
  const { operandBytes } = cpu.shape(record);
  const loaded = actualBytes(X87.loadBytes(opcode, reg), operandBytes);
  const stored = actualBytes(X87.storeBytes(opcode, reg), operandBytes);
  complexAddress(cpu, record, Math.max(loaded, stored), stored > 0);
  const linear = cpu.getLong(SLOW_ADDRESS);
  if (loaded > 0) cpu.mmu.readInto(linear, loaded, SCRATCH, cpu.mmu.user);
  else cpu.mmu.probe(linear, stored, ACCESS_WRITE, cpu.mmu.user);
  const bytes = cpu.fpu.x87.memory(opcode, reg, imageForm(cpu, operandBytes));
  if (stored > 0 && bytes > 0) cpu.mmu.writeFrom(linear, bytes, SCRATCH, cpu.mmu.user);
  notePointers(cpu, record, true);
  return undefined;
};

export const X87_HELPERS: Readonly<Record<string, HelperFunction>> = { x87Register: register, x87Memory: memory, x87Wide: wide };
