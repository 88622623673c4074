import { complexAddress } from '../addressing.js';
import type { Cpu, HelperFunction } from '../cpu.js';
import { GP } from '../fault.js';
import { MXCSR, SCRATCH, SLOW_ADDRESS, X87_TRAP, XMM } from '../layout.js';
import { isCode64 } from '../mode.js';

export const IMAGE_BYTES = 512;
export const IMAGE_MXCSR = 24;
export const IMAGE_XMM = 160;
/** MXCSR bits that exist, as the image tells. */
export const MXCSR_MASK = 0xffff;

/** Bytes that an image holds: XMM8 to XMM15 only in 64-bit mode. The rest up to 512 belongs to software or is reserved. */
export const usedBytes = (cpu: Cpu): number => (isCode64(cpu) ? 416 : 288);

/** Raises #NM, then #GP(0) for a misaligned address; gives the linear address. */
function imageAddress(cpu: Cpu, record: number, write: boolean): number {
  const trap = cpu.get32(X87_TRAP);
  if (trap !== 0) cpu.fault(trap);
  complexAddress(cpu, record, IMAGE_BYTES, write);
  const linear = cpu.getLong(SLOW_ADDRESS);
  if ((linear & 15) !== 0) cpu.fault(GP, 0);
  return linear;
}

/** The whole image in SCRATCH. */
export function makeImage(cpu: Cpu, wide: boolean): void {
  const { u8 } = cpu.memory;
  u8.fill(0, SCRATCH, SCRATCH + IMAGE_XMM);
  cpu.fpu.x87.fxsave(SCRATCH, wide);
  cpu.set32(SCRATCH + IMAGE_MXCSR, cpu.get32(MXCSR));
  cpu.set32(SCRATCH + IMAGE_MXCSR + 4, MXCSR_MASK);
  u8.copyWithin(SCRATCH + IMAGE_XMM, XMM, XMM + usedBytes(cpu) - IMAGE_XMM);
}

/** FXSAVE, FXSAVE64 (SDM volume 1, 10.5.1). */
const save =
  (wide: boolean): HelperFunction =>
  (cpu, record) => {
    const linear = imageAddress(cpu, record, true);
    makeImage(cpu, wide);
    cpu.mmu.writeFrom(linear, usedBytes(cpu), SCRATCH, cpu.mmu.user);
    return undefined;
  };

/** FXRSTOR, FXRSTOR64: #GP(0) for reserved bits of MXCSR. */
const restore =
  (wide: boolean): HelperFunction =>
  (cpu, record) => {
    const linear = imageAddress(cpu, record, false);
    cpu.mmu.readInto(linear, IMAGE_BYTES, SCRATCH, cpu.mmu.user);
    const mxcsr = cpu.get32(SCRATCH + IMAGE_MXCSR);
    if ((mxcsr & ~MXCSR_MASK) !== 0) cpu.fault(GP, 0);
    cpu.fpu.x87.fxrstor(SCRATCH, wide);
    cpu.set32(MXCSR, mxcsr);
    cpu.memory.u8.copyWithin(XMM, SCRATCH + IMAGE_XMM, SCRATCH + usedBytes(cpu));
    return undefined;
  };

export const FXSAVE_HELPERS: Readonly<Record<string, HelperFunction>> = {
  fxsave: save(false),
  fxsave64: save(true),
  fxrstor: restore(false),
  fxrstor64: restore(true),
};
