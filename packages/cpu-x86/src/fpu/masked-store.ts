import { segmentedAddress } from '../addressing.js';
import type { Cpu, HelperFunction } from '../cpu.js';
import { MF } from '../fault.js';
import { FSW, FTW, MMX_TRAP, RDI, REC_ADDRESS_BYTES, REC_SEGMENT, SCRATCH, SSE_TRAP } from '../layout.js';
import { ACCESS_WRITE } from '../mmu.js';

const ERROR_SUMMARY = 0x80;
const TOP = 0x3800;

/** rDI cut to the address size. */
function destination(cpu: Cpu, record: number): number {
  const bytes = cpu.get8(record + REC_ADDRESS_BYTES);
  if (bytes === 8) return cpu.getLong(RDI);
  return bytes === 4 ? cpu.get32(RDI) : cpu.get16(RDI);
}

/** Stores the bytes of ModRM.reg whose mask byte (ModRM.rm) has its sign set at DS:rDI. All of them are checked first. */
function storeMasked(cpu: Cpu, record: number, count: number): void {
  const [source, mask] = [cpu.reg(record), cpu.rm(record)];
  const linear = segmentedAddress(cpu, cpu.get8(record + REC_SEGMENT), destination(cpu, record), count, true);
  const chosen = (n: number): boolean => (cpu.get8(mask + n) & 0x80) !== 0;
  for (let n = 0; n < count; n++) if (chosen(n)) cpu.mmu.probe(linear + n, 1, ACCESS_WRITE, cpu.mmu.user);
  for (let n = 0; n < count; n++) {
    if (!chosen(n)) continue;
    cpu.set8(SCRATCH, cpu.get8(source + n));
    cpu.mmu.writeFrom(linear + n, 1, SCRATCH, cpu.mmu.user);
  }
}

const storeXmm: HelperFunction = (cpu, record) => {
  const trap = cpu.get32(SSE_TRAP);
  if (trap !== 0) cpu.fault(trap);
  storeMasked(cpu, record, 16);
  return undefined;
};

const storeMmx: HelperFunction = (cpu, record) => {
  const trap = cpu.get32(MMX_TRAP);
  if (trap !== 0) cpu.fault(trap);
  if ((cpu.get16(FSW) & ERROR_SUMMARY) !== 0) cpu.fault(MF);
  storeMasked(cpu, record, 8);
  cpu.set16(FSW, cpu.get16(FSW) & ~TOP);
  cpu.set16(FTW, 0);
  return undefined;
};

export const MASKED_STORE_HELPERS: Readonly<Record<string, HelperFunction>> = { maskedStoreXmm: storeXmm, maskedStoreMmx: storeMmx };
