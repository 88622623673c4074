import { type Description, registersOf, totalBytes } from './registers.js';
import { targetXml } from './target-description.js';

const attributes = (xml: string, tag: string): Record<string, string>[] =>
  [...xml.matchAll(new RegExp(`<${tag} ([^>]*?)/?>`, 'g'))].map(([, text]) =>
    Object.fromEntries([...text!.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value])),
  );

describe('the target description', () => {
  it.each<[Description, string, number, number]>([
    ['x86-64', 'i386:x86-64', 66, 608],
    ['i386', 'i386', 45, 324],
    ['i8086', 'i8086', 45, 324],
  ])('of %s names architecture and registers, in the order of the g packet', (description, architecture, count, bytes) => {
    const xml = targetXml(description);
    const registers = attributes(xml, 'reg').sort((a, b) => Number(a.regnum) - Number(b.regnum));
    expect(xml).toContain(`<architecture>${architecture}</architecture>`);
    expect(registers.map(({ name, bitsize, regnum }) => [name, Number(bitsize), Number(regnum)])).toEqual(
      registersOf(description).map(({ name, bits }, number) => [name, bits, number]),
    );
    expect([registers.length, totalBytes(description)]).toEqual([count, bytes]);
  });

  it('has the registers of gdb 13 in the order that clients of emulators know', () => {
    const names = registersOf('x86-64').map(({ name }) => name);
    expect(names.slice(0, 24).join(' ')).toBe('rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss ds es fs gs');
    expect(names.slice(24, 33).join(' ')).toBe('fs_base gs_base k_gs_base cr0 cr2 cr3 cr4 cr8 efer');
  });

  it.each<Description>(['x86-64', 'i386', 'i8086'])('of %s defines every type that its registers have', (description) => {
    const xml = targetXml(description);
    const defined = new Set([...xml.matchAll(/ id="(\w+)"/g)].map(([, id]) => id));
    const known = /^(int|int32|int64|code_ptr|data_ptr|i387_ext)$/;
    const unknown = attributes(xml, 'reg').filter(({ type = '' }) => !known.test(type) && !defined.has(type));
    expect(unknown).toEqual([]);
    for (const tag of ['feature', 'flags', 'union', 'target'])
      expect((xml.match(new RegExp(`<${tag}[ >]`, 'g')) ?? []).length).toBe((xml.match(new RegExp(`</${tag}>`, 'g')) ?? []).length);
  });
});
