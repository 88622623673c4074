import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IoSpace, MemorySpace, mmio, storage } from '@hotsocket/address-space';
import { CoreMemory } from '../core-memory.js';
import type { CpuServices } from '../cpu.js';
import { ExecutionCore } from '../execution-core.js';
import {
  ACTIVITY,
  ACTIVITY_HALTED,
  ACTIVITY_RUNNING,
  ACTIVITY_SHUTDOWN,
  ACTIVITY_WAIT_FOR_SIPI,
  CR0,
  CS,
  EVENT_INIT,
  EVENT_INTERRUPT,
  EVENT_NMI,
  EVENT_NMI_NEXT,
  EVENT_SIPI,
  EVENTS,
  EXIT_REQUEST,
  GPR,
  RDX,
  RIP,
  SIPI_VECTOR,
} from '../layout.js';
import { SEMANTICS } from '../semantics/index.js';
import { isHelper } from '../semantics/semantic.js';
import { CPU_MODELS, type CpuidAnswer, type CpuModel, DEFAULT_CPU_MODEL, UnknownFeatureError } from './cpuid.js';
import { DR6 } from './debug.js';
import { setSegment } from './descriptors.js';
import { type InterruptPort, isRunnable, runSlice, takeEvents } from './events.js';
import { HELPERS } from './index.js';
import { MSR_STATE_USED } from './msr.js';
import { resetCpu } from './reset.js';
import { MSR_STATE_END } from './state.js';

const RAM_BYTES = 0x40_0000;
const START = 0x8000;
/** The guests report through this port: each write is one number. */
const REPORT_PORT = 0x80;

/** Assembles NASM source of a flat binary that runs at START. */
function assembled(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'guest-'));
  try {
    const input = join(folder, 'guest.asm');
    writeFileSync(input, `org ${START}\n${source}`);
    runNasm(['-f', 'bin', '-Werror', '-o', join(folder, 'guest.bin'), input]);
    return new Uint8Array(readFileSync(join(folder, 'guest.bin')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runNasm(options: readonly string[]): void {
  try {
    execFileSync('nasm', options);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw missing ? new Error('the guests of this test are assembled by NASM, which is not installed') : error;
  }
}

/** What guests run on; one per model serves all guests in turn, since the interpreter takes a while to compile. */
interface Machine {
  readonly core: ExecutionCore;
  readonly ram: Uint8Array;
  readonly clock: { now: number; reported: (value: number) => void };
}

const machines = new Map<CpuModel, Machine>();

function machineOf(model: CpuModel): Machine {
  const machine = machines.get(model) ?? makeMachine(model, {});
  machines.set(model, machine);
  return machine;
}

function makeMachine(model: CpuModel, services: Partial<CpuServices>): Machine {
  const memory = new CoreMemory(RAM_BYTES);
  const space = new MemorySpace();
  const ram = memory.allocate(RAM_BYTES);
  space.map(0, storage('ram', 'ram', ram));
  const clock: Machine['clock'] = { now: 0, reported: () => {} };
  const io = new IoSpace();
  io.map(
    REPORT_PORT,
    mmio('report', 4, {
      read: (offset, size) => (offset + 1) * (size === 4 ? 0x0101_0101 : size === 2 ? 0x101 : 1),
      write: (_offset, _size, value) => clock.reported(value),
    }),
  );
  const readTsc = (into: { low: number; high: number }): void => {
    clock.now += 1000;
    into.low = clock.now >>> 0;
    into.high = Math.floor(clock.now / 2 ** 32);
  };
  const core = new ExecutionCore({ memory, space, io, readTsc, model, ...services });
  core.select(core.addCpu());
  return { core, ram, clock };
}

/** One CPU with 4 MiB of RAM and a program at START, in real-address mode with flat-zero segments. */
class Guest {
  readonly core: ExecutionCore;
  readonly reports: number[] = [];
  readonly ram: Uint8Array;
  /** Vectors that the interrupt controller hands out. */
  readonly vectors: number[] = [];
  readonly port: InterruptPort = { bootstrap: true, acknowledge: () => this.vectors.shift() ?? -1 };
  /** Called at each report. */
  onReport: (value: number) => void = () => {};

  constructor(source: string, model: CpuModel = DEFAULT_CPU_MODEL, services?: Partial<CpuServices>) {
    const machine = services ? makeMachine(model, services) : machineOf(model);
    this.core = machine.core;
    this.ram = machine.ram;
    machine.clock.now = 0x1_0000_0000;
    machine.clock.reported = (value) => {
      this.reports.push(value);
      this.onReport(value);
    };
    this.ram.fill(0);
    this.ram.set(assembled(source), START);
    this.core.code.evictAll();
    resetCpu(this.core.cpu, true);
    setSegment(this.core.cpu, CS, 0, 0, 0xffff, 0x9b00);
    this.core.cpu.setLong(RIP, START);
  }

  /** Runs until the CPU halts with nothing to wake it, or shuts down. */
  run(): this {
    const { cpu } = this.core;
    for (let n = 0; n < 60 && this.reports.length < 200; n++) {
      runSlice(this.core, this.port, 500);
      if (!isRunnable(cpu)) return this;
    }
    throw new Error(`guest does not halt: reports ${this.hex.slice(0, 60)}, rip ${cpu.getLong(RIP).toString(16)}`);
  }

  /** Reports in hexadecimal, for comparison with what people write. */
  get hex(): string {
    return this.reports.map((value) => value.toString(16)).join(' ');
  }

  raise(vector: number): void {
    this.vectors.push(vector);
    this.post(EVENT_INTERRUPT);
  }

  post(event: number): void {
    const { cpu } = this.core;
    cpu.set32(EVENTS, cpu.get32(EVENTS) | event);
    cpu.set32(EXIT_REQUEST, 1);
  }

  register(number: number): number {
    return this.core.cpu.get32(GPR + 8 * number);
  }
}

const reportsOf = (source: string, model?: CpuModel): string => new Guest(source, model).run().hex;

/** Macros, descriptor tables, and a start in real mode that goes on at `protected` in flat 32-bit code. */
const REPORT = `
%define SAVED 0x7ff0
%macro report 1
  mov [ss:SAVED], eax
  mov eax, %1
  out ${REPORT_PORT}, eax
  mov eax, [ss:SAVED]
%endmacro
%macro report16 1
  mov [ss:SAVED], ax
  mov ax, %1
  out ${REPORT_PORT}, ax
  mov ax, [ss:SAVED]
%endmacro
`;

const TABLES = `
CODE0 equ 0x08
DATA0 equ 0x10
CODE3 equ 0x1b
DATA3 equ 0x23
TSS   equ 0x28
LDT   equ 0x30
CODE16 equ 0x38
DATA16 equ 0x40
GATE  equ 0x48
CODE64 equ 0x50
TSS64 equ 0x58   ; 16 bytes
ABSENT equ 0x68
READONLY equ 0x70
TSS2  equ 0x78
CONFORMING equ 0x80
DOWN equ 0x88
TASKGATE equ 0x90
TSS3  equ 0x98
CODE64U equ 0xab
align 16
gdt:
  dq 0
  dq 0x00cf9b000000ffff   ; 08 code 0
  dq 0x00cf93000000ffff   ; 10 data 0
  dq 0x00cffb000000ffff   ; 18 code 3
  dq 0x00cff3000000ffff   ; 20 data 3
  dw 0x67, tss, 0x8900, 0 ; 28
  dw 0x0f, ldt, 0x8200, 0 ; 30
  dq 0x00009b000000ffff   ; 38 code 16
  dq 0x000093000000ffff   ; 40 data 16
  dw gate_target, CODE0, 0xec02, 0 ; 48 call gate, DPL 3, 2 parameters
  dq 0x00af9b000000ffff   ; 50 code 64
  dw 0x67, tss64, 0x8900, 0, 0, 0, 0, 0 ; 58
  dq 0x00cf13000000ffff   ; 68 absent
  dq 0x00cf91000000ffff   ; 70 read only
  dw 0x67, tss2, 0x8900, 0 ; 78
  dq 0x00cf9f000000ffff   ; 80 conforming
  dq 0x00cf970000000fff   ; 88 expand-down above 0xffffff
  dw 0, TSS2, 0xe500, 0   ; 90 task gate, DPL 3
  dw 0x67, tss3, 0x8900, 0 ; 98
  dq 0x00cff3000000ffff   ; a0 data 3 for SYSRET
  dq 0x00affb000000ffff   ; a8 code 64, DPL 3
gdt_end:
gdtr:
  dw gdt_end - gdt - 1
  dd gdt
ldt:
  dq 0x00cf93000000ffff
  dq 0x00cf9b000000ffff
tss:
  dd 0, 0x7000, DATA0, 0, 0, 0, 0
  times 0x66 - 28 db 0
  dw 0x68
tss2:
  dd 0, 0, 0, 0, 0, 0, 0, 0, task2, 2, 0x111, 0x222, 0x333, 0x444, 0x5000, 0x666, 0x777, 0x888
  dd DATA0, CODE0, DATA0, DATA0, DATA0, DATA0, LDT
  times 0x68 - 100 db 0
tss3:
  times 0x68 db 0
tss64:
  dd 0
  dq 0x7000, 0, 0, 0, 0x6800
  times 0x68 - 44 db 0
%ifndef GATE_TARGET
gate_target:
%endif
%ifndef TASK2
task2:
%endif
  hlt
`;

const PROTECTED = `
bits 16
  cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7000
  lgdt [gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword CODE0:protected
${REPORT}
bits 32
; gate 32-bit, ring 0: vector, handler, access
%macro setgate 3
  mov eax, %2
  mov word [0x1000 + %1 * 8], ax
  mov word [0x1002 + %1 * 8], CODE0
  mov word [0x1004 + %1 * 8], %3
  shr eax, 16
  mov word [0x1006 + %1 * 8], ax
%endmacro
; handlers with error code report vector and error code and go on at [resume]
%macro faulthandler 1
handler%1:
  report 0xe00 + %1
  report [esp]
  mov eax, [resume]
  mov [esp + 4], eax
  add esp, 4
  iretd
%endmacro
; handlers without
%macro plainhandler 1
handler%1:
  report 0xe00 + %1
  mov eax, [resume]
  mov [esp], eax
  iretd
%endmacro
faulthandler 8
faulthandler 10
faulthandler 11
faulthandler 12
faulthandler 13
faulthandler 14
plainhandler 0
plainhandler 6
idtr:
  dw 0x7ff
  dd 0x1000
resume: dd 0
; expects a fault in the code given and goes on after it
%macro faulting 1+
  mov dword [resume], %%next
  %1
  report 0xbad
%%next:
%endmacro
setup:
  mov ax, DATA0
  mov ds, ax
  mov es, ax
  mov ss, ax
  setgate 0, handler0, 0x8e00
  setgate 6, handler6, 0x8e00
  setgate 8, handler8, 0x8e00
  setgate 10, handler10, 0x8e00
  setgate 11, handler11, 0x8e00
  setgate 12, handler12, 0x8e00
  setgate 13, handler13, 0x8e00
  setgate 14, handler14, 0x8e00
  lidt [idtr]
  ret
protected:
  mov ax, DATA0
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, 0x6000
  call setup
  mov ax, TSS
  ltr ax
  mov ax, LDT
  lldt ax
`;

const inProtectedMode = (body: string, options = ''): string => `${options}\n${PROTECTED}\n${body}\n  cli\n  hlt\n${TABLES}`;

describe('helpers', () => {
  it('exist under every name that definitions of instructions use', () => {
    const names = Object.values(SEMANTICS).flatMap((semantic) => (isHelper(semantic) ? [semantic.helper] : []));
    expect(names.length).toBeGreaterThan(60);
    expect(names.filter((name) => HELPERS[name] === undefined)).toEqual([]);
    for (const name of ['moveToSegment', 'popSegment']) expect(HELPERS[name]).toBeDefined();
  });

  it('keep their registers inside the CPU block', () => {
    expect(MSR_STATE_USED).toBeLessThanOrEqual(MSR_STATE_END);
  });
});

describe('real-address mode', () => {
  it('interrupts push FLAGS CS IP and come back by IRET', () => {
    const source = `${REPORT}
bits 16
  mov sp, 0x7000
  mov word [0x21 * 4], handler
  mov word [0x21 * 4 + 2], 0
  sti
  stc
  int 0x21
after:
  report16 0x111
  cli
  hlt
handler:
  pushf
  pop ax
  and ax, 0x301
  report16 ax
  mov bp, sp
  report16 [bp]
  mov ax, [bp + 4]
  and ax, 0x301
  report16 ax
  report16 sp
  iret`;
    expect(reportsOf(source.replace('report16 [bp]', 'mov ax, [bp]\n  sub ax, after\n  report16 ax'))).toBe('1 0 201 6ffa 111');
  });

  it('far calls, returns with parameters, far pointers', () => {
    const source = `${REPORT}
bits 16
  mov sp, 0x7000
  push word 0x1234
  call 0x700:target - 0x7000
  report16 sp
  lds si, [pointer]
  report16 ds
  report16 si
  lss sp, [cs:stack]
  report16 sp
  cli
  hlt
target:
  report16 cs
  mov bp, sp
  report16 [bp + 4]
  retf 2
pointer: dw 0x5678, 0
stack: dw 0x6abc, 0`
      .replace('report16 ds\n', 'mov ax, ds\n  report16 ax\n')
      .replace('report16 cs\n', 'mov ax, cs\n  report16 ax\n');
    expect(reportsOf(source)).toBe('700 1234 7000 0 5678 6abc');
  });

  it('a limit of 4 GiB loaded in protected mode stays', () => {
    const source = `${REPORT}
bits 16
  mov sp, 0x7000
  lgdt [gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  mov bx, DATA0
  mov es, bx
  and al, 0xfe
  mov cr0, eax
  xor bx, bx
  mov es, bx
  mov edi, 0x200000
  mov dword [es:edi], 0xabcdef
  mov eax, [es:edi]
  report eax
  cli
  hlt
${TABLES}`;
    expect(reportsOf(source)).toBe('abcdef');
  });

  it('division by zero saves the instruction that failed', () => {
    const source = `${REPORT}
bits 16
  mov sp, 0x7000
  mov word [0], handler
  mov word [2], 0
  xor cx, cx
failing:
  div cx
  hlt
handler:
  pop ax
  sub ax, failing
  report16 ax
  cli
  hlt`;
    expect(reportsOf(source)).toBe('0');
  });
});

describe('protected mode: segments', () => {
  it.each([
    ['beyond the table', 'mov ax, 0x1f8\n mov ds, ax', 'e0d 1f8'],
    ['absent', 'mov ax, ABSENT\n mov ds, ax', 'e0b 68'],
    ['absent for SS', 'mov ax, ABSENT\n mov ss, ax', 'e0c 68'],
    ['null for SS', 'xor ax, ax\n mov ss, ax', 'e0d 0'],
    ['read-only for SS', 'mov ax, READONLY\n mov ss, ax', 'e0d 70'],
    ['system descriptor', 'mov ax, TSS2\n mov es, ax', 'e0d 78'],
    ['RPL 3 for SS at privilege 0', 'mov ax, DATA0 + 3\n mov ss, ax', 'e0d 10'],
    ['in the LDT beyond its limit', 'mov ax, 0x1c\n mov ds, ax', 'e0d 1c'],
    ['write to a read-only segment', 'mov ax, READONLY\n mov es, ax\n mov [es:0], eax', 'e0d 0'],
    ['read through null', 'xor ax, ax\n mov es, ax\n mov eax, [es:0]', 'e0d 0'],
    ['below an expand-down limit', 'mov ax, DOWN\n mov es, ax\n mov eax, [es:0xfffffc]', 'e0d 0'],
    ['far jump to data', 'jmp DATA0:0', 'e0d 10'],
    ['far jump to null', 'jmp 0:0', 'e0d 0'],
    ['far jump to absent', 'jmp ABSENT:0', 'e0d 68'],
    ['LTR of a busy TSS', 'mov ax, TSS\n ltr ax', 'e0d 28'],
    ['LLDT of a TSS', 'mov ax, TSS2\n lldt ax', 'e0d 78'],
    ['MOV CS', 'db 0x8e, 0xc8', 'e06'],
    ['paging without protection', 'mov eax, 0x80000000\n mov cr0, eax', 'e0d 0'],
    ['NW without CD', 'mov eax, 0x20000001\n mov cr0, eax', 'e0d 0'],
    ['reserved bit of CR4', 'mov eax, 0x80000000\n mov cr4, eax', 'e0d 0'],
    ['CR5', 'db 0x0f, 0x22, 0xe8', 'e06'],
    ['unknown MSR', 'mov ecx, 0x12345\n rdmsr', 'e0d 0'],
    ['divide error', 'xor ecx, ecx\n div ecx', 'e00'],
  ])('%s', (_name, code, expected) => {
    const [name, ...lines] = code.split('\n');
    const setUp = lines.length > 0 ? [name, ...lines.slice(0, -1)].join('\n') : '';
    const failing = lines.at(-1) ?? name;
    expect(reportsOf(inProtectedMode(`${setUp}\n faulting ${failing}`))).toBe(expected);
  });

  it('sets accessed bits, reads limits and rights', () => {
    const body = `
  mov byte [gdt + 0x10 + 5], 0x92
  mov ax, DATA0
  mov fs, ax
  movzx eax, byte [gdt + 0x15]
  report eax
  mov cx, DATA0
  lar eax, cx
  report eax
  lsl eax, cx
  report eax
  mov cx, 0x1f8
  lar eax, cx
  setz al
  movzx eax, al
  report eax
  mov cx, READONLY
  verw cx
  setz al
  movzx eax, al
  report eax
  verr cx
  setz al
  movzx eax, al
  report eax
  sldt eax
  report eax
  str eax
  report eax
  smsw eax
  report eax
  sgdt [0x3000]
  movzx eax, word [0x3000]
  report eax`;
    expect(reportsOf(inProtectedMode(body))).toBe('93 cf9300 ffffffff 0 0 1 30 28 60000011 af');
  });
});

/** Enters privilege 3 at \`user\`, which comes back through INT 0x40 (a gate of DPL 3) to \`back\`. */
const RING3 = `
  setgate 0x40, back, 0xee00
  push DATA3
  push 0x5800
  push %1
  push CODE3
  push user
  iretd
user:
`;
const ring3 = (code: string, after = 'report 0x999', flags = '0x3002'): string =>
  inProtectedMode(`${RING3.replace('%1', flags)}\n${code}\n int 0x40\nback:\n ${after}`);

describe('protected mode: privilege', () => {
  it('IRET enters privilege 3 and INT comes back on the stack of the TSS', () => {
    const after = `
  mov ax, cs
  movzx eax, ax
  report eax
  report esp
  report [esp + 4]
  report [esp + 12]
  report [esp + 16]
  mov ax, ds
  movzx eax, ax
  report eax`;
    const code = ' mov ax, cs\n movzx eax, ax\n report eax\n mov ax, ds\n movzx eax, ax\n report eax\n mov ax, DATA3\n mov ds, ax';
    expect(reportsOf(ring3(code, after))).toBe('1b 0 8 6fec 1b 5800 23 23');
  });

  it.each([
    ['CLI', 'cli'],
    ['HLT', 'hlt'],
    ['MOV CR0', 'mov eax, cr0'],
    ['LGDT', 'lgdt [ss:gdtr]'],
    ['RDMSR', 'rdmsr'],
    ['INVLPG', 'invlpg [ss:0]'],
    ['CLTS', 'clts'],
    ['WBINVD', 'wbinvd'],
    ['MOV DR7', 'mov eax, dr7'],
    ['LTR', 'ltr ax'],
    ['IN without bitmap', 'in al, 0x60'],
  ])('%s is #GP(0) at privilege 3', (_name, code) => {
    const body = inProtectedMode(
      `  setgate 13, gp, 0x8e00\n${RING3.replace('%1', '0x2')}\n ${code}\n int 0x40\nback:\n report 0xbad\n cli\n hlt\ngp:\n report 0x13\n report [esp]`,
    );
    expect(reportsOf(body)).toBe('13 0');
  });

  it('INT through a gate of DPL 0 is #GP with the gate', () => {
    const body = inProtectedMode(
      `  setgate 13, gp, 0x8e00\n${RING3.replace('%1', '0x2')}\n int 8\n int 0x40\nback:\n report 0xbad\n cli\n hlt\ngp:\n report [esp]`,
    );
    expect(reportsOf(body)).toBe('42');
  });

  it('POPF at privilege 3 keeps IOPL, and IF when IOPL is 0', () => {
    const code = ' push dword 0x3ed7\n popfd\n pushfd\n pop eax\n mov ebx, eax';
    const guest = new Guest(ring3(code, 'nop', '0x2')).run();
    expect(guest.register(3) & 0x3fd7).toBe(0xcd7);
  });

  it('the I/O bitmap of the TSS decides per port and per byte', () => {
    const setUp = `
  mov word [tss + 0x66], 0x68
  mov word [gdt + 0x28], 0x68 + 0x20
  mov byte [gdt + 0x2d], 0x89
  mov ax, TSS
  ltr ax
  mov dword [tss + 0x68 + 0x10], 0xfffffff2
  setgate 13, gp, 0x8e00
`;
    const body = `${setUp}${RING3.replace('%1', '0x2')}
  in al, 0x80
  movzx ebx, al
  in ax, 0x82
  mov ecx, eax
  in ax, 0x80
  int 0x40
back:
  report 0xbad
  hlt
gp:
  movzx ecx, cx
  report ebx
  report ecx
  report [esp]`;
    expect(reportsOf(inProtectedMode(body))).toBe('1 303 0');
  });

  it('call gates switch stacks and copy parameters; RETF releases them on both', () => {
    const body = `${RING3.replace('%1', '0x3002')}
  push dword 0x1111
  push dword 0x2222
  call GATE:0
  mov ebx, esp
  int 0x40
back:
  report ebx
  cli
  hlt
gate_target:
  report esp
  report [esp + 8]
  report [esp + 12]
  report [esp + 16]
  report [esp + 20]
  mov ax, cs
  movzx eax, ax
  report eax
  retf 8`;
    expect(reportsOf(inProtectedMode(body, '%define GATE_TARGET'))).toBe('6fe8 2222 1111 57f8 23 8 5800');
  });

  it('virtual-8086 mode: INT with IOPL 0 is #GP, segments are real, IRET returns', () => {
    const body = `
  setgate 13, gp, 0x8e00
  push 0x111
  push 0x222
  push 0x333
  push 0x444
  push 0x100
  push 0x800
  push 0x20002
  push 0
  push v86
  iretd
bits 16
v86:
  mov ax, ds
  mov bx, es
  int 0x21
bits 32
gp:
  movzx eax, ax
  report eax
  movzx ebx, bx
  report ebx
  report [esp]
  report [esp + 16]
  report [esp + 24]
  mov eax, [esp + 12]
  shr eax, 16
  report eax
  mov ax, ds
  movzx eax, ax
  report eax`;
    expect(reportsOf(inProtectedMode(body))).toBe('333 444 0 800 444 3 0');
  });
});

describe('protected mode: faults in delivery', () => {
  it('a missing gate makes a double fault', () => {
    const body = ' mov dword [0x1000 + 13 * 8 + 4], 0\n faulting mov ax, 0x1f8\n';
    const source = inProtectedMode(
      `${body}  mov dword [resume], next\n  mov ax, 0x1f8\n  mov ds, ax\n  report 0xbad\nnext:\n`.replace(' faulting mov ax, 0x1f8\n', ''),
    );
    expect(reportsOf(source)).toBe('e08 0');
  });

  it('a missing double-fault gate shuts the CPU down', () => {
    const body = ' mov dword [0x1000 + 13 * 8 + 4], 0\n mov dword [0x1000 + 8 * 8 + 4], 0\n mov ax, 0x1f8\n mov ds, ax\n report 0xbad';
    const guest = new Guest(inProtectedMode(body)).run();
    expect(guest.core.cpu.get32(ACTIVITY)).toBe(ACTIVITY_SHUTDOWN);
    expect(guest.hex).toBe('');
  });

  it('error codes of faults in the delivery of an exception have EXT', () => {
    const body = `
  mov dword [0x1000 + 6 * 8 + 4], 0x0e00
  faulting ud2`;
    expect(reportsOf(inProtectedMode(body))).toBe('e0b 33');
  });
});

describe('tasks', () => {
  const options = '%define TASK2';

  it('CALL of a TSS nests, IRET goes back', () => {
    const body = `
  mov ebp, 0x1234
  call TSS2:0
  pushfd
  pop eax
  and eax, 0x4000
  report eax
  report ebp
  mov eax, cr0
  and eax, 8
  report eax
  str eax
  report eax
  cli
  hlt
task2:
  report eax
  report ebp
  str eax
  report eax
  movzx eax, word [tss2]
  report eax
  pushfd
  pop eax
  and eax, 0x4000
  report eax
  movzx eax, byte [gdt + 0x7d]
  report eax
  iretd`;
    expect(reportsOf(inProtectedMode(body, options))).toBe('111 666 78 28 4000 8b 0 1234 8 28');
  });

  it('JMP leaves the old TSS available; an exception goes through a task gate with its error code', () => {
    const body = `
  mov dword [0x1000 + 13 * 8], TSS2 << 16
  mov dword [0x1000 + 13 * 8 + 4], 0x8500
  mov ax, 0x1f8
  mov ds, ax
  report 0xbad
task2:
  pop eax
  report eax
  report esp
  movzx eax, word [tss2]
  report eax
  movzx eax, byte [gdt + 0x2d]
  report eax
  mov dword [tss2 + 0x20], 0
  mov eax, [tss + 0x20]
  sub eax, task2
  report eax`;
    expect(reportsOf(inProtectedMode(body, options))).toMatch(/^1f8 5000 28 8b ffff/);
  });

  it('a JMP to a busy TSS is #GP', () => {
    expect(reportsOf(inProtectedMode(' faulting jmp TSS:0'))).toBe('e0d 28');
  });
});

describe('paging', () => {
  it('a page fault gives CR2 and the error code', () => {
    const body = `
  mov edi, 0x100000
  mov ecx, 1024
  xor eax, eax
  mov eax, 3
fill:
  stosd
  add eax, 0x1000
  loop fill
  mov dword [0x100000 + 0x300 * 4], 0x300001
  mov dword [0x100000 + 0x301 * 4], 0
  mov dword [0x102000], 0x100003
  mov eax, 0x102000
  mov cr3, eax
  mov eax, 0x80010011
  mov cr0, eax
  faulting mov [0x300010], eax
  mov eax, cr2
  report eax
  faulting mov eax, [0x301020]
  mov eax, cr2
  report eax
  mov dword [0x100000 + 0x301 * 4], 0x200003
  mov dword [0x200020], 0x77
  mov eax, [0x301020]
  report eax
  mov dword [0x100000 + 0x301 * 4], 0x201003
  invlpg [0x301020]
  mov dword [0x201020], 0x78
  mov eax, [0x301020]
  report eax`;
    expect(reportsOf(inProtectedMode(body))).toBe('e0e 3 300010 e0e 0 301020 77 78');
  });
});

const LONG = `
  ; identity map of 4 MiB with 2 MiB pages, user, and the same at ffff8000_00000000
  mov dword [0x100000], 0x101007
  mov dword [0x100000 + 256 * 8], 0x101007
  mov dword [0x101000], 0x102007
  mov dword [0x102000], 0x87
  mov dword [0x102008], 0x200087
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, 0x100000
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x901
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  jmp CODE64:long_mode
bits 64
%macro setgate64 3
  mov rax, %2
  mov word [0x2000 + %1 * 16], ax
  mov word [0x2002 + %1 * 16], CODE64
  mov word [0x2004 + %1 * 16], %3
  shr rax, 16
  mov word [0x2006 + %1 * 16], ax
  shr rax, 16
  mov dword [0x2008 + %1 * 16], eax
  mov dword [0x200c + %1 * 16], 0
%endmacro
idtr64: dw 0xfff
  dq 0x2000
long_mode:
  lidt [idtr64]
  mov ax, TSS64
  ltr ax
  xor eax, eax
  mov ss, ax
  mov ds, ax
  mov rsp, 0x5ff8
`;
const inLongMode = (body: string): string => inProtectedMode(`${LONG}\n${body}`);
const REPORT_SP = 'mov rax, rsp\n report eax';
/** A program that starts in 64-bit code at privilege 0. */
function longSource(body: string): string {
  const source = inLongMode(body);
  const at = source.indexOf('bits 64');
  const macros = `%macro report 1\n  mov [SAVED], rax\n  mov eax, %1\n  out ${REPORT_PORT}, eax\n  mov rax, [SAVED]\n%endmacro\n`;
  return `${source.slice(0, at)}%unmacro report 1\n${macros}${source.slice(at)}`;
}
const run64 = (body: string, model?: CpuModel): string => reportsOf(longSource(body), model);

describe('IA-32e mode', () => {
  it('runs 64-bit code; a frame is aligned and has SS:RSP', () => {
    const body = `
  setgate64 0x40, handler40, 0x8e00
  int 0x40
after:
  report 0x99
  cli
  hlt
handler40:
  ${REPORT_SP}
  report [rsp + 8]
  report [rsp + 24]
  report [rsp + 32]
  iretq
  `;
    expect(run64(body)).toBe('5fc8 50 5ff8 0 99');
  });

  it('IST entries give the stack', () => {
    const body = `
  setgate64 6, handler_ud, 0x8e01
  ud2
handler_ud:
  ${REPORT_SP}
  report [rsp + 24]`;
    expect(run64(body)).toBe('67d8 5ff8');
  });

  it('SYSRET that sets TF traps at once, with the privilege and address of the program; SYSCALL that masks TF does not', () => {
    const body = `
  setgate64 1, debug, 0x8e00
  mov ecx, 0xc0000081
  xor eax, eax
  mov edx, 0x9b0050
  wrmsr
  mov ecx, 0xc0000082
  mov rax, entry + 0xffff800000000000
  mov rdx, rax
  shr rdx, 32
  wrmsr
  mov ecx, 0xc0000084
  mov eax, 0x100
  xor edx, edx
  wrmsr
  mov rcx, user
  mov r11, 0x102
  o64 sysret
user:
  syscall
after:
  hlt
debug:
  mov rax, [rsp]
  sub rax, user
  report eax
  report [rsp + 8]
  iretq
entry:
  mov rsp, 0x5000
  report r11d
  sub rcx, after
  report ecx
  cli
  hlt`;
    expect(run64(body)).toBe('0 ab 102 0');
  });

  it('SYSCALL, SWAPGS and SYSRET', () => {
    const body = `
  mov ecx, 0xc0000081
  xor eax, eax
  mov edx, 0x9b0050
  wrmsr
  mov ecx, 0xc0000082
  mov rax, entry + 0xffff800000000000
  mov rdx, rax
  shr rdx, 32
  wrmsr
  mov ecx, 0xc0000084
  mov eax, 0x600
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000102
  mov eax, 0x11223344
  mov edx, 0xffff8000
  wrmsr
  mov ecx, 0xc0000101
  mov eax, 0x1000
  xor edx, edx
  wrmsr
  mov rcx, user
  mov r11, 0x3602
  o64 sysret
user:
  mov ax, cs
  movzx eax, ax
  mov ebx, eax
  mov ax, ss
  movzx eax, ax
  mov ebp, eax
  syscall
after:
  hlt
entry:
  mov rsp, 0x5000
  report ebx
  report ebp
  report r11d
  sub rcx, after
  report ecx
  pushfq
  pop rax
  and eax, 0x3600
  report eax
  lea rax, [rel entry]
  shr rax, 32
  report eax
  swapgs
  mov ecx, 0xc0000101
  rdmsr
  report edx
  report eax
  mov ecx, 0xc0000102
  rdmsr
  report eax
  mov ax, cs
  movzx eax, ax
  report eax
  mov ax, ss
  movzx eax, ax
  report eax`;
    expect(run64(body)).toBe('ab a3 3602 0 3000 ffff8000 ffff8000 11223344 1000 50 58');
  });

  it('IRETQ to 64-bit code at privilege 3 and back by an interrupt', () => {
    const body = `
  setgate64 0x40, back, 0xee00
  push 0xa3
  push 0x5000
  push 0x3202
  push CODE64U
  push user
  iretq
user:
  int 0x40
back:
  ${REPORT_SP}
  report [rsp + 8]
  report [rsp + 16]
  report [rsp + 24]
  report [rsp + 32]
  mov ax, ss
  movzx eax, ax
  report eax`;
    expect(run64(body)).toBe('6fd8 ab 3202 5000 a3 0');
  });

  it('a compatibility segment runs 32-bit code and returns by a far jump', () => {
    const body = `
  mov ax, DATA0
  mov ds, ax
  mov ss, ax
  jmp dword far [rel pointer]
pointer: dd compat
  dw CODE0
bits 32
compat:
  inc eax
  db 0x40
  mov eax, 0x55
  out ${REPORT_PORT}, eax
  jmp CODE64:again
bits 64
again:
  report 0x66`;
    expect(run64(body)).toBe('55 66');
  });

  it.each([
    ['a base that is not canonical', 'mov ecx, 0xc0000100\n mov edx, 0x8000\n wrmsr'],
    ['leaving paging in 64-bit code', 'mov eax, 0x11\n mov cr0, rax'],
    ['clearing PAE', 'xor eax, eax\n mov cr4, rax'],
    ['CR8 above 15', 'mov eax, 16\n mov cr8, rax'],
    [
      'IRETQ to an address that is not canonical',
      'push 0\n push 0x5000\n push 2\n push CODE64\n mov rax, 0x800000000000\n push rax\n iretq',
    ],
    ['nested task', 'push 0x4002\n popfq\n iretq'],
    ['changing LME while paging', 'mov ecx, 0xc0000080\n rdmsr\n and eax, ~0x100\n wrmsr'],
  ])('%s is #GP(0)', (_name, code) => {
    expect(run64(` setgate64 13, gp, 0x8e00\n ${code}\n report 0xbad\n hlt\ngp:\n report [rsp]\n report 0x13`)).toBe('0 13');
  });

  it('FS base: 64 bits by MSR, FSGSBASE instructions when announced', () => {
    const body = `
  mov ecx, 0xc0000100
  mov eax, 0x3000
  mov edx, 0
  wrmsr
  mov dword [0x3010], 0x4711
  mov eax, [fs:0x10]
  report eax
  mov rax, cr4
  or eax, 0x10000
  mov cr4, rax
  rdfsbase rax
  report eax
  mov eax, 0x4000
  wrgsbase rax
  mov dword [0x4008], 0x4712
  mov eax, [gs:8]
  report eax`;
    expect(run64(body, CPU_MODELS.max)).toBe('4711 3000 4712');
  });

  it('the model without a feature raises #UD for its instructions', () => {
    const body = ' setgate64 6, ud, 0x8e00\n rdfsbase rax\n report 0xbad\n hlt\nud:\n report 0x6';
    expect(run64(body)).toBe('6');
  });
});

describe('protected mode: more ways between privileges', () => {
  it('SYSENTER and SYSEXIT use three registers and flat segments', () => {
    // SYSENTER_CS 88h would need its own layout; 8 gives code 8, stack 10h, and for privilege 3 code 1Bh, stack 23h.
    const body = `
  mov ecx, 0x174
  mov eax, 8
  xor edx, edx
  wrmsr
  inc ecx
  mov eax, 0x4f00
  wrmsr
  inc ecx
  mov eax, entry
  wrmsr
  mov edx, user
  mov ecx, 0x5000
  sysexit
user:
  mov ax, cs
  movzx ebx, ax
  mov ax, ss
  movzx ebp, ax
  mov esi, esp
  sysenter
entry:
  report ebx
  report ebp
  report esi
  report esp
  mov ax, ss
  movzx eax, ax
  report eax`;
    expect(reportsOf(inProtectedMode(body))).toBe('1b 23 5000 4f00 10');
  });

  it('IRET to an outer privilege drops data segments that it may not use', () => {
    const setUp = ' mov ax, DATA0\n mov fs, ax\n mov ax, DATA3\n mov es, ax\n mov ax, CONFORMING\n mov gs, ax\n';
    const code = ' mov ax, fs\n movzx ebx, ax\n mov ax, es\n movzx ecx, ax\n mov ax, gs\n movzx edx, ax';
    const body = `${setUp}${RING3.replace('%1', '0x2')}${code}\n int 0x40\nback:\n report ebx\n report ecx\n report edx`;
    expect(reportsOf(inProtectedMode(body))).toBe('0 23 80');
  });

  it('conforming code runs at the privilege of its caller', () => {
    const body = `${RING3.replace('%1', '0x2')}
  call CONFORMING:inner
  int 0x40
back:
  report ebx
  cli
  hlt
inner:
  mov ax, cs
  movzx ebx, ax
  retf`;
    expect(reportsOf(inProtectedMode(body))).toBe('83');
  });

  it('a 16-bit gate pushes words', () => {
    const body = `
  setgate 0x41, small, 0x8600
  mov ebp, esp
  int 0x41
after:
  report 0x77
  cli
  hlt
small:
  sub ebp, esp
  report ebp
  movzx eax, word [esp]
  sub eax, after
  report eax
  o16 iret`;
    expect(reportsOf(inProtectedMode(body))).toBe('6 0 77');
  });

  it('virtual-8086 mode with IOPL 3 interrupts and resumes', () => {
    const body = `
  setgate 0x21, service, 0xee00
  setgate 13, gp, 0x8e00
  push 0
  push 0
  push 0x333
  push 0x444
  push 0x100
  push 0x800
  push 0x23002
  push 0
  push v86
  iretd
bits 16
v86:
  int 0x21
  pushf
  pop bx
  mov ax, ds
  hlt
bits 32
service:
  mov ebx, [esp + 20]
  report ebx
  mov eax, [esp + 8]
  shr eax, 17
  and eax, 1
  report eax
  iretd
gp:
  movzx eax, ax
  report eax
  and ebx, 0x3000
  report ebx
  report [esp]`;
    expect(reportsOf(inProtectedMode(body))).toBe('444 1 333 3000 0');
  });

  it('BOUND, INTO and INT3', () => {
    const body = `
  setgate 3, int3, 0x8e00
  setgate 4, into, 0x8e00
  setgate 5, handler5, 0x8e00
  mov dword [0x3000], -5
  mov dword [0x3004], 5
  mov eax, -5
  bound eax, [0x3000]
  mov eax, 6
  faulting bound eax, [0x3000]
  int3
  mov al, 0x7f
  add al, 1
  into
  add al, 1
  into
  report 0x66
  cli
  hlt
int3:
  report 3
  iretd
into:
  report 4
  iretd
plainhandler 5`;
    expect(reportsOf(inProtectedMode(body))).toBe('e05 3 4 66');
  });

  it('a page fault in the delivery of a page fault is a double fault, on the stack of a task', () => {
    const body = `
  mov edi, 0x100000
  mov ecx, 1024
  mov eax, 3
fill:
  stosd
  add eax, 0x1000
  loop fill
  mov dword [0x102000], 0x100003
  mov eax, 0x102000
  mov cr3, eax
  mov [tss2 + 0x1c], eax
  mov eax, 0x80010011
  mov cr0, eax
  mov dword [0x1000 + 8 * 8], TSS2 << 16
  mov dword [0x1000 + 8 * 8 + 4], 0x8500
  mov dword [0x100000 + 0x300 * 4], 0
  invlpg [0x300000]
  mov esp, 0x300100
  push eax
  report 0xbad
task2:
  pop eax
  report eax
  mov eax, cr2
  report eax
  report esp`;
    expect(reportsOf(inProtectedMode(body, '%define TASK2'))).toBe('0 3000fc 5000');
  });
});

describe('IA-32e mode: more', () => {
  it('an interrupt from compatibility code at privilege 3 has a 64-bit frame', () => {
    const body = `
  setgate64 0x40, back, 0xee00
  push 0x23
  push 0x5000
  push 0x3202
  push CODE3
  push user
  iretq
bits 32
user:
  push dword 0x1234
  int 0x40
bits 64
back:
  mov rax, rsp
  report eax
  report [rsp + 8]
  report [rsp + 24]
  report [rsp + 32]
  mov rcx, [rsp + 24]
  report [rcx]`;
    expect(reportsOf(longSource(body))).toBe('6fd8 1b 4ffc 23 1234');
  });

  it('a 64-bit call gate switches to RSP0 and a null SS', () => {
    // 16 bytes: over TSS2 and CONFORMING
    const body = `
WIDE equ 0x78
  mov rax, inner
  mov word [gdt + WIDE], ax
  mov word [gdt + WIDE + 2], CODE64
  mov dword [gdt + WIDE + 4], 0xec00
  mov dword [gdt + WIDE + 8], 0
  mov dword [gdt + WIDE + 12], 0
  push 0xa3
  push 0x5000
  push 0x2
  push CODE64U
  push user
  iretq
user:
  call dword far [abs pointer]
  nop
pointer: dd 0
  dw WIDE + 3
inner:
  mov rax, rsp
  report eax
  mov rax, [rsp]
  sub rax, user
  report eax
  report [rsp + 8]
  report [rsp + 16]
  report [rsp + 24]
  mov ax, ss
  movzx eax, ax
  report eax`;
    expect(reportsOf(longSource(body))).toBe('6fe0 7 ab 5000 a3 0');
  });

  it('CMPXCHG16B exchanges aligned operands and faults on others', () => {
    const body = `
  setgate64 13, gp, 0x8e00
  mov rdi, 0x3000
  mov qword [rdi], 5
  mov qword [rdi + 8], 6
  mov eax, 5
  mov edx, 6
  mov rbx, 0x700000001
  mov ecx, 9
  cmpxchg16b [rdi]
  setz al
  movzx eax, al
  report eax
  report [rdi + 4]
  report [rdi + 8]
  xor eax, eax
  cmpxchg16b [rdi]
  shr rax, 32
  report eax
  report edx
  inc rdi
  cmpxchg16b [rdi]
  report 0xbad
gp:
  report 0x13`;
    expect(reportsOf(longSource(body))).toBe('1 7 9 7 9 13');
  });

  it('a write to CR3 or INVLPG makes new translations visible, global pages stay over the former', () => {
    const body = `
  mov rax, cr4
  or eax, 0x80
  mov cr4, rax
  ; linear 600000 and 800000 through 2 MiB pages
  mov dword [0x102018], 0x187
  mov dword [0x102020], 0x87
  mov dword [0x3000], 0x11
  mov dword [0x203000], 0x22
  mov eax, [0x603000]
  report eax
  mov eax, [0x803000]
  report eax
  mov dword [0x102018], 0x200187
  mov dword [0x102020], 0x200087
  mov rax, cr3
  mov cr3, rax
  mov eax, [0x603000]
  report eax
  mov eax, [0x803000]
  report eax
  invlpg [0x603000]
  mov eax, [0x603000]
  report eax`;
    expect(reportsOf(longSource(body))).toBe('11 11 11 22 22');
  });
});

describe('events', () => {
  const HANDLER = `${REPORT}
bits 16
  mov sp, 0x7000
  mov word [0x30 * 4], handler
  mov word [0x30 * 4 + 2], 0
  mov word [2 * 4], nmi
  mov word [2 * 4 + 2], 0
  mov word [1 * 4], debug
  mov word [1 * 4 + 2], 0
`;
  const HANDLERS = `
handler:
  report16 0x30
  iret
nmi:
  report16 2
  iret
debug:
  push bp
  mov bp, sp
  push ax
  mov ax, [bp + 2]
  sub ax, base
  report16 ax
  pop ax
  pop bp
  iret
`;

  it('an interrupt waits for IF, and one instruction more after STI', () => {
    const guest = new Guest(`${HANDLER}
base:
  report16 1
  sti
  nop
  report16 3
  cli
  hlt
${HANDLERS}`);
    guest.onReport = (value) => {
      if (value === 1) guest.raise(0x30);
    };
    expect(guest.run().hex).toBe('1 30 3');
  });

  const PAUSES = `
  mov al, 1
  out ${REPORT_PORT}, al
  pause
  mov al, 2
  out ${REPORT_PORT}, al
  pause
  mov al, 3
  out ${REPORT_PORT}, al
  cli
  hlt
`;

  it('PAUSE ends the slice while other CPUs have work', () => {
    const guest = new Guest(PAUSES, DEFAULT_CPU_MODEL, { sharesTime: () => true });
    const seen = [1, 2, 3].map(() => {
      runSlice(guest.core, guest.port, 500);
      return guest.hex;
    });
    expect(seen).toEqual(['1', '1 2', '1 2 3']);
    expect(guest.core.cpu.get32(EVENTS)).toBe(0);
  });

  it('PAUSE does nothing for a CPU that is alone', () => {
    const guest = new Guest(PAUSES, DEFAULT_CPU_MODEL, { sharesTime: () => false });
    runSlice(guest.core, guest.port, 500);
    expect(guest.hex).toBe('1 2 3');
  });

  it('STI and HLT as the last instruction do not lose the wake-up', () => {
    const guest = new Guest(`${HANDLER}
base:
  report16 1
  sti
  hlt
  report16 3
  cli
  hlt
${HANDLERS}`);
    guest.onReport = (value) => {
      if (value === 1) guest.raise(0x30);
    };
    expect(guest.run().hex).toBe('1 30 3');
    expect(guest.core.cpu.get32(ACTIVITY)).toBe(ACTIVITY_HALTED);
  });

  it('POPF that sets IF lets the interrupt in at once', () => {
    const guest = new Guest(`${HANDLER}
base:
  report16 1
  push word 0x202
  popf
  report16 3
  cli
  hlt
${HANDLERS}`);
    guest.onReport = (value) => {
      if (value === 1) guest.raise(0x30);
    };
    expect(guest.run().hex).toBe('1 30 3');
  });

  it('an NMI comes with IF clear, and none more before IRET', () => {
    const guest = new Guest(`${HANDLER}
base:
  report16 1
  mov cx, 3
again:
  loop again
  report16 3
  cli
  hlt
${HANDLERS}`);
    guest.onReport = (value) => {
      if (value === 1 || (value === 2 && guest.reports.length < 3)) guest.post(EVENT_NMI);
    };
    expect(guest.run().hex).toBe('1 2 2 3');
  });

  it('two NMIs that came before one was taken are taken one after the other', () => {
    const guest = new Guest(`${HANDLER}
base:
  report16 1
  mov cx, 3
again:
  loop again
  report16 3
  cli
  hlt
${HANDLERS}`);
    guest.onReport = (value) => {
      if (value === 1) guest.post(EVENT_NMI | EVENT_NMI_NEXT);
    };
    expect(guest.run().hex).toBe('1 2 2 3');
  });

  it('TF traps after each instruction, not after the one that loads SS', () => {
    const guest = new Guest(`${HANDLER}
  push word 0x102
  popf
base:
  nop
  mov ax, ss
  mov ss, ax
  nop
  push word 2
  popf
  nop
  cli
  hlt
${HANDLERS}`);
    expect(guest.run().hex).toBe('1 3 6 8 9');
    expect(guest.core.cpu.get32(DR6) & 0x4000).toBe(0x4000);
  });

  it('REP traps after each element', () => {
    const guest = new Guest(`${HANDLER}
  mov di, 0x3000
  mov cx, 3
  push word 0x102
  popf
base:
  rep stosb
  push word 2
  popf
  cli
  hlt
${HANDLERS}`);
    expect(guest.run().hex).toBe('0 0 2 4 5');
  });

  it('data breakpoints trap after the access', () => {
    const source = `${HANDLER}
  mov eax, 0x3004
  mov dr0, eax
  mov eax, 0x000d0002
  mov dr7, eax
base:
  mov word [0x3000], 1
  mov word [0x3006], 1
  nop
  cli
  hlt
${HANDLERS}`;
    const data = new Guest(source).run();
    expect(data.hex).toBe('c');
    expect(data.core.cpu.get32(DR6) & 0xf).toBe(1);
  });

  it('a debug exception says in DR6 which breakpoints it is for, and leaves the other bits as they are', () => {
    const guest = new Guest(`${HANDLER}
  mov eax, 0x4002
  mov dr6, eax
  mov eax, 0x3000
  mov dr0, eax
  mov eax, 0x000d0002
  mov dr7, eax
base:
  mov word [0x3000], 1
  cli
  hlt
${HANDLERS}`).run();
    expect(guest.hex).toBe('6');
    expect(guest.core.cpu.get32(DR6) & 0xf00f).toBe(0x4001);
  });

  it.each([
    ['INT1 are one exception', 'db 0xf1\n  nop', '5', 1],
    ['INT 1 are two, the trap first', 'int 1\n  nop', '25 6', 1],
  ])('a data breakpoint that a load of SS holds off and %s', (_what, body, reported, hits) => {
    const guest = new Guest(`${HANDLER}
  mov [0x3000], ss
  mov eax, 0x3000
  mov dr0, eax
  mov eax, 0x000f0002
  mov dr7, eax
base:
  mov ss, [0x3000]
  ${body}
  cli
  hlt
${HANDLERS}`).run();
    expect(guest.hex).toBe(reported);
    expect(guest.core.cpu.get32(DR6) & 0xf).toBe(hits);
  });

  it('code breakpoints fault before the instruction, RF lets it pass', () => {
    const body = `
  setgate 1, hit, 0x8e00
  mov eax, target
  mov dr1, eax
  mov eax, 8
  mov dr7, eax
  xor ebx, ebx
target:
  inc ebx
  report ebx
  cli
  hlt
hit:
  report 0xdb
  mov eax, [esp]
  sub eax, target
  report eax
  or dword [esp + 8], 0x10000
  iretd`;
    expect(reportsOf(inProtectedMode(body))).toBe('db 0 1');
  });

  it('INIT makes an application processor wait for SIPI, which starts it', () => {
    const guest = new Guest(`${HANDLER}\nbase:\n  cli\n  hlt\n${HANDLERS}`).run();
    const { cpu } = guest.core;
    guest.post(EVENT_INIT);
    const port: InterruptPort = { bootstrap: false, acknowledge: () => -1 };
    expect(takeEvents(cpu, port)).toBe(false);
    expect(cpu.get32(ACTIVITY)).toBe(ACTIVITY_WAIT_FOR_SIPI);
    guest.post(EVENT_NMI);
    expect(takeEvents(cpu, port)).toBe(false);
    cpu.set32(SIPI_VECTOR, 0x9a);
    guest.post(EVENT_SIPI);
    expect(isRunnable(cpu)).toBe(true);
    expect(takeEvents(cpu, port)).toBe(true);
    expect([cpu.selector(CS), cpu.segmentBase(CS)]).toEqual([0x9a00, 0x9_a000]);
  });

  it('INIT and SIPI that come before the CPU looks are taken in one go', () => {
    const guest = new Guest(`${HANDLER}\nbase:\n  cli\n  hlt\n${HANDLERS}`).run();
    const { cpu } = guest.core;
    guest.post(EVENT_INIT);
    cpu.set32(SIPI_VECTOR, 0x9f);
    guest.post(EVENT_SIPI);
    expect(takeEvents(cpu, { bootstrap: false, acknowledge: () => -1 })).toBe(true);
    expect([cpu.segmentBase(CS), cpu.getLong(RIP)]).toEqual([0x9_f000, 0]);
  });

  it('task priority and the APIC base go to the local APIC', () => {
    const written: number[] = [];
    const services: Partial<CpuServices> = {
      apicId: () => 5,
      readTpr: () => 0x73,
      writeTpr: (_index, value) => void written.push(value),
      readApicBase: (_index, into) => {
        into.low = 0xfee0_0900;
        into.high = 1;
      },
      writeApicBase: (_index, low) => {
        written.push(low);
        return (low & 0x400) === 0;
      },
      unknownMsr: (_index, msr) => msr === 0x12345,
    };
    const body = `
  mov ecx, 0x1b
  rdmsr
  report edx
  report eax
  mov eax, 0xfee00800
  wrmsr
  mov eax, 1
  cpuid
  shr ebx, 24
  report ebx
  mov ecx, 0x12345
  wrmsr
  rdmsr
  report eax
  mov ecx, 0x1b
  mov eax, 0x400
  faulting wrmsr`;
    expect(new Guest(inProtectedMode(body), DEFAULT_CPU_MODEL, services).run().hex).toBe('1 fee00900 5 0 e0d 0');
    expect(written).toEqual([0xfee0_0800, 0x400]);
    const long = new Guest(longSource(' mov rax, cr8\n report eax\n mov eax, 9\n mov cr8, rax'), DEFAULT_CPU_MODEL, services).run();
    expect([long.hex, written.at(-1)]).toEqual(['7', 0x90]);
  });

  it('the APIC base has no address bits beyond the 40 of the processor; one that is off is not announced', () => {
    let low = 0xfee0_0900;
    const services: Partial<CpuServices> = {
      readApicBase: (_index, into) => {
        into.low = low;
        into.high = 0;
      },
      writeApicBase: (_index, value) => {
        low = value;
        return true;
      },
    };
    const body = `
  mov ecx, 0x1b
  mov eax, 0xfee00800
  mov edx, 0x100
  faulting wrmsr
  mov eax, 1
  cpuid
  and edx, 0x200
  report edx
  mov ecx, 0x1b
  mov eax, 0xfee00000
  xor edx, edx
  wrmsr
  mov eax, 1
  cpuid
  and edx, 0x200
  report edx
  mov eax, 0x80000001
  cpuid
  and edx, 0x200
  report edx`;
    expect(new Guest(inProtectedMode(body), DEFAULT_CPU_MODEL, services).run().hex).toBe('e0d 0 200 0 0');
  });

  it.each([
    ['0', 0x400, 0, 0, false],
    ['all ones', 0x400, -1, -1, false],
    ['all but the bit that Linux clears on the K8', 0x410, -0x401, -1, false],
    ['other values', 0x400, 1, 0, true],
    ['a status', 0x401, 1, 0, true],
    ['an address', 0x402, 1, -1, false],
    ['a register of a bank that is not there', 0x400 + 4 * 10, 0, 0, true],
  ])('machine-check registers: %s', (_what, number, eax, edx, faults) => {
    const body = ` mov ecx, ${number}\n mov eax, ${eax >>> 0}\n mov edx, ${edx >>> 0}\n ${faults ? 'faulting wrmsr' : 'wrmsr\n rdmsr\n report eax'}`;
    expect(reportsOf(inProtectedMode(body))).toBe(faults ? 'e0d 0' : (eax >>> 0).toString(16));
  });
});

describe('ports and strings', () => {
  it('INS and OUTS repeat over slices', () => {
    const guest = new Guest(`${REPORT}
bits 16
  mov sp, 0x7000
  mov dx, 0x81
  mov di, 0x3000
  mov cx, 5
  rep insb
  report16 di
  report16 [0x3003]
  mov si, 0x3000
  mov dx, 0x80
  mov cx, 2
  rep outsb
  report16 cx
  std
  mov cx, 2
  outsw
  report16 si
  cli
  hlt`);
    const { cpu } = guest.core;
    for (let n = 0; n < 200 && cpu.get32(ACTIVITY) === ACTIVITY_RUNNING; n++) runSlice(guest.core, guest.port, 2);
    expect(guest.hex).toBe('3005 202 2 2 0 202 3000');
  });

  it('ENTER builds the display of nested frames', () => {
    const body = `
  mov ebp, 0x5f00
  mov dword [0x5efc], 0xaaaa
  mov dword [0x5ef8], 0xbbbb
  mov esp, 0x5e00
  enter 0x20, 3
  report ebp
  report esp
  report [0x5dfc]
  report [0x5df8]
  report [0x5df4]
  report [0x5df0]`;
    expect(reportsOf(inProtectedMode(body))).toBe('5dfc 5dd0 5f00 aaaa bbbb 5dfc');
  });
});

describe('reset', () => {
  it('starts at FFFFFFF0 with the signature in EDX', () => {
    const guest = new Guest('hlt');
    const { cpu } = guest.core;
    resetCpu(cpu, true);
    expect([cpu.getLong(RIP), cpu.selector(CS), cpu.segmentBase(CS)]).toEqual([0xfff0, 0xf000, 0xffff_0000]);
    expect([cpu.get32(CR0), cpu.get32(RDX), cpu.flags(), cpu.get32(ACTIVITY)]).toEqual([0x6000_0010, 0x6_0fb1, 2, ACTIVITY_RUNNING]);
    resetCpu(cpu, false);
    expect(cpu.get32(ACTIVITY)).toBe(ACTIVITY_WAIT_FOR_SIPI);
  });
});

describe('CPUID', () => {
  const answer: CpuidAnswer = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const ask = (model: CpuModel, leaf: number, subleaf = 0, apicId = 0): string => {
    model.answer(leaf, subleaf, apicId, answer);
    return [answer.eax, answer.ebx, answer.ecx, answer.edx].map((value) => (value >>> 0).toString(16)).join(' ');
  };

  it('the default is an AMD64 processor with an invariant TSC', () => {
    expect(ask(DEFAULT_CPU_MODEL, 0)).toBe('d 68747541 444d4163 69746e65');
    expect(ask(DEFAULT_CPU_MODEL, 1, 0, 3)).toBe('60fb1 3000800 80002001 78bfbfd');
    expect(ask(DEFAULT_CPU_MODEL, 0x8000_0001)).toBe('60fb1 0 101 2193fbfd');
    expect(ask(DEFAULT_CPU_MODEL, 0x8000_0007)).toBe('0 0 0 100');
    expect(ask(DEFAULT_CPU_MODEL, 0x8000_0008)).toBe('3028 0 0 0');
    expect(ask(DEFAULT_CPU_MODEL, 0x4000_0100)).toBe('0 0 0 0');
  });

  it('topology shows in leaves 1, B and 8000_0008', () => {
    const model = DEFAULT_CPU_MODEL.with({ cores: 3, threads: 2 });
    expect(ask(model, 1, 0, 5)).toBe('60fb1 5060800 80002001 178bfbfd');
    expect(ask(model, 0xb, 0, 5)).toBe('1 2 100 5');
    expect(ask(model, 0xb, 1, 5)).toBe('3 6 201 5');
    expect(ask(model, 0x8000_0008)).toBe('3028 0 3005 0');
  });

  it('features go on and off by name', () => {
    const model = DEFAULT_CPU_MODEL.with({ features: { sse4_1: true, pge: false } });
    expect(model.has('sse41')).toBe(true);
    expect(ask(model, 1).split(' ')[3]).toBe((0x78b_fbfd & ~0x2000).toString(16));
    expect(() => DEFAULT_CPU_MODEL.with({ features: { flux: true } })).toThrow(UnknownFeatureError);
  });

  it('shows OSXSAVE with CR4 on models that have XSAVE', () => {
    const model = CPU_MODELS.max!;
    const source = inProtectedMode(
      ' mov eax, 0x40000\n mov cr4, eax\n mov eax, 1\n cpuid\n shr ecx, 26\n and ecx, 3\n report ecx\n xor ecx, ecx\n xgetbv\n report eax',
    );
    expect(reportsOf(source, model)).toBe('3 1');
  });

  it('tells the size of the area for XSAVE, and of the compacted form when there is XSAVEC', () => {
    expect(ask(CPU_MODELS.max!, 0xd, 0)).toBe('3 240 240 0');
    expect(ask(CPU_MODELS.max!, 0xd, 1)).toBe('3 240 0 0');
    expect(ask(CPU_MODELS.max!.with({ features: { xsavec: false } }), 0xd, 1)).toBe('1 0 0 0');
    expect(ask(DEFAULT_CPU_MODEL, 0xd, 0)).toBe('0 0 0 0');
  });
});

describe('model-specific registers', () => {
  it('TSC can be written and goes on from there', () => {
    const body = ' mov ecx, 0x10\n mov eax, 0x100\n mov edx, 7\n wrmsr\n rdtsc\n report edx\n report eax';
    expect(reportsOf(inProtectedMode(body))).toBe('7 4e8');
  });

  it.each([
    ['PAT type 2', 0x277, 0x2, 0],
    ['MTRR type 7', 0x200, 0x7, 0],
    ['EFER reserved bit', 0xc000_0080, 0x2000, 0],
    ['MTRRcap', 0xfe, 0, 0],
    ['machine-check status', 0x401, 1, 0],
  ])('%s is #GP(0)', (_name, number, low, high) => {
    expect(reportsOf(inProtectedMode(` mov ecx, ${number}\n mov eax, ${low}\n mov edx, ${high}\n faulting wrmsr`))).toBe('e0d 0');
  });

  it('keeps MTRRs and answers the registers that kernels probe', () => {
    const body = `
  mov ecx, 0x201
  mov eax, 0xf0000800
  mov edx, 0xff
  wrmsr
  xor eax, eax
  rdmsr
  report eax
  mov ecx, 0xfe
  rdmsr
  report eax
  mov ecx, 0x1b
  rdmsr
  report eax
  mov ecx, 0xc0010010
  rdmsr
  report eax`;
    expect(reportsOf(inProtectedMode(body))).toBe('f0000800 508 fee00900 0');
  });
});
