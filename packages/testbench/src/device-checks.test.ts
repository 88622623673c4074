import { restoreRecord, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Checkable, resetReachesInitialState, saveRestoreIsIdentity, stateDifferences } from './device-checks.js';

class Counter implements Checkable {
  state = { count: 0, bytes: new Uint8Array(2), nested: { flag: false } };
  forgets = false;

  reset(): void {
    this.state = { ...this.state, count: 0, nested: { flag: false } };
  }

  save(): SavedState {
    return savedState('counter', 1, this.state);
  }

  restore(saved: SavedState): void {
    this.state = restoreRecord(saved, 'counter', 1);
    if (this.forgets) this.state.nested.flag = false;
  }
}

const disturb = (counter: Counter): void => {
  counter.state.count = 3;
  counter.state.bytes[1] = 9;
  counter.state.nested.flag = true;
};

describe('resetReachesInitialState', () => {
  it('names what a reset left behind', () => {
    expect(() => resetReachesInitialState(() => new Counter(), disturb)).toThrow('not as new after reset: bytes.1');
  });

  it('accepts what is kept by design', () => {
    expect(() => resetReachesInitialState(() => new Counter(), disturb, ['bytes'])).not.toThrow();
  });
});

describe('saveRestoreIsIdentity', () => {
  it('accepts a device that restores everything', () => {
    expect(() => saveRestoreIsIdentity(() => new Counter(), disturb)).not.toThrow();
  });

  it('names what got lost', () => {
    const make = (): Counter => Object.assign(new Counter(), { forgets: true });
    expect(() => saveRestoreIsIdentity(make, disturb)).toThrow('lost by save and restore: nested.flag');
  });
});

describe('stateDifferences', () => {
  it('sees kind, version and values present on one side only', () => {
    const one = savedState('a', 1, { x: 1, y: 2n });
    const other = savedState('b', 2, { y: 2n, z: null });
    expect(stateDifferences(one, other)).toEqual(['kind', 'version', 'x', 'z']);
  });
});
