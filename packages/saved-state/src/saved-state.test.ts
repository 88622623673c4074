import { restoreRecord, SavedStateError, type StateRecord, savedState } from './index.js';

interface Example extends StateRecord {
  readonly count: number;
  readonly wide: bigint;
  readonly bytes: Uint8Array;
  readonly queue: readonly number[];
  readonly nested: { readonly on: boolean; readonly name: string | null };
}

const example = (): Example => ({ count: 3, wide: 2n ** 63n, bytes: new Uint8Array([1, 2]), queue: [7], nested: { on: true, name: null } });

describe('savedState', () => {
  it('copies the data, so that the device can go on', () => {
    const data = example();
    const saved = savedState('chip', 2, data);
    data.bytes[0] = 99;
    expect(saved).toEqual({ kind: 'chip', version: 2, data: example() });
  });
});

describe('restoreRecord', () => {
  it('returns a copy, so that the snapshot stays', () => {
    const saved = savedState('chip', 2, example());
    restoreRecord<Example>(saved, 'chip', 2).bytes[0] = 99;
    expect(saved.data).toEqual(example());
  });

  it.each([
    ['another kind', 'disk', 2, "state of 'chip' given to 'disk'"],
    ['an older version', 'chip', 3, 'chip: version 2 is not supported (expected 3)'],
  ])('refuses %s', (_name, kind, version, message) => {
    const saved = savedState('chip', 2, example());
    expect(() => restoreRecord(saved, kind, version)).toThrow(new SavedStateError(message));
  });

  it('gives its error a code for programs', () => {
    expect(new SavedStateError('x')).toMatchObject({ code: 'SAVED_STATE', message: 'x' });
  });
});
