import { AcpiPiix4 } from '@hotsocket/acpi-piix4';
import { ManualClock } from '@hotsocket/virtual-clock';
import fc from 'fast-check';
import { aml, type PcAcpiOptions, pcTables, type Term, tables } from './index.js';
import { AmlInterpreter, type AmlInterpreterOptions, AmlRuntimeError, type AmlValue, type RegionSpace } from './interpreter.js';

const BITMAP = 0xaf00;
const GPE0 = 0xafe0;
const SLOTS = [0, 1, 2, 3];

/** The power management function as the ports of a machine, and the tables that drive it. */
class Bench {
  readonly pm: AcpiPiix4;
  readonly sci: boolean[] = [];
  readonly notified: string[] = [];
  readonly ejected: number[] = [];
  readonly acpi: AmlInterpreter;

  constructor(options: Partial<PcAcpiOptions>, present: readonly number[] = [0]) {
    this.pm = new AcpiPiix4({ clock: new ManualClock() }, { presentCpus: present, cpuSlots: SLOTS });
    this.pm.cpuEjected$.subscribe(({ apicId }) => this.ejected.push(apicId));
    this.acpi = new AmlInterpreter({
      spaces: { systemIo: this.#ports() },
      notified: (path, value) => this.notified.push(`${path} ${value}`),
    });
    this.acpi.load(pcTables({ cpus: SLOTS.map((apicId) => ({ apicId, present: present.includes(apicId) })), ...options }).dsdt);
    this.pm.gpe0.write(2, 1, 0x04);
  }

  /** What an operating system does when the SCI is high: clears the event, runs its method. */
  handleEvent(): void {
    expect(this.pm.sci.high).toBe(true);
    this.pm.gpe0.write(0, 1, 0x04);
    this.acpi.evaluate('\\_GPE._E02');
    expect(this.pm.sci.high).toBe(false);
  }

  #ports(): RegionSpace {
    const at = (port: number) => (port >= GPE0 ? { region: this.pm.gpe0, base: GPE0 } : { region: this.pm.cpuHotplug, base: BITMAP });
    return {
      read: (port, size) => at(port).region.read(port - at(port).base, size),
      write: (port, size, value) => at(port).region.write(port - at(port).base, size, value),
    };
  }
}

describe('the bitmap interface, executed against the model', () => {
  it('notifies the CPU that was added, once, and shows it present', () => {
    const bench = new Bench({});
    expect(bench.acpi.evaluate('\\_SB.CP02._STA')).toBe(0n);
    bench.pm.cpuAdded({ apicId: 2, present: 2 });
    bench.handleEvent();
    expect(bench.notified).toEqual(['\\_SB.CP02 1']);
    expect([0, 1, 2, 3].map((id) => bench.acpi.evaluate(`\\_SB.CP0${id}._STA`))).toEqual([15n, 0n, 15n, 0n]);
    bench.acpi.evaluate('\\_GPE._E02');
    expect(bench.notified).toHaveLength(1);
  });

  it('notifies two that were added before the event was handled, in order', () => {
    const bench = new Bench({});
    for (const apicId of [3, 1]) bench.pm.cpuAdded({ apicId, present: 2 });
    bench.handleEvent();
    expect(bench.notified).toEqual(['\\_SB.CP01 1', '\\_SB.CP03 1']);
  });

  it('gives a MADT entry whose enabled flag follows the bitmap', () => {
    const bench = new Bench({});
    const entry = (): AmlValue => bench.acpi.evaluate('\\_SB.CP01._MAT');
    const before = entry();
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    expect([before, entry()]).toEqual([Uint8Array.of(0, 8, 1, 1, 0, 0, 0, 0), Uint8Array.of(0, 8, 1, 1, 1, 0, 0, 0)]);
  });

  it('has an _EJ0 that pauses and changes nothing', () => {
    const slept: number[] = [];
    const acpi = new AmlInterpreter({ slept: (ms) => slept.push(ms) });
    acpi.load(
      pcTables({
        cpus: [
          { apicId: 0, present: true },
          { apicId: 1, present: true },
        ],
      }).dsdt,
    );
    expect([acpi.evaluate('\\_SB.CP01._EJ0', 1), slept]).toEqual([undefined, [200]]);
  });

  it('tells every CPU of any order of adds exactly once, whenever events are handled', () => {
    const order = fc.shuffledSubarray([1, 2, 3]);
    fc.assert(
      fc.property(order, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (ids, handle) => {
        const bench = new Bench({});
        for (const [at, apicId] of ids.entries()) {
          bench.pm.cpuAdded({ apicId, present: at + 2 });
          if (handle[at]) bench.handleEvent();
        }
        if (bench.pm.sci.high) bench.handleEvent();
        expect([...bench.notified].sort()).toEqual(ids.map((id) => `\\_SB.CP0${id} 1`).sort());
      }),
      { numRuns: 30 },
    );
  });
});

describe('the selector interface, executed against the model', () => {
  const make = (present: readonly number[] = [0]): Bench => {
    const bench = new Bench({ cpuHotplug: 'selector' }, present);
    bench.acpi.evaluate('\\_SB.PCI0.PRES._INI');
    return bench;
  };

  it('CSCN notifies what was added and clears the event', () => {
    const bench = make();
    bench.pm.cpuAdded({ apicId: 3, present: 2 });
    bench.handleEvent();
    expect(bench.notified).toEqual(['\\_SB.CPUS.C003 1']);
    bench.acpi.evaluate('\\_SB.CPUS.CSCN');
    expect([bench.notified.length, bench.acpi.evaluate('\\_SB.CPUS.C003._STA'), bench.acpi.evaluate('\\_SB.CPUS.C001._STA')]).toEqual([
      1,
      15n,
      0n,
    ]);
  });

  it('asks to eject, and _EJ0 lets the CPU go', () => {
    const bench = make([0, 2]);
    bench.pm.requestCpuRemoval(2);
    bench.handleEvent();
    expect(bench.notified).toEqual(['\\_SB.CPUS.C002 3']);
    bench.acpi.evaluate('\\_SB.CPUS.C002._EJ0', 1);
    bench.pm.cpuRemoved({ apicId: 2 });
    expect([bench.ejected, bench.acpi.evaluate('\\_SB.CPUS.C002._STA')]).toEqual([[2], 0n]);
  });

  it('_OST reaches the model', () => {
    const bench = make();
    const reports: object[] = [];
    bench.pm.ost$.subscribe((report) => reports.push(report));
    bench.acpi.evaluate('\\_SB.CPUS.C001._OST', 1, 0x81, new Uint8Array());
    expect(reports).toEqual([{ slot: 1, source: 1, status: 0x81 }]);
  });

  it('has a MADT entry for each slot, enabled', () => {
    expect(make().acpi.evaluate('\\_SB.CPUS.C002._MAT')).toEqual(Uint8Array.of(0, 8, 2, 2, 1, 0, 0, 0));
  });
});

describe('the rest of the PC', () => {
  const config = new Uint8Array(0x10_0000);
  const acpi = new AmlInterpreter({
    spaces: {
      pciConfig: {
        read: (address, offset) => config[((address >> 16) << 8) + offset] ?? 0xff,
        write: (address, offset, _size, value) => void (config[((address >> 16) << 8) + offset] = value),
      },
    },
  });
  acpi.load(pcTables({ cpus: [{ apicId: 0, present: true }] }).dsdt);

  it('interrupt links set, show and clear their register of the ISA bridge', () => {
    const template = acpi.evaluate('\\_SB.LNKB._CRS') as Uint8Array;
    template[5] = 11;
    acpi.evaluate('\\_SB.LNKB._SRS', template);
    expect([config[0x161], (acpi.evaluate('\\_SB.LNKB._CRS') as Uint8Array)[5], acpi.evaluate('\\_SB.LNKB._STA')]).toEqual([11, 11, 0x0bn]);
    acpi.evaluate('\\_SB.LNKB._DIS');
    expect([config[0x161], acpi.evaluate('\\_SB.LNKB._STA')]).toEqual([0x8b, 0x09n]);
  });

  it('the routing table names the links', () => {
    const routes = acpi.evaluate('\\_SB.PCI0._PRT') as AmlValue[];
    expect([routes.length, routes[4], routes[8]]).toEqual([
      128,
      [0x1_ffffn, 0n, { path: '\\_SB.LNKS' }, 0n],
      [0x2_ffffn, 0n, { path: '\\_SB.LNKB' }, 0n],
    ]);
  });
});

// ---- the language -------------------------------------------------------------------------------------------------------

const { local, arg } = aml;

function run(body: readonly Term[], options: AmlInterpreterOptions = {}, revision: 1 | 2 = 2): AmlInterpreter {
  const acpi = new AmlInterpreter(options);
  acpi.load(tables.definitionBlock('SSDT', body, revision));
  return acpi;
}
const result = (value: Parameters<typeof aml.returns>[0], revision: 1 | 2 = 2): AmlValue =>
  run([aml.method('TEST', {}, aml.returns(value))], {}, revision).evaluate('\\TEST');

describe('operators', () => {
  it.each<[string, Term, AmlValue]>([
    ['add wraps', aml.add(aml.ones, 3), 2n],
    ['subtract wraps', aml.subtract(1, 2), 2n ** 64n - 1n],
    ['multiply', aml.multiply(0x1_0000_0001, 0x1_0000_0001), 0x2_0000_0001n],
    ['divide', aml.divide(17, 5), 3n],
    ['mod', aml.mod(17, 5), 2n],
    ['shift left', aml.shiftLeft(1, 63), 2n ** 63n],
    ['shift left out', aml.shiftLeft(1, 64), 0n],
    ['shift right', aml.shiftRight(0x100, 4), 0x10n],
    ['and', aml.and(0b1100, 0b1010), 0b1000n],
    ['or', aml.or(0b1100, 0b1010), 0b1110n],
    ['xor', aml.xor(0b1100, 0b1010), 0b0110n],
    ['nand', aml.nand(0b1100, 0b1010), 2n ** 64n - 1n - 0b1000n],
    ['nor', aml.nor(0b1100, 0b1010), 2n ** 64n - 1n - 0b1110n],
    ['not', aml.not(0), 2n ** 64n - 1n],
    ['true is all ones', aml.lless(1, 2), 2n ** 64n - 1n],
    ['false is 0', aml.lgreater(1, 2), 0n],
    ['strings compare', aml.lequal(aml.text('ab'), aml.text('ab')), 2n ** 64n - 1n],
    ['buffers compare', aml.lless(aml.buffer([1, 2]), aml.buffer([1, 3])), 2n ** 64n - 1n],
    ['a string counts as hexadecimal', aml.add(aml.text('1f'), 1), 0x20n],
    ['a buffer counts by its first bytes', aml.add(aml.buffer([1, 1]), 0), 0x101n],
    ['concatenate strings', aml.concatenate(aml.text('a'), aml.text('b')), 'ab'],
    ['concatenate buffers', aml.concatenate(aml.buffer([1]), aml.buffer([2])), Uint8Array.of(1, 2)],
    ['element of a package', aml.derefOf(aml.index(aml.pkg(5, 6, 7), 1)), 6n],
    ['element of a string', aml.derefOf(aml.index(aml.text('abc'), 2)), 0x63n],
  ])('%s', (_, value, expected) => {
    expect(result(value)).toEqual(expected);
  });

  it('have 32 bits in a table of revision 1', () => {
    expect([result(aml.ones, 1), result(aml.shiftLeft(1, 32), 1), result(aml.add(aml.ones, 1), 1)]).toEqual([0xffff_ffffn, 0n, 0n]);
  });
});

describe('statements', () => {
  const evaluate = (...body: Term[]): AmlValue => run([aml.method('TEST', {}, ...body)]).evaluate('\\TEST');

  it('loops, leaves loops, and decides', () => {
    const body = [
      aml.store(0, local(0)),
      aml.store(0, local(1)),
      aml.loop(
        1,
        aml.increment(local(0)),
        aml.iff(aml.lgreater(local(0), 10), aml.leaveLoop),
        aml.otherwise(aml.iff(aml.and(local(0), 1), aml.add(local(1), local(0), local(1)))),
      ),
    ];
    expect(evaluate(...body, aml.returns(local(1)))).toBe(25n);
  });

  it('a store copies', () => {
    const body = [aml.store(aml.buffer([1, 2]), local(0)), aml.store(local(0), local(1)), aml.store(9, aml.index(local(0), 0))];
    expect(evaluate(...body, aml.returns(local(1)))).toEqual(Uint8Array.of(1, 2));
  });

  it('an argument that is a reference is stored through', () => {
    const set = aml.method('SET', { args: 2 }, aml.store(arg(1), arg(0)));
    const body = [aml.store(aml.pkg(1, 2), local(0)), aml.call('SET', aml.index(local(0), 1), 7), aml.returns(local(0))];
    expect(run([set, aml.method('TEST', {}, ...body)]).evaluate('\\TEST')).toEqual([1n, 7n]);
  });

  it('a named object keeps its type', () => {
    const body = [aml.name('TEXT', aml.text('old')), aml.name('BYTE', aml.buffer([1, 2, 3])), aml.name('NUMB', 1)];
    const test = aml.method('TEST', {}, aml.store(0x0201, 'BYTE'), aml.store(aml.buffer([5]), 'NUMB'));
    const acpi = run([...body, test]);
    acpi.evaluate('\\TEST');
    expect(['BYTE', 'NUMB'].map((name) => acpi.evaluate(`\\${name}`))).toEqual([Uint8Array.of(1, 2, 0), 5n]);
  });

  it('what a method declares goes with its call', () => {
    const acpi = run([aml.method('TEST', { serialized: true }, aml.name('MINE', 3), aml.returns('MINE'))]);
    expect([acpi.evaluate('\\TEST'), acpi.evaluate('\\TEST'), acpi.paths().includes('\\TEST.MINE')]).toEqual([3n, 3n, false]);
  });
});

describe('fields of a region', () => {
  const memory = new Uint8Array(16);
  const accesses: string[] = [];
  const spaces = {
    systemIo: {
      read: (at: number, size: number) => {
        accesses.push(`r${size}@${at}`);
        return memory.subarray(at, at + size).reduceRight((value, byte) => value * 256 + byte, 0);
      },
      write: (at: number, size: number, value: number) => {
        accesses.push(`w${size}@${at}`);
        for (let byte = 0; byte < size; byte++) memory[at + byte] = value / 256 ** byte;
      },
    },
  };
  const fields = (
    access: 'byte' | 'word' | 'dword',
    update: 'preserve' | 'writeAsOnes' | 'writeAsZeros',
    ...list: Parameters<typeof aml.field>[2][]
  ) =>
    run(
      [
        aml.operationRegion('REGS', 'systemIo', 0, 16),
        aml.field('REGS', { access, update }, ...list),
        aml.method('SET', { args: 1 }, aml.store(arg(0), 'FLD')),
      ],
      { spaces },
    );

  beforeEach(() => {
    memory.set([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    accesses.length = 0;
  });

  it('are read in units of their access', () => {
    const acpi = fields('word', 'preserve', { skip: 12 }, ['FLD', 8]);
    expect([acpi.evaluate('\\FLD'), accesses]).toEqual([0x32n, ['r2@0', 'r2@2']]);
  });

  it.each([
    ['preserve', [0x11, 0x2a, 0x33], ['r1@1', 'w1@1']],
    ['writeAsOnes', [0x11, 0xfa, 0x33], ['w1@1']],
    ['writeAsZeros', [0x11, 0x0a, 0x33], ['w1@1']],
  ] as const)('written with %s leave the other bits as that says', (update, bytes, seen) => {
    fields('byte', update, { skip: 8 }, ['FLD', 4]).evaluate('\\SET', 0xa);
    expect([[...memory.subarray(0, 3)], accesses]).toEqual([bytes, seen]);
  });

  it('wider than an integer are buffers', () => {
    expect(fields('dword', 'preserve', ['FLD', 96]).evaluate('\\FLD')).toEqual(
      Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0),
    );
  });

  it('keep what is written, whatever their place and width', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('byte', 'word', 'dword'),
        fc.nat(60),
        fc.integer({ min: 1, max: 64 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (access, skip, bits, value) => {
          memory.fill(0xa5);
          const acpi = fields(access as 'byte', 'preserve', { skip }, ['FLD', bits]);
          acpi.evaluate('\\SET', value);
          expect(acpi.evaluate('\\FLD')).toBe(BigInt.asUintN(bits, value));
          acpi.evaluate('\\SET', 0xa5a5_a5a5_a5a5_a5a5n >> BigInt(skip % 8));
          expect([...memory].filter((byte) => byte !== 0xa5).length).toBeLessThanOrEqual(2);
        },
      ),
    );
  });

  it('refuse what leaves the region, and a space that nobody serves', () => {
    expect(() => fields('byte', 'preserve', { skip: 124 }, ['FLD', 8]).evaluate('\\FLD')).toThrow(
      expect.objectContaining({ code: 'RANGE' }),
    );
    const alone = run([aml.operationRegion('REGS', 'systemMemory', 0, 4), aml.field('REGS', { access: 'byte' }, ['FLD', 8])]);
    expect(() => alone.evaluate('\\FLD')).toThrow(/nobody serves the system memory of \\REGS/);
  });
});

// ---- hostile code ---------------------------------------------------------------------------------------------------------

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof AmlRuntimeError) return error.code;
    throw error;
  }
  return 'ok';
};
const raw = (...bytes: number[]): Term => ({ aml: Uint8Array.from(bytes), names: [] });

describe('hostile code', () => {
  const codeOfBody = (...body: Term[]): string => codeOf(() => run([aml.method('TEST', {}, ...body)]).evaluate('\\TEST'));
  const doubling = aml.store(aml.concatenate(local(0), local(0)), local(0));

  it.each<[string, string, Term[]]>([
    ['an endless loop', 'STEP_LIMIT', [aml.loop(1)]],
    ['a loop that only continues', 'STEP_LIMIT', [aml.loop(1, raw(0x9f))]],
    ['a buffer that doubles', 'SIZE_LIMIT', [aml.store(aml.buffer([1]), local(0)), aml.loop(1, doubling)]],
    ['a string that doubles', 'SIZE_LIMIT', [aml.store(aml.text('x'), local(0)), aml.loop(1, doubling)]],
    [
      'a package that holds itself',
      'SIZE_LIMIT',
      [
        aml.store(aml.pkg(1, 2), local(0)),
        aml.loop(1, aml.store(local(0), aml.index(local(0), 0)), aml.store(local(0), aml.index(local(0), 1))),
      ],
    ],
    ['a huge buffer', 'SIZE_LIMIT', [aml.store(raw(0x11, 0x07, 0x0c, 0xff, 0xff, 0xff, 0xff), local(0))]],
    ['a huge package', 'SIZE_LIMIT', [aml.store(raw(0x13, 0x06, 0x0c, 0xff, 0xff, 0xff, 0x0f), local(0))]],
    ['a shift by a huge number', 'ok', [aml.shiftLeft(1, aml.ones, local(0))]],
    ['a division by zero', 'DIVIDE_BY_ZERO', [aml.divide(1, 0)]],
    ['an unknown opcode', 'BAD_OPCODE', [raw(0x5b, 0xff)]],
    ['an Else without an If', 'BAD_OPCODE', [aml.otherwise()]],
    ['a block that is too long', 'TRUNCATED', [raw(0xa0, 0x3f, 0x01)]],
    ['an element that is not there', 'RANGE', [aml.derefOf(aml.index(aml.pkg(1), 1))]],
    ['a store to a method', 'TYPE', [aml.store(1, 'TEST')]],
    ['a name that is not there', 'NOT_FOUND', [aml.store('NONE', local(0))]],
    ['a release of what is not held', 'MUTEX', [aml.release('\\_GL')]],
    ['a reference to itself', 'TYPE', [aml.store(raw(0x71, 0x60), local(0)), aml.returns(aml.add(aml.derefOf(local(0)), 1))]],
    ['a Fatal', 'FATAL', [raw(0x5b, 0x32, 1, 2, 0, 0, 0, 0)]],
  ])('%s ends with %s', (_, code, body) => {
    expect(codeOfBody(...body)).toBe(code);
  });

  it('deep recursion and deep terms end', () => {
    expect(codeOf(() => run([aml.method('TEST', {}, aml.call('TEST'))]).evaluate('\\TEST'))).toBe('DEPTH_LIMIT');
    expect(codeOfBody(raw(...new Array<number>(10_000).fill(0x92), 0))).toBe('DEPTH_LIMIT');
  });

  it('long work on long data is counted', () => {
    const long = aml.store(raw(0x11, 0x06, 0x0c, 0, 0, 4, 0), local(0));
    const acpi = run([
      aml.name('DONE', 0),
      aml.method('TEST', {}, long, aml.loop(1, aml.lequal(local(0), local(0)), aml.increment('DONE'))),
    ]);
    expect(codeOf(() => acpi.evaluate('\\TEST'))).toBe('STEP_LIMIT');
    expect(acpi.evaluate('\\DONE')).toBeLessThan(100n);
  });

  it('after an error the interpreter goes on, and no mutex is held', () => {
    const acpi = run([
      aml.mutex('LOCK'),
      aml.method('BAD', {}, aml.acquire('LOCK'), aml.divide(1, 0)),
      aml.method('GOOD', {}, aml.acquire('LOCK'), aml.release('LOCK'), aml.returns(4)),
    ]);
    expect([codeOf(() => acpi.evaluate('\\BAD')), acpi.evaluate('\\GOOD'), codeOf(() => acpi.evaluate('\\GONE'))]).toEqual([
      'DIVIDE_BY_ZERO',
      4n,
      'NOT_FOUND',
    ]);
  });

  it('a table with a wrong length or sum is refused, and nothing of a table that fails stays', () => {
    const table = tables.definitionBlock('SSDT', [aml.name('GOOD', 1), aml.name('\\NONE.BAD', 1)]);
    const acpi = new AmlInterpreter();
    const before = acpi.paths();
    const wrongSum = table.slice();
    wrongSum[40]! ^= 1;
    expect([codeOf(() => acpi.load(table.subarray(1))), codeOf(() => acpi.load(wrongSum)), codeOf(() => acpi.load(table))]).toEqual([
      'TABLE',
      'TABLE',
      'NOT_FOUND',
    ]);
    expect(acpi.paths()).toEqual(before);
  });

  const dsdt = pcTables({ cpus: SLOTS.map((apicId) => ({ apicId, present: true })), cpuHotplug: 'selector' }).dsdt;
  const open: RegionSpace = { read: () => 0xff, write: () => {} };
  const spaces = { systemIo: open, systemMemory: open, pciConfig: { read: () => 0xff, write: () => {} } };
  const limits = { steps: 5000, depth: 64, bytes: 65_536 };

  /** Loads a table as if its header were right, and calls what it defines. */
  function tryTable(bytes: Uint8Array): void {
    new DataView(bytes.buffer).setUint32(4, bytes.length, true);
    bytes[9] = 0;
    bytes[9] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
    const acpi = new AmlInterpreter({ spaces, limits });
    codeOf(() => acpi.load(bytes));
    for (const path of acpi.paths().slice(0, 40)) codeOf(() => acpi.evaluate(path));
  }

  it('truncation at every tenth byte gives an error of ours or a shorter table', () => {
    for (let length = 36; length < dsdt.length; length += 10) tryTable(dsdt.slice(0, length));
  });

  it('changed bytes give an error of ours or another table', () => {
    const change = fc.tuple(fc.integer({ min: 36, max: dsdt.length - 1 }), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = dsdt.slice();
        for (const [at, value] of changes) bytes[at] = value;
        tryTable(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('random bytes give an error of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (code) => {
        const bytes = new Uint8Array(36 + code.length);
        bytes.set(code, 36);
        tryTable(bytes);
      }),
      { numRuns: 500 },
    );
  });
});
