import { ObjectTree, QomError, type QomObject, TypeRegistry } from './index.js';

function tree(): ObjectTree {
  const made = new ObjectTree('pc-i440fx-1.4-machine');
  made.types.register({
    name: 'crystal',
    parent: 'object',
    properties: { hz: { type: 'uint32', default: 32_768 }, label: { type: 'str', default: '' } },
  });
  made.types.register({
    name: 'oven-crystal',
    parent: 'crystal',
    properties: { hz: { type: 'uint32', default: 10_000_000 }, hot: { type: 'bool', default: true } },
  });
  return made;
}

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof QomError) return error.code;
    throw error;
  }
  return 'none';
};

describe('TypeRegistry', () => {
  it('knows inheritance over several levels', () => {
    const { types } = tree();
    expect(['oven-crystal', 'crystal', 'object', 'device', 'nonsense'].map((name) => types.isA('oven-crystal', name))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(types.isA('nonsense', 'nonsense')).toBe(false);
  });

  it('lists all types with their parents', () => {
    const { types } = tree();
    expect(types.all().map(({ name, parent = '-' }) => `${name}<${parent}`)).toEqual([
      'bus<object',
      'container<object',
      'crystal<object',
      'device<object',
      'machine<object',
      'object<-',
      'oven-crystal<crystal',
      'pc-i440fx-1.4-machine<machine',
    ]);
  });

  it('refuses a name twice, an unknown parent and unknown types', () => {
    const types = new TypeRegistry();
    expect(codeOf(() => types.register({ name: 'bus' }))).toBe('duplicate');
    expect(codeOf(() => types.register({ name: 'x', parent: 'y' }))).toBe('unknown-type');
    expect([codeOf(() => types.get('x')), types.has('x')]).toEqual(['unknown-type', false]);
  });
});

describe('QomObject', () => {
  it('has the static properties of its type and its ancestors, the nearest default first', () => {
    const crystal = tree().object('oven-crystal');
    expect(crystal.list()).toEqual([
      { name: 'type', type: 'string' },
      { name: 'hz', type: 'uint32' },
      { name: 'label', type: 'str' },
      { name: 'hot', type: 'bool' },
    ]);
    expect(['type', 'hz', 'label', 'hot', 'cold'].map((name) => crystal.get(name))).toEqual([
      'oven-crystal',
      10_000_000,
      '',
      true,
      undefined,
    ]);
  });

  it('keeps static values apart from other objects of the type', () => {
    const made = tree();
    const [one, other] = [made.object('crystal'), made.object('crystal')];
    one.set('hz', 5);
    expect([one.get('hz'), other.get('hz')]).toEqual([5, 32_768]);
  });

  it.each([
    ['a negative number', 'hz', -1],
    ['a number beyond 32 bits', 'hz', 2 ** 32],
    ['a fraction', 'hz', 1.5],
    ['not a number', 'hz', Number.NaN],
    ['text for a number', 'hz', '5'],
    ['a number for text', 'label', 5],
    ['a number for a truth value', 'hot', 1],
  ])('refuses %s', (_name, property, value) => {
    expect(codeOf(() => tree().object('oven-crystal').set(property, value))).toBe('invalid-value');
  });

  it('says which property does not take which value', () => {
    expect(() =>
      tree()
        .object('crystal')
        .set('hz', 2n ** 32n),
    ).toThrow('crystal.hz: 4294967296 is not a whole number from 0 to 4294967295');
  });

  it('refuses to set what is not there or cannot be set', () => {
    const crystal = tree().object('crystal');
    expect([codeOf(() => crystal.set('cold', 1)), codeOf(() => crystal.set('type', 'x'))]).toEqual(['no-such-property', 'read-only']);
  });

  it('offers live values of dynamic properties, to itself alone', () => {
    const made = tree();
    const [one, other] = [made.object('crystal'), made.object('crystal')];
    let drift = 0;
    one.addProperty('drift', { type: 'int', get: () => drift, set: (value) => (drift = Number(value)) });
    one.set('drift', -3n);
    expect([drift, one.get('drift'), other.get('drift')]).toEqual([-3, -3, undefined]);
    one.removeProperty('drift');
    expect(one.get('drift')).toBeUndefined();
  });

  it.each([[''], ['a/b'], ['hz']])('refuses a property named %p', (name) => {
    expect(['duplicate', 'invalid-value']).toContain(
      codeOf(() =>
        tree()
          .object('crystal')
          .addProperty(name, { type: 'int', get: () => 0 }),
      ),
    );
  });

  it('cannot be of an abstract or unknown type', () => {
    expect([codeOf(() => tree().object('device')), codeOf(() => tree().object('x'))]).toEqual(['abstract-type', 'unknown-type']);
  });

  it('links to objects of the right type, and shows their paths', () => {
    const made = tree();
    const [from, to] = [made.object('container'), made.object('oven-crystal')];
    let target: QomObject | undefined;
    from.addLink('clock', { type: 'crystal', get: () => target, set: (object) => (target = object) });
    expect(from.get('clock')).toBe('');
    from.setLink('clock', to);
    expect([from.get('clock'), from.list().at(-1)]).toEqual(['', { name: 'clock', type: 'link<crystal>' }]);
    made.machine.addChild('x1', to);
    expect(from.get('clock')).toBe('/machine/x1');
    expect(codeOf(() => from.setLink('clock', made.machine))).toBe('invalid-value');
    expect(codeOf(() => from.set('clock', '/machine'))).toBe('read-only');
    from.setLink('clock', undefined);
    expect(from.get('clock')).toBe('');
  });
});

describe('ObjectTree', () => {
  it('begins with the machine and its containers', () => {
    const made = tree();
    expect([made.root, made.machine, made.unattached, made.peripheral, made.peripheralAnon].map(({ path }) => path)).toEqual([
      '/',
      '/machine',
      '/machine/unattached',
      '/machine/peripheral',
      '/machine/peripheral-anon',
    ]);
    expect(made.machine.list()).toEqual([
      { name: 'type', type: 'string' },
      { name: 'unattached', type: 'child<container>' },
      { name: 'peripheral', type: 'child<container>' },
      { name: 'peripheral-anon', type: 'child<container>' },
    ]);
    expect(made.machine.get('unattached')).toBe('/machine/unattached');
  });

  it('gives paths to objects in the tree only', () => {
    const made = tree();
    const [outer, inner] = [made.object('container'), made.object('crystal')];
    outer.addChild('x1', inner);
    expect(codeOf(() => inner.path)).toBe('not-found');
    made.machine.addChild('board', outer);
    expect([inner.path, inner.name, inner.parent]).toEqual(['/machine/board/x1', 'x1', outer]);
    outer.unparent();
    expect([inner.isPlaced, made.resolve('/machine/board')]).toEqual([false, undefined]);
  });

  it('refuses two parents, two children of a name, and a circle', () => {
    const made = tree();
    const [a, b] = [made.object('container'), made.object('container')];
    made.machine.addChild('a', a);
    a.addChild('b', b);
    expect(
      [
        () => b.addChild('a', a),
        () => made.root.addChild('b', b),
        () => a.addChild('a', a),
        () => made.machine.addChild('a', made.object('crystal')),
      ].map(codeOf),
    ).toEqual(['duplicate', 'duplicate', 'duplicate', 'duplicate']);
  });

  it('finds objects by absolute path, through children and links', () => {
    const made = tree();
    const [board, x1] = [made.object('container'), made.object('crystal')];
    made.machine.addChild('board', board);
    board.addChild('x1', x1);
    made.machine.addLink('clock', { type: 'crystal', get: () => x1 });
    expect(['/', '/machine/board/x1', '/machine/clock', '//machine//board/'].map((path) => made.resolve(path))).toEqual([
      made.root,
      x1,
      x1,
      board,
    ]);
    expect(['/machine/board/x2', '/machine/clock/x', '', '/machine/board/type'].map((path) => made.resolve(path))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('finds objects by partial path and type, and says when it is ambiguous', () => {
    const made = tree();
    const [left, right] = ['left', 'right'].map((name) => {
      const board = made.object('container');
      made.machine.addChild(name, board);
      board.addChild('x1', made.object(name === 'left' ? 'crystal' : 'oven-crystal'));
      return board;
    });
    expect(made.resolve('left/x1')).toBe(left?.follow('x1'));
    expect(made.resolve('x1', 'oven-crystal')).toBe(right?.follow('x1'));
    expect(made.resolve('x1')).toBeUndefined();
    expect(() => made.resolveUnique('x1', 'crystal')).toThrow("'x1' of type 'crystal': /machine/left/x1, /machine/right/x1");
    expect([codeOf(() => made.resolveUnique('x1')), codeOf(() => made.resolveUnique('x9'))]).toEqual(['ambiguous', 'not-found']);
    expect(made.resolveUnique('right/x1').path).toBe('/machine/right/x1');
  });

  it('numbers what a user adds without a name', () => {
    const made = tree();
    const added = [undefined, 'cpu1', undefined].map((name) => {
      const object = made.object('crystal');
      made.addPeripheral(object, name);
      return object.path;
    });
    expect(added).toEqual(['/machine/peripheral-anon/device[0]', '/machine/peripheral/cpu1', '/machine/peripheral-anon/device[1]']);
    expect(codeOf(() => made.addPeripheral(made.object('crystal'), 'cpu1'))).toBe('duplicate');
  });
});
