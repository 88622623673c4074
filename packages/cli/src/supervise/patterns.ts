import { parseInteger } from '../options/key-values.js';
import { UsageError } from '../usage-error.js';

/** Something that a guest may print. */
export interface TextPattern {
  /** As the user wrote it. */
  readonly text: string;
  readonly matcher: RegExp;
}

/** Reads a text, or a regular expression between slashes with its flags. Throws UsageError. */
export function parsePattern(label: string, text: string): TextPattern {
  const [, source, flags = ''] = /^\/(.+)\/([dgimsuvy]*)$/s.exec(text) ?? [];
  if (text === '') throw new UsageError(`${label}: the text is empty`);
  try {
    // global and sticky expressions would remember where they were
    return { text, matcher: source === undefined ? literal(text) : new RegExp(source, flags.replace(/[gy]/g, '')) };
  } catch (error) {
    throw new UsageError(`${label}: ${(error as Error).message}`);
  }
}

const literal = (text: string): RegExp => new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));

const UNITS: Readonly<Record<string, number>> = { '': 1e6, ms: 1e6, s: 1e9, m: 60e9 };

/** Reads a span of guest time: `500`, `500ms`, `10s`, `2m`. Returns nanoseconds; throws UsageError. */
export function parseSpan(label: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|m)?$/.exec(text) ?? [];
  const ns = Number(digits) * UNITS[unit]!;
  if (digits === '' || ns <= 0) throw new UsageError(`${label}: expected a time above 0, in milliseconds or with ms, s or m`);
  return ns;
}

/** Exit status of a run that takes too long, unless another is given. */
export const TIMEOUT_STATUS = 42;
const HIGHEST_STATUS = 255;

/** Reads an exit status. Throws UsageError. */
export function parseStatus(label: string, text: string): number {
  const status = parseInteger(text);
  if (status === undefined || status < 0 || status > HIGHEST_STATUS)
    throw new UsageError(`${label}: expected a number from 0 to ${HIGHEST_STATUS}`);
  return status;
}
