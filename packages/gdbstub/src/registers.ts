import type { MachineControl } from '@hotsocket/machine/control';

/** Which registers gdb is told of, and of which width: 64-bit PCs, 32-bit ones, or real mode with linear instruction addresses. */
export type Description = 'x86-64' | 'i386' | 'i8086';

/** The gdb feature a register belongs to; gdb knows the first three by name. */
export type Feature = 'core' | 'sse' | 'segments' | 'system';

/** One register as gdb sees it. */
export interface GdbRegister {
  /** What gdb calls it. */
  readonly name: string;
  readonly bits: number;
  /** Type in the target description. */
  readonly type: string;
  readonly feature: Feature;
  /** Name of the machine's register. */
  readonly source: string;
}

const FPU_SOURCES = { fctrl: 'fcw', fstat: 'fsw', ftag: 'ftw', fiseg: 'fcs', fioff: 'fip', foseg: 'fds', fooff: 'fdp', fop: 'fop' };
const SEGMENTS = 'cs ss ds es fs gs'.split(' ');
const WIDE_GENERAL = 'rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const NARROW_GENERAL = 'ax cx dx bx sp bp si di'.split(' ');

const make = (feature: Feature, bits: number, type: string, name: string, source = name): GdbRegister => ({
  name,
  bits,
  type,
  feature,
  source,
});

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, number) => `${name}${number}`);

function pointerType(name: string, bits: number): string {
  if (/^[re]ip$/.test(name)) return 'code_ptr';
  return /^[re][sb]p$/.test(name) ? 'data_ptr' : `int${bits}`;
}

const flags = (): GdbRegister => make('core', 32, 'eflags', 'eflags', 'rflags');
const segments = (): GdbRegister[] => SEGMENTS.map((name) => make('core', 32, 'int32', name));
const floatingPoint = (): GdbRegister[] => [
  ...numbered('st', 8).map((name) => make('core', 80, 'i387_ext', name)),
  ...Object.entries(FPU_SOURCES).map(([name, source]) => make('core', 32, 'int', name, source)),
];
const vectors = (count: number): GdbRegister[] => [
  ...numbered('xmm', count).map((name) => make('sse', 128, 'vec128', name)),
  make('sse', 32, 'mxcsr', 'mxcsr'),
];
const control = (bits: number): GdbRegister[] => [
  make('system', bits, 'cr0', 'cr0'),
  make('system', bits, `int${bits}`, 'cr2'),
  make('system', bits, 'cr3', 'cr3'),
  make('system', bits, 'cr4', 'cr4'),
];

/** In the order of the `g` packet. */
const WIDE: readonly GdbRegister[] = [
  ...[...WIDE_GENERAL, 'rip'].map((name) => make('core', 64, pointerType(name, 64), name)),
  flags(),
  ...segments(),
  make('segments', 64, 'int64', 'fs_base'),
  make('segments', 64, 'int64', 'gs_base'),
  make('system', 64, 'int64', 'k_gs_base', 'kernel_gs_base'),
  ...control(64),
  make('system', 64, 'int64', 'cr8'),
  make('system', 64, 'efer', 'efer'),
  ...floatingPoint(),
  ...vectors(16),
];

const NARROW: readonly GdbRegister[] = [
  ...[...NARROW_GENERAL, 'ip'].map((name) => make('core', 32, pointerType(`e${name}`, 32), `e${name}`, `r${name}`)),
  flags(),
  ...segments(),
  ...control(32),
  ...floatingPoint(),
  ...vectors(8),
];

/** The registers of a description, in the order of the `g` packet and of their numbers. */
export const registersOf = (description: Description): readonly GdbRegister[] => (description === 'x86-64' ? WIDE : NARROW);

/** Bytes of all registers together. */
export const totalBytes = (description: Description): number => registersOf(description).reduce((bytes, { bits }) => bytes + bits / 8, 0);

/** Reads and writes the registers of one CPU in their wire form: little-endian hexadecimal digits. */
export class RegisterFile {
  readonly #machine: MachineControl;
  readonly #cpu: number;
  readonly #linear: boolean;

  constructor(machine: MachineControl, cpuIndex: number, description: Description) {
    this.#machine = machine;
    this.#cpu = cpuIndex;
    this.#linear = description === 'i8086';
  }

  /** Throws ControlError `no-such-cpu`. */
  read(register: GdbRegister): string {
    const value = this.#value(register);
    let hex = '';
    for (let bit = 0; bit < register.bits; bit += 8)
      hex += Number((value >> BigInt(bit)) & 0xffn)
        .toString(16)
        .padStart(2, '0');
    return hex;
  }

  /** False when the CPU does not take the value. */
  write(register: GdbRegister, bytes: Uint8Array): boolean {
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return (
      this.#machine.debug?.writeRegister(this.#cpu, register.source, this.#isPointer(register) ? value - this.#codeBase() : value) ?? false
    );
  }

  #value(register: GdbRegister): bigint {
    const value = this.#machine.debug?.readRegister(this.#cpu, register.source) ?? 0n;
    return BigInt.asUintN(register.bits, this.#isPointer(register) ? value + this.#codeBase() : value);
  }

  /** In the description of real mode the instruction pointer is a linear address, so that it points to what gdb reads. */
  #isPointer({ name }: GdbRegister): boolean {
    return this.#linear && name === 'eip';
  }

  #codeBase(): bigint {
    const pc = this.#machine.cpus.find(({ index }) => index === this.#cpu)?.pc ?? 0n;
    return pc - (this.#machine.debug?.readRegister(this.#cpu, 'rip') ?? 0n);
  }
}
