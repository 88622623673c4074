import { Pc } from './pc.js';

const pc = new Pc({
  cpus: 2,
  maxCpus: 2,
  topology: { cores: 1, threads: 1 },
  ramBytes: 2 << 20,
  firmware: new Uint8Array(0x1_0000).fill(0xf4),
});
afterAll(() => pc[Symbol.asyncDispose]());

/** Writes a register of the APICs, as a CPU would. */
const write = (address: number, value: number): void => pc.board.mem.write(address, 4, value);

describe('info pic', () => {
  it('shows what was programmed', () => {
    for (const [port, value] of [
      [0x20, 0x11],
      [0x21, 0x68],
      [0x21, 4],
      [0x21, 3],
      [0x21, 0xfa],
      [0xa0, 0x11],
    ] as const)
      pc.writePort(port, 1, value);
    expect(pc.infoText('pic', 0)).toBe(
      'master: irr=00 imr=fa isr=00 inputs=01 elcr=00 vectors=68-6f first=ir0 auto-eoi\n' +
        'slave:  irr=00 imr=00 isr=00 inputs=00 elcr=00 vectors=00-07 first=ir0 awaits-icw2\n',
    );
  });
});

describe('info lapic', () => {
  it('shows the local vector table in words', () => {
    const [first, , , , lint0] = (pc.infoText('lapic', 0) ?? '').split('\n');
    expect([first, lint0]).toEqual([
      'local APIC of CPU 0: id 0, base fee00000, disabled, spurious vector ff',
      '  LINT0       00000700  vector 00  ExtINT edge active-high',
    ]);
  });

  it('shows requested vectors, and a CPU that waits to be started', () => {
    const { apic } = pc.board.cpus.list[1]!;
    const saved = apic.save();
    apic.restore({ ...saved, data: { ...saved.data, irr: [0, 1 << 16, 0, 0, 0, 0, 0, 0x8000_0000] } });
    expect(pc.infoText('lapic', 1)).toContain('  irr 30 ff\n  tmr none\n  waits for a startup message\n');
  });
});

describe('info ioapic', () => {
  it('shows each redirection entry in words', () => {
    write(0xfec0_0000, 0x10 + 2 * 9);
    write(0xfec0_0010, 0xa841);
    write(0xfec0_0000, 0x11 + 2 * 9);
    write(0xfec0_0010, 0x0300_0000);
    const lines = (pc.infoText('ioapic', 0) ?? '').split('\n');
    expect([lines[0], lines[1], lines[10]]).toEqual([
      'I/O APIC: id 0, register 23 selected',
      '  pin 0  0000000000010000  vector 00  physical 00  fixed edge active-high masked',
      '  pin 9  030000000000a841  vector 41  logical 03  fixed level active-low',
    ]);
  });
});
