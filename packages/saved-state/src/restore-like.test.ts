import { restoreLike } from './restore-like.js';
import { type SavedState, SavedStateError, savedState } from './saved-state.js';

const template = { index: 0, bytes: new Uint8Array(2), table: [0, 0], nested: { on: false } };
const limits = { index: 7, table: 255 };
const restore = (saved: SavedState): typeof template => restoreLike(saved, 'chip', 1, template, limits);
const made = (change: object): SavedState => savedState('chip', 1, { ...template, ...change });

describe('restoreLike', () => {
  it('returns a copy of data that fits', () => {
    const saved = made({ index: 7, table: [255, 0] });
    expect(restore(saved)).toEqual({ ...template, index: 7, table: [255, 0] });
    expect(restore(saved)).not.toBe(saved.data);
  });

  it('takes negative numbers where the limits say so', () => {
    const saved = made({ index: -5 });
    expect(restoreLike(saved, 'chip', 1, template, { index: [-5, 0] }).index).toBe(-5);
    expect(() => restoreLike(saved, 'chip', 1, template, { index: [-4, 0] })).toThrow('chip: index is -5');
  });

  it.each([
    ['a number above its limit', { index: 8 }, 'chip: index is 8'],
    ['a negative number', { index: -1 }, 'chip: index is -1'],
    ['a fraction', { index: 0.5 }, 'chip: index is 0.5'],
    ['an element above the limit of its array', { table: [0, 256] }, 'chip: table.1 is 256'],
    ['a short array', { table: [0] }, 'chip: table has not 2 values'],
    ['a long byte array', { bytes: new Uint8Array(3) }, 'chip: bytes has not 2 values'],
    ['an array for bytes', { bytes: [0, 0] }, 'chip: bytes has another shape'],
    ['another type', { nested: { on: 1 } }, 'chip: nested.on is not of type boolean'],
    ['null', { nested: null }, 'chip: nested is not of type object'],
    ['a surplus name', { more: 1 }, 'chip: data has not 4 values'],
  ])('refuses %s', (_what, change, message) => {
    expect(() => restore(made(change))).toThrow(new SavedStateError(message));
  });

  it('refuses a missing name', () => {
    expect(() => restore(savedState('chip', 1, { ...template, nested: { off: false } }))).toThrow('chip: nested.on is not of type boolean');
  });
});
