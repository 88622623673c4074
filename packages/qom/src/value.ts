import type { Property } from './device.js';
import { QomError } from './qom-error.js';

/** What a property of a device may hold. */
export type PropertyValue = ReturnType<Property['get']>;

const INTEGERS: Readonly<Record<string, readonly [smallest: bigint, largest: bigint]>> = {
  int: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 0xffn],
  uint16: [0n, 0xffffn],
  uint32: [0n, 0xffff_ffffn],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Throws QomError `invalid-value` unless `value` fits the type; types it does not know take anything. `what` names the property. */
export function checkValue(what: string, type: string, value: PropertyValue): void {
  const range = INTEGERS[type];
  if (range) checkInteger(what, value, range);
  else if (type === 'bool' && typeof value !== 'boolean') throw invalid(what, value, 'true or false');
  else if (type === 'str' && typeof value !== 'string') throw invalid(what, value, 'text');
}

function checkInteger(what: string, value: PropertyValue, [smallest, largest]: readonly [bigint, bigint]): void {
  const whole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  if (!whole || BigInt(value) < smallest || BigInt(value) > largest)
    throw invalid(what, value, `a whole number from ${smallest} to ${largest}`);
}

const invalid = (what: string, value: PropertyValue, wanted: string): QomError =>
  new QomError('invalid-value', `${what}: ${typeof value === 'string' ? `'${value}'` : value} is not ${wanted}`);
