import { ascii, concat } from './bytes.js';

/** A term that AML cannot express: a name that is none, a value out of range, an object defined twice. */
export class AmlError extends Error {
  override readonly name = 'AmlError';
}

const SEGMENT = /^[A-Z_][A-Z0-9_]{0,3}$/;
const PATH = /^(\\|\^*)(.*)$/;

const segment = (text: string): string => text.padEnd(4, '_');

const segments = (rest: string, path: string): readonly string[] => {
  if (rest === '') return [];
  const parts = rest.split('.');
  const bad = parts.find((part) => !SEGMENT.test(part));
  if (bad !== undefined) throw new AmlError(`'${bad}' in the path '${path}' is no ACPI name`);
  return parts.map(segment);
};

/** A path such as `\_SB.PCI0` or `^ISA` as a NameString. ACPI 20.2.2. */
export function nameString(path: string): Uint8Array {
  const [, prefix = '', rest = ''] = PATH.exec(path) ?? [];
  const parts = segments(rest, path);
  if (parts.length > 255) throw new AmlError(`the path '${path}' has ${parts.length} segments; the limit is 255`);
  if (parts.length === 0 && prefix !== '\\') throw new AmlError(`'${path}' names nothing`);
  return concat(ascii(prefix), countPrefix(parts.length), ascii(parts.join('')));
}

const countPrefix = (count: number): readonly number[] => {
  if (count === 0) return [0x00];
  if (count === 1) return [];
  return count === 2 ? [0x2e] : [0x2f, count];
};

/** The absolute path of a name that stands at the root of a definition block. */
export function absolute(path: string): string {
  const [, prefix = '', rest = ''] = PATH.exec(path) ?? [];
  if (prefix.startsWith('^')) throw new AmlError(`'${path}' leads above the root`);
  return `\\${segments(rest, path).join('.')}`;
}

/**
 * Checks that a definition block defines each name once.
 *
 * @throws AmlError naming the object that is there twice
 */
export function checkUnique(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const path of names.map(absolute)) {
    if (seen.has(path)) throw new AmlError(`${path} is defined twice`);
    seen.add(path);
  }
}
