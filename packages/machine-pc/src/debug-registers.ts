import { type ExecutionCore, layout, refreshFpuTraps, refreshMode, type X86Cpu } from '@hotsocket/cpu-x86';

/** One register as a debugger sees it. */
interface Access {
  get(cpu: X86Cpu): bigint;
  /** False when the register cannot take the value. */
  set(cpu: X86Cpu, value: bigint, core: ExecutionCore): boolean;
}

const GENERAL = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const SEGMENTS = 'es cs ss ds fs gs'.split(' ');
const CR0_PE = 1n;
const FLAG_VM = 0x2_0000;
const TOP_SHIFT = 11n;
const MANTISSA_BITS = 64n;

const REGISTERS: ReadonlyMap<string, Access> = new Map([
  ...GENERAL.map((name, number) => [name, long(layout.GPR + 8 * number)] as const),
  ['rip', long(layout.RIP)],
  ['rflags', { get: (cpu) => BigInt(cpu.flags), set: setFlags }],
  ...SEGMENTS.map((name, number) => [name, selector(number)] as const),
  ['fs_base', long(layout.segment(layout.FS) + layout.SEG_BASE)],
  ['gs_base', long(layout.segment(layout.GS) + layout.SEG_BASE)],
  ['kernel_gs_base', long(layout.MSR_KERNEL_GS_BASE)],
  ['cr0', control(layout.CR0)],
  ['cr2', long(layout.CR2)],
  ['cr3', control(layout.CR3)],
  ['cr4', control(layout.CR4)],
  ['cr8', { get: (cpu) => BigInt(cpu.apic.tpr >> 4), set: setTaskPriority }],
  ['efer', control(layout.EFER)],
  ...Array.from({ length: 8 }, (_, number) => [`st${number}`, stackRegister(number)] as const),
  ['fcw', half(layout.FCW)],
  ['fsw', half(layout.FSW)],
  ['ftw', half(layout.FTW)],
  ['fcs', half(layout.FCS)],
  ['fip', long(layout.FIP)],
  ['fds', half(layout.FDS)],
  ['fdp', long(layout.FDP)],
  ['fop', half(layout.FOP)],
  ...Array.from({ length: 16 }, (_, number) => [`xmm${number}`, vector(layout.XMM + 16 * number)] as const),
  ['mxcsr', { get: (cpu) => BigInt(cpu.get32(layout.MXCSR)), set: setMxcsr }],
] satisfies (readonly [string, Access])[]);

/** Value of a register, undefined for an unknown one. */
export const readRegister = (cpu: X86Cpu, name: string): bigint | undefined => REGISTERS.get(name)?.get(cpu);

/** False when the register is not known or cannot take the value. */
export const writeRegister = (core: ExecutionCore, cpu: X86Cpu, name: string, value: bigint): boolean =>
  REGISTERS.get(name)?.set(cpu, value, core) ?? false;

function long(address: number): Access {
  return {
    get: (cpu) => cpu.get64(address),
    set(cpu, value) {
      cpu.set64(address, BigInt.asUintN(64, value));
      return true;
    },
  };
}

function half(address: number): Access {
  const shift = 8 * (address & 2);
  return {
    get: (cpu) => BigInt((cpu.get32(address) >>> shift) & 0xffff),
    set(cpu, value) {
      const others = cpu.get32(address) & ~(0xffff << shift);
      cpu.set32(address, others | (Number(BigInt.asUintN(16, value)) << shift));
      return true;
    },
  };
}

function vector(address: number): Access {
  return {
    get: (cpu) => (cpu.get64(address + 8) << 64n) | cpu.get64(address),
    set(cpu, value) {
      cpu.set64(address, BigInt.asUintN(64, value));
      cpu.set64(address + 8, BigInt.asUintN(64, value >> 64n));
      return true;
    },
  };
}

/** ST(n): 80 bits, counted from the top of the stack. */
function stackRegister(number: number): Access {
  const fsw = half(layout.FSW);
  const address = (cpu: X86Cpu): number => layout.X87 + 16 * ((Number(fsw.get(cpu) >> TOP_SHIFT) + number) & 7);
  return {
    get: (cpu) => (BigInt(cpu.get32(address(cpu) + 8) & 0xffff) << MANTISSA_BITS) | cpu.get64(address(cpu)),
    set(cpu, value) {
      cpu.set64(address(cpu), BigInt.asUintN(64, value));
      return half(address(cpu) + 8).set(cpu, value >> MANTISSA_BITS, NO_CORE);
    },
  };
}
const NO_CORE = undefined as never;

/** A selector by itself can only be changed where it is all there is: in real-address and virtual-8086 mode. */
function selector(number: number): Access {
  const address = layout.segment(number);
  const get = (cpu: X86Cpu): bigint => BigInt(cpu.get32(address + layout.SEG_SELECTOR) & 0xffff);
  return {
    get,
    set(cpu, value, core) {
      if (value === get(cpu)) return true;
      const protectedMode = (cpu.get64(layout.CR0) & CR0_PE) !== 0n && (cpu.flags & FLAG_VM) === 0;
      if (protectedMode || value > 0xffffn) return false;
      cpu.set32(address + layout.SEG_SELECTOR, Number(value));
      cpu.set64(address + layout.SEG_BASE, value << 4n);
      derive(core, cpu);
      return true;
    },
  };
}

/** A control register: what generated code derives from it, and the TLB, follow. */
function control(address: number): Access {
  const plain = long(address);
  return {
    get: plain.get,
    set(cpu, value, core) {
      if (value !== plain.get(cpu)) {
        plain.set(cpu, value, core);
        derive(core, cpu);
      }
      return true;
    },
  };
}

function derive(core: ExecutionCore, cpu: X86Cpu): void {
  selected(core, cpu, () => {
    refreshMode(core.cpu);
    refreshFpuTraps(core.cpu);
  });
  core.mmu.flush(cpu.block);
}

function selected(core: ExecutionCore, cpu: X86Cpu, work: () => void): void {
  const previous = core.current;
  core.select(cpu.block);
  work();
  if (previous >= 0) core.select(previous);
}

/** VM is kept: it is a mode, not a flag. */
function setFlags(cpu: X86Cpu, value: bigint, core: ExecutionCore): boolean {
  const flags = (Number(BigInt.asUintN(32, value)) & ~FLAG_VM) | (cpu.flags & FLAG_VM) | 2;
  selected(core, cpu, () => core.cpu.setFlags(flags));
  return true;
}

function setTaskPriority(cpu: X86Cpu, value: bigint): boolean {
  if (value > 15n) return false;
  cpu.apic.tpr = Number(value) << 4;
  return true;
}

function setMxcsr(cpu: X86Cpu, value: bigint): boolean {
  if (value > 0xffffn) return false;
  cpu.set32(layout.MXCSR, Number(value));
  return true;
}
