import { restoreRecord, type SavedState, SavedStateError } from './saved-state.js';

/** The largest number a value may hold, or the smallest and the largest, by the value's name; elements of an array count under the array's name. */
export type StateLimits = Readonly<Record<string, number | readonly [smallest: number, largest: number]>>;

/**
 * As `restoreRecord`, and the data must look like `template`: the same names, types and array lengths, and numbers that
 * are whole and within `limits`, which do not allow negative ones unless they say so. A snapshot is a file like any other: its numbers become indexes later.
 */
export function restoreLike<T extends object>(saved: SavedState, kind: string, version: number, template: T, limits: StateLimits = {}): T {
  const data = restoreRecord<T>(saved, kind, version);
  check({ kind, limits }, '', '', data, template);
  return data;
}

interface Rules {
  readonly kind: string;
  readonly limits: StateLimits;
}

function check(rules: Rules, path: string, name: string, value: unknown, like: unknown): void {
  if (typeof value !== typeof like || (value === null) !== (like === null)) throw misfit(rules, path, `is not of type ${typeof like}`);
  if (typeof value === 'number') return checkNumber(rules, path, name, value);
  if (!isComposite(value) || !isComposite(like)) return;
  if (Object.prototype.toString.call(value) !== Object.prototype.toString.call(like)) throw misfit(rules, path, 'has another shape');
  const names = Object.keys(like);
  if (Object.keys(value).length !== names.length) throw misfit(rules, path, `has not ${names.length} values`);
  for (const key of names) check(rules, `${path}.${key}`, Array.isArray(like) ? name : key, value[key], like[key]);
}

function checkNumber(rules: Rules, path: string, name: string, value: number): void {
  const limit = Object.hasOwn(rules.limits, name) ? rules.limits[name]! : Number.MAX_SAFE_INTEGER;
  const [smallest, largest] = typeof limit === 'number' ? [0, limit] : limit;
  if (!Number.isSafeInteger(value) || value < smallest || value > largest) throw misfit(rules, path, `is ${value}`);
}

const isComposite = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const misfit = (rules: Rules, path: string, what: string): SavedStateError =>
  new SavedStateError(`${rules.kind}: ${path.slice(1) || 'data'} ${what}`);
