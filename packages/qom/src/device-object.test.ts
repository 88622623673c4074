import { type SavedState, savedState } from '@hotsocket/saved-state';
import { type Bus, type Device, type DeviceObject, type DeviceObjectOptions, ObjectTree, QomError } from './index.js';

/** A device that notes what happens to it. */
class Chip implements Device {
  readonly typeName: string;
  readonly properties: NonNullable<Device['properties']> = { 'apic-id': { type: 'uint32', get: () => 7 } };
  readonly #log: string[];

  constructor(log: string[], typeName = 'chip') {
    this.#log = log;
    this.typeName = typeName;
  }

  reset(): void {
    this.#log.push(`${this.typeName} reset`);
  }

  save(): SavedState {
    return savedState(this.typeName, 1, {});
  }

  restore(): void {}
}

function setup(options: { hotplugAllowed?: boolean } = {}): {
  tree: ObjectTree;
  bus: Bus;
  log: string[];
  make: (options?: DeviceObjectOptions, typeName?: string) => DeviceObject;
} {
  const tree = new ObjectTree();
  const log: string[] = [];
  const bus = tree.bus('icc-bus', { hotplugAllowed: options.hotplugAllowed ?? true });
  tree.machine.addChild('icc', bus);
  const make = (more: DeviceObjectOptions = {}, typeName = 'chip'): DeviceObject =>
    tree.device(new Chip(log, typeName), { bus, busType: 'icc-bus', ...more });
  return { tree, bus, log, make };
}

/** All names and types of the tree, to compare before and after. */
const shape = (tree: ObjectTree): string[] =>
  [...tree.root.walk()].map(
    (object) =>
      `${object.path}: ${object
        .list()
        .map(({ name }) => name)
        .join(' ')}`,
  );

describe('DeviceObject', () => {
  it('shows what the device offers, and its place', () => {
    const { make } = setup();
    const chip = make();
    expect(chip.list()).toEqual([
      { name: 'type', type: 'string' },
      { name: 'parent_bus', type: 'link<icc-bus>' },
      { name: 'realized', type: 'bool' },
      { name: 'hotplugged', type: 'bool' },
      { name: 'apic-id', type: 'uint32' },
    ]);
    expect(['parent_bus', 'realized', 'hotplugged', 'apic-id'].map((name) => chip.get(name))).toEqual(['/machine/icc', false, false, 7]);
  });

  it('takes the next number among the unattached, and a link on its bus', () => {
    const { tree, bus, make } = setup();
    const chips = [make(), make(), make()];
    for (const chip of chips) chip.realize();
    expect(chips.map(({ path }) => path)).toEqual([0, 1, 2].map((number) => `/machine/unattached/device[${number}]`));
    expect(bus.list().slice(1)).toEqual([0, 1, 2].map((number) => ({ name: `child[${number}]`, type: 'link<chip>' })));
    expect(bus.get('child[1]')).toBe('/machine/unattached/device[1]');
    expect(tree.devices()).toEqual(chips);
    expect(bus.devices).toEqual(chips);
  });

  it('keeps the place it was given', () => {
    const { tree, make } = setup();
    const chip = make();
    tree.machine.addChild('ioapic', chip);
    chip.realize();
    expect(chip.path).toBe('/machine/ioapic');
  });

  it('can be realized by its property, once', () => {
    const calls: string[] = [];
    const { make } = setup();
    const chip = make({ realize: () => calls.push('realize'), unrealize: () => calls.push('unrealize') });
    for (const value of [true, true, false, false]) chip.set('realized', value);
    expect(calls).toEqual(['realize', 'unrealize']);
  });

  it('reports realized only after its own realize', () => {
    const { make } = setup();
    const seen: unknown[] = [];
    const chip: DeviceObject = make({ realize: () => seen.push(chip.get('realized'), chip.path) });
    chip.realize();
    expect([...seen, chip.get('realized')]).toEqual([false, '/machine/unattached/device[0]', true]);
  });

  it('leaves no trace when its realize throws, and can be realized later', () => {
    const { tree, make, log } = setup();
    make().realize();
    tree.complete();
    const before = shape(tree);
    let broken = true;
    const apic = make({ unrealize: () => log.push('apic unrealize') }, 'apic');
    const cpu = make({
      realize: () => {
        apic.realize();
        if (broken) throw new Error('no thread');
      },
    });
    cpu.addChild('apic', apic);
    expect(() => cpu.realize()).toThrow('no thread');
    expect(shape(tree)).toEqual(before);
    expect([cpu.isRealized, apic.isRealized, cpu.isPlaced, log]).toEqual([false, false, false, ['apic reset', 'apic unrealize']]);
    broken = false;
    cpu.realize();
    expect([cpu.path, apic.path]).toEqual(['/machine/unattached/device[1]', '/machine/unattached/device[1]/apic']);
  });

  it('leaves its bus when it is unrealized, its children first', () => {
    const { bus, make, log } = setup();
    const apic = make({ unrealize: () => log.push('apic') }, 'apic');
    const cpu = make({ realize: () => apic.realize(), unrealize: () => log.push('cpu') });
    cpu.addChild('apic', apic);
    cpu.realize();
    cpu.unrealize();
    expect([log, bus.devices, cpu.isPlaced]).toEqual([['apic', 'cpu'], [], true]);
  });

  it('refuses a bus of another type, or none where it needs one', () => {
    const { tree, make } = setup();
    const isa = tree.bus('isa-bus');
    for (const bus of [isa, undefined])
      expect(() => make({ bus: bus as Bus }).realize()).toThrow(new QomError('wrong-bus', "chip: needs a bus of type 'icc-bus'"));
    expect(tree.devices()).toEqual([]);
  });

  it('takes a bus of a derived type', () => {
    const { tree, make } = setup();
    tree.types.register({ name: 'fast-icc-bus', parent: 'icc-bus' });
    const chip = make({ bus: tree.bus('fast-icc-bus') });
    chip.realize();
    expect(chip.isRealized).toBe(true);
  });
});

describe('hot-plug', () => {
  it('is latched when the object is made, not when it is realized', () => {
    const { tree, make } = setup();
    const early = make();
    tree.complete();
    const late = make();
    early.realize();
    late.realize();
    expect([early.get('hotplugged'), late.get('hotplugged')]).toEqual([false, true]);
  });

  it('resets what it adds, with its children, and nothing else', () => {
    const { tree, make, log } = setup();
    make({}, 'boot-cpu').realize();
    tree.complete();
    const cpu: DeviceObject = make({ realize: () => (cpu.follow('apic') as DeviceObject).realize() }, 'cpu');
    cpu.addChild('apic', make({ reset: { hold: () => log.push('apic reset') } }, 'apic'));
    cpu.realize();
    expect(log).toEqual(['apic reset', 'apic reset', 'cpu reset']);
  });

  it('is refused by a bus that takes no late devices, without a trace', () => {
    const { tree, make } = setup({ hotplugAllowed: false });
    make().realize();
    tree.complete();
    const before = shape(tree);
    expect(() => make().realize()).toThrow(new QomError('no-hotplug', "icc-bus 'icc' does not take devices while the machine runs"));
    expect(shape(tree)).toEqual(before);
  });
});

describe('reset', () => {
  it('goes through three phases, children before parents, without what is not realized', () => {
    const { tree, make, log } = setup();
    const phases = (name: string): DeviceObjectOptions => ({
      reset: { enter: () => log.push(`${name} enter`), hold: () => log.push(`${name} hold`), exit: () => log.push(`${name} exit`) },
    });
    const [bridge, inner, absent] = [make(phases('bridge')), make(phases('inner')), make(phases('absent'))];
    tree.machine.addChild('bridge', bridge);
    bridge.addChild('inner', inner);
    tree.machine.addChild('absent', absent);
    bridge.realize();
    inner.realize();
    tree.reset();
    expect(log).toEqual(['inner enter', 'bridge enter', 'inner hold', 'bridge hold', 'inner exit', 'bridge exit']);
  });

  it('calls a plain device once', () => {
    const { tree, make, log } = setup();
    make().realize();
    tree.reset();
    expect(log).toEqual(['chip reset']);
  });
});
