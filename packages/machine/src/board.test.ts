import { mmio, storage } from '@hotsocket/address-space';
import { IccBridge, IccBus } from '@hotsocket/icc-bus';
import { iccBusModule } from '@hotsocket/icc-bus/module';
import { IrqLine, IrqPin } from '@hotsocket/irq-line';
import { PciBus, PciFunction } from '@hotsocket/pci-bus';
import { pciBusModule } from '@hotsocket/pci-bus/module';
import fc from 'fast-check';
import { ContainerModule } from 'inversify';
import { Subject } from 'rxjs';
import { BOARD_FORMATS, BOARD_VIEWS, defineMachine, MachineError, renderBoard } from './board.js';

/** A device with two ports, a wire and a handler. */
class Lamp {
  readonly typeName = 'lamp';
  readonly irq: IrqLine;
  readonly io = mmio('lamp-io', 2, { read: () => 1, write: () => {} });
  lit: number[] = [];
  readonly switched = (value: number): void => void this.lit.push(value);

  constructor(name = 'lamp') {
    this.irq = new IrqLine(`${name}.irq`);
  }
}
class Switch {
  readonly flipped$ = new Subject<number>();
}
/** Needs a bus that nobody may have bound. */
class Panel {
  readonly bus: IccBus;

  constructor(bus: IccBus) {
    this.bus = bus;
  }
}

const lampModule = new ContainerModule(({ bind }) => {
  bind(Lamp).toDynamicValue(() => new Lamp());
});
const panelModule = new ContainerModule(({ bind }) => {
  bind(Panel).toResolvedValue((bus) => new Panel(bus), [IccBus]);
});

const problemsOf = (build: () => unknown): readonly string[] => {
  try {
    build();
  } catch (error) {
    if (error instanceof MachineError) return error.problems;
    throw error;
  }
  return [];
};

const pin = (label = 'pic.ir5'): IrqPin => new IrqPin(label, () => {});

const porch = defineMachine({
  name: 'porch',
  defaults: { port: 0x300 },
  modules: () => [lampModule, pciBusModule(), iccBusModule],
  parts: ({ get, trace }) => ({
    lamp: get(Lamp),
    switch: new Switch(),
    ram: storage('ram', 'porch-ram', new Uint8Array(0x2000)),
    rom: storage('rom', 'porch-rom', new Uint8Array(0x1000)),
    pci: get(PciBus),
    bridge: get(IccBridge),
    bus: get(IccBus),
    card: new PciFunction({ trace }, { name: 'card', vendorId: 0x1234, deviceId: 1, classCode: 0 }),
    pic: { ir: pin() },
  }),
  map: ({ io, mem, pci, unmapped }, parts, { port }) => {
    io.at(port, parts.lamp.io);
    mem.at(0, parts.ram);
    mem.at(0x1000, parts.rom, { priority: 1 });
    pci.at(parts.pci, [3, 0], parts.card);
    unmapped(parts.bridge.apicContainer, 'no CPU');
    unmapped(parts.bridge.ioApicContainer, 'no I/O APIC');
  },
  nets: ({ wire, open }, { lamp, pic, pci, card }) => {
    wire(lamp.irq, pic.ir);
    for (const line of pci.pirq) open(line, 'no router');
    open(card.intx, 'no interrupt');
  },
  notices: ({ notice }, parts) => notice(parts.switch.flipped$, parts.lamp.switched),
});

describe('defineMachine', () => {
  it('builds machines that share nothing, with options of their own', () => {
    const [one, other] = [porch.build(), porch.build({ port: 0x310 })];
    one.parts.switch.flipped$.next(7);
    one.parts.lamp.irq.raise();
    expect([one.io.read(0x300, 1), other.io.read(0x300, 1), other.io.read(0x310, 1)]).toEqual([1, 0xff, 1]);
    expect([one.parts.lamp.lit, other.parts.lamp.lit]).toEqual([[7], []]);
    expect([one.parts.pic.ir.high, other.parts.pic.ir.high]).toEqual([true, false]);
  });

  it('lets a module swap a part', () => {
    const lamp = new Lamp('other');
    const swap = new ContainerModule(({ rebind }) => {
      rebind(Lamp).toConstantValue(lamp);
    });
    expect(porch.build({}, [swap]).parts.lamp).toBe(lamp);
  });
});

describe('a conflict', () => {
  const lamps = (ports: readonly number[], wire = true): readonly string[] =>
    problemsOf(() =>
      defineMachine({
        name: 'lamps',
        defaults: {},
        parts: () => Object.fromEntries(ports.map((_, at) => [`lamp${at}`, new Lamp()])),
        map: ({ io }, parts) => {
          for (const [at, port] of ports.entries()) io.at(port, parts[`lamp${at}`]!.io);
        },
        nets: (block, parts) => {
          if (wire) for (const lamp of Object.values(parts)) block.wire(lamp.irq, pin());
        },
      }).build(),
    );

  it('of ports names both owners and what they share; every pair is told', () => {
    expect(lamps([0x300, 0x301, 0x300])).toEqual([
      'ports 0x301-0x301: both lamp0.io (0x300-0x301) and lamp1.io (0x301-0x302)',
      'ports 0x300-0x301: both lamp0.io (0x300-0x301) and lamp2.io (0x300-0x301)',
      'ports 0x301-0x301: both lamp1.io (0x301-0x302) and lamp2.io (0x300-0x301)',
    ]);
  });

  it('with the end of the I/O space is one', () => {
    expect(lamps([0xffff])).toEqual(['lamp-io: ports 0xffff and up leave the I/O space']);
  });

  it('is told for exactly the pairs that overlap', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xfff0), { maxLength: 6 }), (ports) => {
        const pairs = ports.flatMap((port, at) => ports.slice(0, at).filter((other) => Math.abs(other - port) < 2));
        expect(lamps(ports)).toHaveLength(pairs.length);
      }),
    );
  });

  it('of wires: one that goes nowhere, one that goes to a pin twice, one that is open and is not', () => {
    const problems = problemsOf(() =>
      defineMachine({
        name: 'wires',
        defaults: {},
        parts: () => ({ loose: new IrqLine('loose'), twice: new IrqLine('twice'), said: new IrqLine('said'), ir: pin() }),
        map: () => {},
        nets: ({ wire, open }, { twice, said, ir }) => {
          wire(twice, ir, ir);
          wire(said, ir);
          open(said, 'not used');
        },
      }).build(),
    );
    expect(problems).toEqual([
      'wire twice is connected to pic.ir5 twice',
      'wire loose goes nowhere: connect it, or say why not with open()',
      'wire said is said to be open, and goes to pic.ir5',
    ]);
  });

  it('of tokens names the modules', () => {
    expect(problemsOf(() => porch.build({}, [lampModule]))).toEqual([
      'Lamp is bound 2 times: module 1 of the machine, module 1 of those added; a module that swaps a part says rebind',
    ]);
  });

  it('of two ICC buses is one, whether they are bound or made', () => {
    const two = defineMachine({
      name: 'two',
      defaults: {},
      parts: () => ({ bus: new IccBus(), spare: new IccBus() }),
      map: () => {},
      nets: () => {},
    });
    expect(problemsOf(() => two.build())).toEqual(['the machine has 2 ICC buses (bus, spare), it can have one: all APICs hang on it']);
    expect(problemsOf(() => porch.build({}, [iccBusModule]))).toEqual([
      expect.stringMatching(/^IccBus is bound 2 times: module 3 of the machine, module 1 of those added/),
      expect.stringMatching(/^IccBridge is bound 2 times/),
    ]);
  });

  it('does not hide the others: a missing module, a missing dependency, a full slot and a throwing block are told together', () => {
    const problems = problemsOf(() =>
      defineMachine({
        name: 'all',
        defaults: {},
        modules: () => [panelModule, pciBusModule()],
        parts: ({ get, trace }) => ({
          lamp: get(Lamp),
          panel: get(Panel),
          pci: get(PciBus),
          one: new PciFunction({ trace }, { name: 'one', vendorId: 1, deviceId: 1, classCode: 0 }),
          two: new PciFunction({ trace }, { name: 'two', vendorId: 1, deviceId: 1, classCode: 0 }),
        }),
        map: ({ io, pci }, parts) => {
          io.at(0x300, parts.lamp.io);
          pci.at(parts.pci, [3, 0], parts.one);
          pci.at(parts.pci, [3, 0], parts.two);
        },
        nets: ({ wire, open }, { lamp, panel, pci, one, two }) => {
          wire(lamp.irq, panel.bus.lint0);
          for (const line of [...pci.pirq, one.intx, two.intx]) open(line, 'no router');
        },
        notices: () => {
          throw new Error('no idea whom to tell');
        },
      }).build(),
    );
    expect(problems).toEqual([
      'no module binds Lamp: load the module that does, or bind another part to it',
      'Panel needs IccBus, which no module binds',
      expect.stringContaining("two: PCI 03.0 is taken by 'one'"),
      'notices: no idea whom to tell',
    ]);
  });

  it('is an error with a code that lists everything in its message', () => {
    const build = (): unknown => porch.build({}, [lampModule]);
    expect(build).toThrow(MachineError);
    expect(build).toThrow(/^the machine 'porch' cannot be built:\n {2}Lamp is bound 2 times/);
  });

  it('of memory: windows of one priority, windows that leave the space, windows that are nowhere', () => {
    const problems = problemsOf(() =>
      defineMachine({
        name: 'memory',
        defaults: {},
        parts: () => ({
          a: storage('ram', 'a', new Uint8Array(16)),
          b: storage('ram', 'b', new Uint8Array(16)),
          c: storage('rom', 'c', new Uint8Array(4)),
        }),
        map: ({ mem }, { a, b }) => {
          mem.at(0, a);
          mem.at(8, b).setAccess({ read: true, write: false });
          mem.at(2 ** 53, a, { priority: 1 });
        },
        nets: () => {},
      }).build(),
    );
    expect(problems).toEqual([
      'memory 0x8-0xf: both a (0x0-0xf) and b (0x8-0x17)',
      'a: no window of 16 bytes from 0 at 0x20000000000000',
      'c (c) is mapped nowhere: map it, or say why not with unmapped()',
    ]);
  });
});

describe('a board', () => {
  const board = porch.build().describe();

  it('is resolved into a map: the window with the higher priority answers', () => {
    expect(renderBoard(board, 'map')).toBe(
      `${[
        'memory',
        '  00000000-00000fff porch-ram (ram)',
        '  00001000-00001fff porch-rom (rom)',
        'I/O',
        '  0300-0301 lamp-io (lamp.io)',
        'not mapped',
        '  bridge.apicContainer: no CPU',
        '  bridge.ioApicContainer: no I/O APIC',
      ].join('\n')}\n`,
    );
  });

  it('has wires and notices', () => {
    const text = renderBoard(board, 'nets');
    expect(text).toContain('  lamp.irq: low -> pic.ir5\n');
    expect(text).toContain('  pci.pirq[0]: open (no router)\n');
    expect(text).toContain('notices\n  switch.flipped$ -> lamp.switched\n');
  });

  it('has parts, with what sits on its buses', () => {
    const text = renderBoard(board, 'qtree');
    expect(text).toContain('  dev lamp: lamp\n    io  0300-0301 lamp-io\n    irq lamp.irq\n');
    expect(text).toContain('  bus pci: PciBus\n    irq pci.pirq[0], pci.pirq[1], pci.pirq[2], pci.pirq[3]\n    00:03.0 card\n');
  });

  it('shows levels as they are when it is asked', () => {
    const live = porch.build();
    live.parts.lamp.irq.raise();
    expect(renderBoard(live.describe(), 'nets')).toContain('  lamp.irq: high -> pic.ir5\n');
  });

  it.each(BOARD_VIEWS.flatMap((view) => BOARD_FORMATS.map((format) => [view, format] as const)))(
    '%s as %s is well formed',
    (view, format) => {
      const shown = renderBoard(board, view, format);
      const readers = {
        json: () => expect(JSON.parse(shown)).toMatchObject({ machine: 'porch' }),
        svg: () => expect(tagsLeftOpen(shown)).toEqual([]),
        text: () => expect(shown).toMatch(/^[a-z].*\n$/s),
      };
      readers[format]();
    },
  );

  /** Elements that are opened and not closed, in order. */
  function tagsLeftOpen(xml: string): string[] {
    const open: string[] = [];
    for (const [, end, name, rest] of xml.matchAll(/<(\/?)([a-z]+)([^<>]*)>/g)) {
      if (end) expect(open.pop()).toBe(name);
      else if (!rest!.endsWith('/')) open.push(name!);
    }
    expect(xml.replaceAll(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/);
    return open;
  }
});
