import type { CpuAddError, CpuExistsError, CpuIndexAboveMaxError } from '@hotsocket/machine/control';
import type { JsonError } from './json-parser.js';

/**
 * Whose words the server speaks. `1.5` and `3.1` are the texts and shapes of those QEMU releases, for scripts that compare texts, and offer
 * only what those releases had. `default` offers everything and takes, text by text, the clearer of the two.
 */
export type Dialect = 'default' | '1.5' | '3.1';

/** One text in both releases and which of them the default dialect uses. */
interface Text<Arguments extends unknown[]> {
  readonly '1.5': (...args: Arguments) => string;
  readonly '3.1': (...args: Arguments) => string;
  readonly advice: '1.5' | '3.1';
}

/** The texts of the QMP envelope and of argument checks. Clients see them as `desc`. */
export interface DialectTexts {
  readonly badSyntax: (error: JsonError) => string;
  readonly notAnObject: () => string;
  readonly missingExecute: () => string;
  readonly executeNotString: () => string;
  readonly argumentsNotObject: () => string;
  readonly unexpectedMember: (name: string) => string;
  readonly negotiationExpected: (command: string) => string;
  readonly alreadyNegotiated: () => string;
  readonly unknownCommand: (name: string) => string;
  readonly missingParameter: (name: string) => string;
  readonly unexpectedParameter: (name: string) => string;
  readonly wrongType: (name: string, expected: TypeWords, beyond15: boolean) => string;
  readonly cpuAdd: (error: CpuAddError) => string;
}

/** What a type is called in either release. */
export interface TypeWords {
  readonly '1.5': string;
  readonly '3.1': string;
}

const same = <Arguments extends unknown[]>(text: (...args: Arguments) => string): Text<Arguments> => ({
  '1.5': text,
  '3.1': text,
  advice: '3.1',
});

const notFound = (name: string): string => `The command ${clip(name)} has not been found`;

const TEXTS: { readonly [Name in Exclude<keyof DialectTexts, 'wrongType' | 'cpuAdd'>]: Text<Parameters<DialectTexts[Name]>> } = {
  badSyntax: { '1.5': () => 'Invalid JSON syntax', '3.1': syntaxText, advice: '3.1' },
  notAnObject: { '1.5': () => "Expected 'object' in QMP input", '3.1': () => 'QMP input must be a JSON object', advice: '3.1' },
  missingExecute: { '1.5': () => "Expected 'execute' in QMP input", '3.1': () => "QMP input lacks member 'execute'", advice: '3.1' },
  executeNotString: {
    '1.5': () => "QMP input object member 'execute' expects 'string'",
    '3.1': () => "QMP input member 'execute' must be a string",
    advice: '3.1',
  },
  argumentsNotObject: {
    '1.5': () => "QMP input object member 'arguments' expects 'object'",
    '3.1': () => "QMP input member 'arguments' must be an object",
    advice: '3.1',
  },
  unexpectedMember: {
    '1.5': (name) => `QMP input object member '${clip(name)}' is unexpected`,
    '3.1': (name) => `QMP input member '${clip(name)}' is unexpected`,
    advice: '3.1',
  },
  negotiationExpected: {
    '1.5': notFound,
    '3.1': () => "Expecting capabilities negotiation with 'qmp_capabilities'",
    advice: '3.1',
  },
  alreadyNegotiated: {
    '1.5': () => notFound('qmp_capabilities'),
    '3.1': () => 'Capabilities negotiation is already complete, command ignored',
    advice: '3.1',
  },
  unknownCommand: same(notFound),
  missingParameter: same((name) => `Parameter '${name}' is missing`),
  unexpectedParameter: {
    '1.5': (name) => `Invalid parameter '${clip(name)}'`,
    '3.1': (name) => `Parameter '${clip(name)}' is unexpected`,
    advice: '3.1',
  },
};

/** The texts of a dialect. */
export function dialectTexts(dialect: Dialect): DialectTexts {
  const chosen = Object.fromEntries(
    Object.entries(TEXTS).map(([name, text]) => [name, text[dialect === 'default' ? text.advice : dialect]]),
  ) as unknown as Omit<DialectTexts, 'wrongType' | 'cpuAdd'>;
  return {
    ...chosen,
    wrongType: (name, expected, beyond15) => wrongType(dialect, name, expected, beyond15),
    cpuAdd: (error) => cpuAddText(error, dialect),
  };
}

/** `null` and integers beyond 64 bits had no refusal of their own in 1.5, so the default dialect uses the later word for them. */
function wrongType(dialect: Dialect, name: string, expected: TypeWords, beyond15: boolean): string {
  const words = dialect === 'default' ? (beyond15 ? '3.1' : '1.5') : dialect;
  return `Invalid parameter type for '${name}', expected: ${expected[words]}`;
}

/** The `desc` of a refused `cpu-add`. What 1.5 did not survive (an index below zero, an APIC id above 255) has the text of 3.1 everywhere. */
export function cpuAddText(error: CpuAddError, dialect: Dialect): string {
  if (dialect !== '3.1') return error.message;
  if (error.code === 'exists') return existsText(error.index, (error as CpuExistsError).apicId);
  return error.code === 'max-allowed' ? outOfRangeText(error as CpuIndexAboveMaxError) : error.message;
}

/** From APIC id 256 on 3.1 spoke of the APIC id before it looked at the range. */
const APIC_ID_LIMIT = 256;

function outOfRangeText({ index, maxIndex, place }: CpuIndexAboveMaxError): string {
  if (place.apicId >= APIC_ID_LIMIT) return `Unable to add CPU: ${index}, resulting APIC ID (${place.apicId}) is too large`;
  const where = `[socket: ${place.socketId}, core: ${place.coreId}, thread: ${place.threadId}]`;
  return `Invalid CPU ${where} with APIC ID ${place.apicId}, valid index range 0:${maxIndex}`;
}

/** Also the answer of `device_add`, in every dialect. */
export function existsText(index: bigint | number, apicId: number): string {
  return `CPU[${index}] with APIC ID ${apicId} exists`;
}

function syntaxText(error: JsonError): string {
  if (error.kind === 'depth') return 'JSON nesting depth limit exceeded';
  if (error.kind === 'size') return 'JSON token size limit exceeded';
  if (error.kind === 'tokens') return 'JSON token count limit exceeded';
  return `JSON parse error, ${mistakeText(error)}`;
}

function mistakeText(error: Exclude<JsonError, { kind: 'depth' | 'size' | 'tokens' }>): string {
  switch (error.kind) {
    case 'stray':
      return `stray '${error.text}'`;
    case 'keyword':
      return `invalid keyword '${clip(error.text)}'`;
    case 'expecting':
      return `expecting ${error.what}`;
    case 'escape':
      return 'invalid escape sequence in string';
    case 'utf8':
      return 'invalid UTF-8 sequence in string';
    case 'duplicate':
      return 'duplicate key';
    case 'code-point':
      return `${error.text} is not a valid Unicode character`;
    default:
      return error.kind;
  }
}

/** Names come from the client and may be megabytes long; a reply must stay a short line. */
export function clip(name: string): string {
  return name.length <= 200 ? name : `${name.slice(0, 200)}…`;
}
