import { layout, type X86Cpu } from '@hotsocket/cpu-x86';
import type { RegisterGroup, RegisterValue } from '@hotsocket/machine';

const GENERAL = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const SEGMENTS = 'es cs ss ds fs gs ldtr tr'.split(' ');

/** The registers of a CPU in display order. */
export function registerGroups(cpu: X86Cpu): readonly RegisterGroup[] {
  return [
    { title: 'general', registers: GENERAL.map((name, number) => long(cpu, name, layout.GPR + 8 * number)) },
    { title: 'control flow', registers: [long(cpu, 'rip', layout.RIP), { name: 'rflags', value: BigInt(cpu.flags), bits: 32 }] },
    { title: 'segments', registers: SEGMENTS.map((name, number) => segmentOf(cpu, name, layout.segment(number))) },
    {
      title: 'tables',
      registers: [table(cpu, 'gdtr', layout.GDTR_BASE, layout.GDTR_LIMIT), table(cpu, 'idtr', layout.IDTR_BASE, layout.IDTR_LIMIT)],
    },
    {
      title: 'control',
      registers: [
        word(cpu, 'cr0', layout.CR0),
        long(cpu, 'cr2', layout.CR2),
        long(cpu, 'cr3', layout.CR3),
        word(cpu, 'cr4', layout.CR4),
        word(cpu, 'efer', layout.EFER),
      ],
    },
    { title: 'debug', registers: [0, 1, 2, 3, 6, 7].map((number) => long(cpu, `dr${number}`, layout.DR + 8 * number)) },
    { title: 'sse', registers: [word(cpu, 'mxcsr', layout.MXCSR), ...Array.from({ length: 16 }, (_, number) => vector(cpu, number))] },
  ];
}

const long = (cpu: X86Cpu, name: string, address: number): RegisterValue => ({ name, value: cpu.get64(address), bits: 64 });
const word = (cpu: X86Cpu, name: string, address: number): RegisterValue => ({ name, value: BigInt(cpu.get32(address)), bits: 32 });

function segmentOf(cpu: X86Cpu, name: string, address: number): RegisterValue {
  const base = cpu.get64(address + layout.SEG_BASE).toString(16);
  const limit = cpu.get32(address + layout.SEG_LIMIT).toString(16);
  const attributes = cpu.get32(address + layout.SEG_ATTR).toString(16);
  return {
    name,
    value: BigInt(cpu.get32(address + layout.SEG_SELECTOR) & 0xffff),
    bits: 16,
    note: `base=${base} limit=${limit} attributes=${attributes}`,
  };
}

const table = (cpu: X86Cpu, name: string, base: number, limit: number): RegisterValue => ({
  name,
  value: cpu.get64(base),
  bits: 64,
  note: `limit=${(cpu.get32(limit) & 0xffff).toString(16)}`,
});

function vector(cpu: X86Cpu, number: number): RegisterValue {
  const address = layout.XMM + 16 * number;
  return { name: `xmm${number}`, value: (cpu.get64(address + 8) << 64n) | cpu.get64(address), bits: 128 };
}
