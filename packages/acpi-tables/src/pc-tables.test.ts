import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@hotsocket/testbench';
import { ACPI_FILES, AmlError, type PcAcpiOptions, type PossibleCpu, pcAcpiFiles, pcTables, tables } from './index.js';

const cpus = (...present: boolean[]): PossibleCpu[] => present.map((here, apicId) => ({ apicId, present: here }));
const FOUR: PcAcpiOptions = { cpus: cpus(true, false, false, false) };
const MODERN: PcAcpiOptions = { ...FOUR, cpuHotplug: 'selector', fadtRevision: 3 };
const HPET = { blockId: 0x8086_a201, address: 0xfed0_0000, minimumTick: 100 };

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
const u32 = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
const ascii = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes).replace(/\0.*$/s, '');
const named = (options: PcAcpiOptions): [string, Uint8Array][] => Object.entries(pcTables(options));

/** What firmware does with the three files: places them at the addresses and runs the commands. */
function load(files: ReturnType<typeof pcAcpiFiles>, addresses: Readonly<Record<string, number>>): Record<string, Uint8Array> {
  const memory: Record<string, Uint8Array> = { [ACPI_FILES.tables]: files.tables.slice(), [ACPI_FILES.rsdp]: files.rsdp.slice() };
  for (let at = 0; at < files.loader.length; at += 128) {
    const entry = files.loader.subarray(at, at + 128);
    const file = memory[ascii(entry.subarray(4, 60))]!;
    const command = u32(entry, 0);
    if (command === 2) addPointer(file, addresses[ascii(entry.subarray(60, 116))]!, u32(entry, 116), entry[120]!);
    if (command === 3) file[u32(entry, 60)]! += -sum(file.subarray(u32(entry, 64), u32(entry, 64) + u32(entry, 68)));
  }
  return memory;
}

function addPointer(file: Uint8Array, base: number, offset: number, size: number): void {
  const view = new DataView(file.buffer);
  view.setUint32(offset, view.getUint32(offset, true) + base, true);
  expect([4, 8]).toContain(size);
}

describe('pcTables', () => {
  it('have the signatures, sizes and sums of their specification', () => {
    const rows = named({ ...FOUR, hpet: HPET }).map(([name, bytes]) => [name, ascii(bytes.subarray(0, 4)), bytes.length, u32(bytes, 4)]);
    const dsdt = pcTables({ ...FOUR, hpet: HPET }).dsdt.length;
    expect(rows).toEqual([
      ['facs', 'FACS', 64, 64],
      ['dsdt', 'DSDT', dsdt, dsdt],
      ['fadt', 'FACP', 116, 116],
      ['madt', 'APIC', 36 + 8 + 4 * 8 + 12 + 5 * 10 + 6, 144],
      ['hpet', 'HPET', 56, 56],
    ]);
    expect(named({ ...FOUR, hpet: HPET }).filter(([name, bytes]) => name !== 'facs' && sum(bytes) !== 0)).toEqual([]);
  });

  it('DSDT and loader keep their size and layout', () => {
    const sizes = [FOUR, { ...FOUR, cpuHotplug: 'selector' } as const].map((options) => {
      const { tables: file, rsdp, loader } = pcAcpiFiles(options);
      return [pcTables(options).dsdt.length, file.length, rsdp.length, loader.length];
    });
    expect(sizes).toEqual([
      [4810, 5196, 20, 1280],
      [5290, 5676, 20, 1280],
    ]);
  });

  it('who is present changes no size and no offset', () => {
    const all = pcAcpiFiles({ cpus: cpus(true, true, true, true) });
    const { tables: file, loader } = pcAcpiFiles(FOUR);
    expect([all.tables.length, all.loader]).toEqual([file.length, loader]);
  });

  it('FADT revision 1 names the PIIX4 registers', () => {
    const { fadt } = pcTables({ ...FOUR, pmBase: 0xb000 });
    const at = (offset: number) => u32(fadt, offset);
    expect([fadt[8], fadt[46], at(48), fadt[52], fadt[53]]).toEqual([1, 9, 0xb2, 0xf1, 0xf0]);
    expect([at(56), at(64), at(76), at(80)]).toEqual([0xb000, 0xb004, 0xb008, 0xafe0]);
    expect([...fadt.subarray(88, 95)]).toEqual([4, 2, 0, 4, 4, 0, 0]);
    expect(at(112)).toBe(0x80a5);
  });

  it('FADT revision 3 has 244 bytes, the reset register and the extended blocks', () => {
    const { fadt } = pcTables(MODERN);
    expect([fadt.length, fadt[8], u32(fadt, 112)]).toEqual([244, 3, 0x84a5]);
    expect(Buffer.from(fadt.subarray(116, 129)).toString('hex')).toBe('01080001f90c00000000000006');
    expect(Buffer.from(fadt.subarray(148, 160)).toString('hex')).toBe('012000020006000000000000');
    expect(Buffer.from(fadt.subarray(220, 232)).toString('hex')).toBe('01200001e0af000000000000');
  });

  it('tells that more than eight CPUs need the cluster model', () => {
    const many = pcTables({ cpus: cpus(...Array<boolean>(9).fill(true)) }).fadt;
    expect(u32(many, 112)).toBe(0x480a5);
  });

  it('the MADT lists every possible CPU and enables those that are there', () => {
    const { madt } = pcTables({
      cpus: [
        { apicId: 0, present: true },
        { apicId: 1, present: false },
        { apicId: 4, present: true },
      ],
    });
    const entries = [0, 1, 2].map((index) => [...madt.subarray(44 + index * 8, 52 + index * 8)]);
    expect(entries).toEqual([
      [0, 8, 0, 0, 1, 0, 0, 0],
      [0, 8, 1, 1, 0, 0, 0, 0],
      [0, 8, 4, 4, 1, 0, 0, 0],
    ]);
    expect(Buffer.from(madt.subarray(68, 80)).toString('hex')).toBe('010c00000000c0fe00000000');
    expect(Buffer.from(madt.subarray(80, 90)).toString('hex')).toBe('020a0000020000000000');
  });

  it('an APIC id above 254 gets an x2APIC entry', () => {
    expect([...tables.localApicEntry({ processorId: 3, apicId: 300, enabled: true })]).toEqual([
      9, 16, 0, 0, 44, 1, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0,
    ]);
  });

  it('the bitmap interface refuses an APIC id without an object', () => {
    expect(() => pcTables({ cpus: [{ apicId: 255, present: false }] })).toThrow(
      new AmlError('APIC id 255 has no place in the bitmap interface; the limit is 254'),
    );
  });

  it('refuses two devices of the same name', () => {
    const twice = [{ name: 'RTC', id: 'PNP0B00' }];
    expect(() => pcTables({ ...FOUR, isaDevices: twice })).toThrow(new AmlError('\\_SB_.PCI0.ISA_.RTC_ is defined twice'));
  });
});

describe('root tables', () => {
  it('an RSDP of revision 2 has both pointers and both sums', () => {
    const rsdp = tables.rsdp({ rsdt: 0x1000, xsdt: 0x2000 });
    expect([rsdp.length, rsdp[15], u32(rsdp, 16), u32(rsdp, 20), u32(rsdp, 24)]).toEqual([36, 2, 0x1000, 36, 0x2000]);
    expect([sum(rsdp.subarray(0, 20)), sum(rsdp)]).toEqual([0, 0]);
  });

  it('an RSDP of revision 0 has 20 bytes and points to the RSDT', () => {
    const rsdp = tables.rsdp({ rsdt: 0x1000 });
    expect([rsdp.length, ascii(rsdp.subarray(0, 8)), rsdp[15], u32(rsdp, 16), sum(rsdp)]).toEqual([20, 'RSD PTR ', 0, 0x1000, 0]);
  });

  it('an XSDT has 64-bit pointers', () => {
    expect([...tables.xsdt([0x1_0000_0000]).subarray(36)]).toEqual([0, 0, 0, 0, 1, 0, 0, 0]);
  });
});

describe('pcAcpiFiles', () => {
  const addresses = { [ACPI_FILES.tables]: 0x0fff_0000, [ACPI_FILES.rsdp]: 0xf_6000 };

  it.each([
    ['the bitmap interface', FOUR],
    ['the selector interface and FADT 3', { ...MODERN, hpet: HPET }],
  ])('are placed and linked by their commands (%s)', (_, options) => {
    const memory = load(pcAcpiFiles(options), addresses);
    const file = memory[ACPI_FILES.tables]!;
    const at = (address: number): Uint8Array => {
      const start = address - addresses[ACPI_FILES.tables]!;
      return file.subarray(start, start + u32(file, start + 4));
    };
    const root = memory[ACPI_FILES.rsdp]!;
    const rsdt = at(u32(root, 16));
    const listed = Array.from({ length: (rsdt.length - 36) / 4 }, (_, n) => at(u32(rsdt, 36 + n * 4)));
    const fadt = listed[0]!;
    const [facs, dsdt] = [at(u32(fadt, 36)), at(u32(fadt, 40))];
    expect([root, rsdt, dsdt, ...listed].map(sum)).toEqual(Array(3 + listed.length).fill(0));
    expect([rsdt, ...listed, facs, dsdt].map((bytes) => ascii(bytes.subarray(0, 4)))).toEqual(
      options.hpet === undefined ? ['RSDT', 'FACP', 'APIC', 'FACS', 'DSDT'] : ['RSDT', 'FACP', 'APIC', 'HPET', 'FACS', 'DSDT'],
    );
    if (options.fadtRevision === 3) expect(u32(fadt, 140)).toBe(u32(fadt, 40));
  });

  it('allocate the root pointer in the F segment and the tables at a multiple of 64', () => {
    const { loader } = pcAcpiFiles(FOUR);
    expect([u32(loader, 0), ascii(loader.subarray(4, 60)), u32(loader, 60), loader[64]]).toEqual([1, 'etc/acpi/rsdp', 16, 2]);
    expect([u32(loader, 128), ascii(loader.subarray(132, 188)), u32(loader, 188), loader[192]]).toEqual([1, 'etc/acpi/tables', 64, 1]);
  });
});

const noIasl = spawnSync('iasl', ['-v']).status === 0 ? undefined : 'iasl (acpica-tools) is not installed';

describeWith(noIasl, 'the DSDT, by another compiler', () => {
  /** Disassembles and compiles again, with another program's idea of AML. */
  const roundTrip = (dsdt: Uint8Array): { log: string; again: Buffer } => {
    const folder = mkdtempSync(join(tmpdir(), 'aml-'));
    writeFileSync(join(folder, 'dsdt.aml'), dsdt);
    const apart = spawnSync('iasl', ['-d', 'dsdt.aml'], { cwd: folder, encoding: 'utf8' });
    const together = spawnSync('iasl', ['-oa', '-p', 'again', 'dsdt.dsl'], { cwd: folder, encoding: 'utf8' });
    const again = together.status === 0 ? readFileSync(join(folder, 'again.aml')) : Buffer.alloc(0);
    rmSync(folder, { recursive: true });
    return { log: apart.stderr + apart.stdout + together.stderr + together.stdout, again };
  };

  it.each([
    ['with the bitmap interface', FOUR],
    ['with the selector interface', MODERN],
    [
      'with 255 CPUs, HPET and memory above 4 GiB',
      { cpus: cpus(...Array<boolean>(255).fill(true)), hpet: HPET, pciMemoryHigh: { first: 2 ** 32, last: 2 ** 33 - 1 } },
    ],
    ['with 300 slots', { ...MODERN, cpus: cpus(...Array<boolean>(300).fill(true)) }],
  ] as [string, PcAcpiOptions][])('%s is what iasl makes of its disassembly', (_, options) => {
    const { dsdt } = pcTables(options);
    const { log, again } = roundTrip(dsdt);
    expect(log).toMatch(/Compilation successful. 0 Errors/);
    expect(log).not.toMatch(/Unresolved|Invalid|could not/i);
    expect(again.subarray(36).equals(dsdt.subarray(36))).toBe(true);
  });
});

const noAcpiexec = spawnSync('acpiexec', ['-vd']).status === 0 ? undefined : 'acpiexec (acpica-tools) is not installed';

describeWith(noAcpiexec, 'the methods of the DSDT, by another interpreter', () => {
  /** Runs methods on another interpreter, every port reading as the same byte; the lines of interest of what it printed. */
  const evaluate = (dsdt: Uint8Array, portByte: number, ...paths: readonly string[]): string[] => {
    const folder = mkdtempSync(join(tmpdir(), 'aml-'));
    writeFileSync(join(folder, 'dsdt.aml'), dsdt);
    const batch = paths.map((path) => `evaluate ${path}`).join(';');
    const { stdout } = spawnSync('acpiexec', ['-fv', String(portByte), '-b', batch, 'dsdt.aml'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 20_000,
    });
    rmSync(folder, { recursive: true });
    const interesting = /Notify on (\[\w+\]).*(Value \w+)|\[Integer\] = (\w+)|0000: ((?:[0-9A-F]{2} )+)|(ACPI Error.*)/;
    return stdout.split('\n').flatMap(
      (line) =>
        interesting
          .exec(line)
          ?.slice(1)
          .filter((group) => group !== undefined)
          .join(' ') ?? [],
    );
  };

  const number = (value: number): string => value.toString(16).toUpperCase().padStart(16, '0');

  it('report what changed in the bitmap, once, and read who is present from it', () => {
    const { dsdt } = pcTables({ cpus: cpus(true, true, false, false) });
    // every byte of the bitmap is 05h: APIC ids 0 and 2 of these four
    const lines = evaluate(dsdt, 0x05, '\\_GPE._E02', '\\_SB.CP02._STA', '\\_SB.CP01._STA', '\\_SB.CP02._MAT', '\\_GPE._E02', '\\_SB.CPON');
    // notifications are delivered by threads of their own
    const isNotice = (line: string): boolean => line.startsWith('[');
    expect(lines.filter(isNotice).sort()).toEqual(['[CP01] Value 0x03', '[CP02] Value 0x01']);
    expect(lines.filter((line) => !isNotice(line))).toEqual([
      number(0x0f),
      number(0),
      '00 08 02 02 01 00 00 00 ',
      number(1),
      number(0),
      number(1),
      number(0),
    ]);
  });

  it('select a slot and read its status in the selector block', () => {
    const { dsdt } = pcTables(MODERN);
    expect(evaluate(dsdt, 0x01, '\\_SB.CPUS.C002._STA', '\\_SB.CPUS.C001._EJ0 1')).toEqual([number(0x0f)]);
    expect(evaluate(dsdt, 0x00, '\\_SB.CPUS.C002._STA')).toEqual([number(0)]);
  });

  it('read an interrupt link from the PIRQ register', () => {
    const { dsdt } = pcTables(FOUR);
    expect(evaluate(dsdt, 0x0a, '\\_SB.LNKB._CRS', '\\_SB.LNKB._STA')).toEqual(['89 06 00 09 01 0A 00 00 00 79 00 ', number(0x0b)]);
    expect(evaluate(dsdt, 0x80, '\\_SB.LNKB._STA')).toEqual([number(0x09)]);
  });
});
