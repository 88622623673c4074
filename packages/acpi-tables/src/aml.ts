// ACPI Machine Language as values: each function makes one term. ACPI Specification 6.4, chapter 20 (encoding) and 19.6 (meaning).

import { AmlError, nameString } from './aml-names.js';
import { ascii, concat, type Piece, u16, u32, u64 } from './bytes.js';

/** An encoded term, with the names it puts into the namespace relative to where it stands. */
export interface Term {
  readonly aml: Uint8Array;
  readonly names: readonly string[];
}

/** What may stand where a value is expected: a term, an integer, or the path of an object. */
export type Operand = Term | number | bigint | string;

/** Where an operator stores its result; nothing when it is only wanted as a value. */
export type Target = Term | string;

const term = (...pieces: readonly Piece[]): Term => ({ aml: concat(...pieces), names: [] });
const encode = (operand: Operand): Uint8Array => asTerm(operand).aml;
const encodeAll = (operands: readonly Operand[]): Uint8Array => concat(...operands.map(encode));
const asTerm = (operand: Operand): Term => {
  if (typeof operand === 'string') return term(nameString(operand));
  return typeof operand === 'object' ? operand : integer(operand);
};

/** NullName: the result is not stored. */
const NOWHERE = term(0x00);
const target = (where: Target | undefined): Uint8Array => encode(where ?? NOWHERE);

// ---- lengths ------------------------------------------------------------------------------------------------------

const PKG_LENGTH_LIMIT = 2 ** 28;

/** PkgLength of a body, counting its own one to four bytes. ACPI 20.2.4. */
export function pkgLength(bodyBytes: number): readonly number[] {
  if (bodyBytes + 1 < 0x40) return [bodyBytes + 1];
  const extra = [1, 2, 3].find((count) => bodyBytes + 1 + count < 2 ** (4 + 8 * count));
  if (extra === undefined) throw new AmlError(`a term of ${bodyBytes} bytes is too long: the limit is ${PKG_LENGTH_LIMIT}`);
  const length = bodyBytes + 1 + extra;
  return [(extra << 6) | (length & 0x0f), ...Array.from({ length: extra }, (_, index) => (length >>> (4 + 8 * index)) & 0xff)];
}

const packaged = (opcode: Piece, ...body: readonly Piece[]): Uint8Array => {
  const bytes = concat(...body);
  return concat(opcode, pkgLength(bytes.length), bytes);
};

// ---- names ----------------------------------------------------------------------------------------------------------

/** `child` as seen from the scope that holds `path`. */
const below = (path: string, child: string): string => {
  if (child.startsWith('\\')) return child;
  return path === '\\' ? `\\${child}` : `${path}.${child}`;
};

const namesIn = (path: string, body: readonly Term[]): readonly string[] =>
  body.flatMap(({ names }) => names.map((name) => below(path, name)));
const declared = (path: string, aml: Uint8Array): Term => ({ aml, names: [path] });
const container = (path: string, body: readonly Term[], aml: Uint8Array): Term => ({ aml, names: [path, ...namesIn(path, body)] });

/** Terms in order, as one. */
export const terms = (...list: readonly Term[]): Term => ({ aml: encodeAll(list), names: list.flatMap(({ names }) => names) });

/** Opens a scope that exists already. */
export const scope = (path: string, ...body: readonly Term[]): Term => ({
  aml: packaged(0x10, nameString(path), encodeAll(body)),
  names: namesIn(path, body),
});

export const device = (path: string, ...body: readonly Term[]): Term =>
  container(path, body, packaged([0x5b, 0x82], nameString(path), encodeAll(body)));

/** A Processor object: ACPI processor id, register block address and its length (0 or 6). */
export const processor = (path: string, id: number, block: number, blockBytes: number, ...body: readonly Term[]): Term =>
  container(path, body, packaged([0x5b, 0x83], nameString(path), id & 0xff, u32(block), blockBytes, encodeAll(body)));

export const name = (path: string, value: Operand): Term => declared(path, concat(0x08, nameString(path), encode(value)));

export interface MethodOptions {
  /** arguments taken, 0 to 7 */
  readonly args?: number;
  /** one thread at a time; needed when the body makes named objects */
  readonly serialized?: boolean;
}

export function method(path: string, { args = 0, serialized = false }: MethodOptions, ...body: readonly Term[]): Term {
  if (!Number.isInteger(args) || args < 0 || args > 7) throw new AmlError(`method ${path} takes ${args} arguments; 0 to 7 are possible`);
  // names made by the body live while the method runs, so they are not names of this block
  return declared(path, packaged(0x14, nameString(path), args | (serialized ? 0x08 : 0), encodeAll(body)));
}

export const mutex = (path: string): Term => declared(path, concat([0x5b, 0x01], nameString(path), 0));
export const alias = (source: string, path: string): Term => declared(path, concat(0x06, nameString(source), nameString(path)));

// ---- values -----------------------------------------------------------------------------------------------------------

/** An integer in its shortest encoding. ACPI 20.2.3. */
export function integer(value: number | bigint): Term {
  const wide = BigInt(value);
  if (wide < 0n || wide > 0xffff_ffff_ffff_ffffn) throw new AmlError(`${value} is no 64-bit unsigned integer`);
  if (wide > 0xffff_ffffn) return term(0x0e, u64(wide));
  const small = Number(wide);
  if (small <= 1) return term(small);
  if (small <= 0xff) return term(0x0a, small);
  return small <= 0xffff ? term(0x0b, u16(small)) : term(0x0c, u32(small));
}

/** All bits set: the ACPI word for true. */
export const ones: Term = term(0xff);
/** A literal string; printable ASCII only. */
export function text(value: string): Term {
  if (!/^[ -~]*$/.test(value)) throw new AmlError(`string ${JSON.stringify(value)} is not printable ASCII`);
  return term(0x0d, ascii(value), 0);
}

export const buffer = (bytes: Uint8Array | readonly number[]): Term => term(packaged(0x11, encode(bytes.length), bytes));

/** A package of at most 255 elements; larger ones need {@link varPackage}, which some old systems do not read. */
export function pkg(...elements: readonly Operand[]): Term {
  if (elements.length > 255) throw new AmlError(`a package of ${elements.length} elements needs varPackage`);
  return term(packaged(0x12, elements.length, encodeAll(elements)));
}

export const varPackage = (...elements: readonly Operand[]): Term => term(packaged(0x13, encode(elements.length), encodeAll(elements)));

/** A compressed EISA identifier such as PNP0A03. ACPI 19.3.4. */
export function eisaId(id: string): Term {
  if (!/^[A-Z]{3}[0-9A-F]{4}$/.test(id)) throw new AmlError(`'${id}' is no EISA identifier`);
  const [a, b, c] = [...id].map((char) => char.charCodeAt(0) - 0x40) as [number, number, number];
  const product = Number.parseInt(id.slice(3), 16);
  const bytes = [(a << 2) | (b >> 3), ((b & 7) << 5) | c, product >> 8, product & 0xff];
  return integer(bytes.reduceRight((value, byte) => value * 256 + byte, 0));
}

/** Local0 to Local7 of a method. */
export const local = (index: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7): Term => term(0x60 + index);
/** Arg0 to Arg6 of a method. */
export const arg = (index: 0 | 1 | 2 | 3 | 4 | 5 | 6): Term => term(0x68 + index);

// ---- regions and fields ---------------------------------------------------------------------------------------------

/** Address space of an operation region. */
export const SPACE = { systemMemory: 0, systemIo: 1, pciConfig: 2 } as const;
/** Width of the accesses to a field. */
export const ACCESS = { any: 0, byte: 1, word: 2, dword: 3 } as const;
/** What becomes of the other bits of a written unit. */
export const UPDATE = { preserve: 0, writeAsOnes: 1, writeAsZeros: 2 } as const;

export const operationRegion = (path: string, space: keyof typeof SPACE, offset: Operand, length: Operand): Term =>
  declared(path, concat([0x5b, 0x80], nameString(path), SPACE[space], encode(offset), encode(length)));

/** A field unit by name and bits, or bits to skip. */
export type FieldElement = readonly [name: string, bits: number] | { readonly skip: number };

export interface FieldOptions {
  readonly access: keyof typeof ACCESS;
  readonly lock?: boolean;
  readonly update?: keyof typeof UPDATE;
}

export function field(region: string, options: FieldOptions, ...elements: readonly FieldElement[]): Term {
  const flags = ACCESS[options.access] | (options.lock === true ? 0x10 : 0) | (UPDATE[options.update ?? 'preserve'] << 5);
  const names = elements.flatMap((element) => ('skip' in element ? [] : [element[0]]));
  return { aml: packaged([0x5b, 0x81], nameString(region), flags, concat(...elements.map(fieldElement))), names };
}

/** Field lengths are PkgLength codes of the bare bit count, which does not include the code itself. */
function fieldElement(element: FieldElement): Uint8Array {
  const [path, bits] = 'skip' in element ? [undefined, element.skip] : element;
  const start = path === undefined ? [0] : nameString(path);
  if (bits < 0x40) return concat(start, bits);
  return concat(start, bareLength(bits));
}

function bareLength(value: number): readonly number[] {
  const extra = [1, 2, 3].find((count) => value < 2 ** (4 + 8 * count));
  if (extra === undefined) throw new AmlError(`a field of ${value} bits is too long`);
  return [(extra << 6) | (value & 0x0f), ...Array.from({ length: extra }, (_, index) => (value >>> (4 + 8 * index)) & 0xff)];
}

const createField =
  (opcode: number) =>
  (source: Operand, byte: Operand, path: string): Term =>
    declared(path, concat(opcode, encode(source), encode(byte), nameString(path)));

/** A named window of 32, 16 or 8 bits into a buffer, at a byte offset. */
export const createDWordField: (source: Operand, byte: Operand, path: string) => Term = createField(0x8a);
export const createWordField: (source: Operand, byte: Operand, path: string) => Term = createField(0x8b);
export const createByteField: (source: Operand, byte: Operand, path: string) => Term = createField(0x8c);

// ---- statements -------------------------------------------------------------------------------------------------------

export const iff = (condition: Operand, ...body: readonly Term[]): Term => term(packaged(0xa0, encode(condition), encodeAll(body)));
/** Follows an {@link iff}. */
export const otherwise = (...body: readonly Term[]): Term => term(packaged(0xa1, encodeAll(body)));
export const loop = (condition: Operand, ...body: readonly Term[]): Term => term(packaged(0xa2, encode(condition), encodeAll(body)));
export const leaveLoop: Term = term(0xa5);
export const returns = (value: Operand): Term => term(0xa4, encode(value));
export const store = (value: Operand, where: Target): Term => term(0x70, encode(value), target(where));
export const increment = (where: Target): Term => term(0x75, target(where));
export const decrement = (where: Target): Term => term(0x76, target(where));
/** 1 = device check, 3 = eject request. ACPI 5.6.6. */
export const notify = (object: Operand, value: Operand): Term => term(0x86, encode(object), encode(value));
export const sleep = (milliseconds: Operand): Term => term([0x5b, 0x22], encode(milliseconds));
/** Waits for a mutex without a time limit. */
export const acquire = (path: string): Term => term([0x5b, 0x23], nameString(path), u16(0xffff));
export const release = (path: string): Term => term([0x5b, 0x27], nameString(path));
/** Calls a method. */
export const call = (path: string, ...args: readonly Operand[]): Term => term(nameString(path), encodeAll(args));

// ---- operators ----------------------------------------------------------------------------------------------------------

type Binary = (left: Operand, right: Operand, where?: Target) => Term;
const binary =
  (opcode: number): Binary =>
  (left, right, where) =>
    term(opcode, encode(left), encode(right), target(where));

export const add: Binary = binary(0x72);
export const subtract: Binary = binary(0x74);
export const multiply: Binary = binary(0x77);
export const shiftLeft: Binary = binary(0x79);
export const shiftRight: Binary = binary(0x7a);
export const and: Binary = binary(0x7b);
export const nand: Binary = binary(0x7c);
export const or: Binary = binary(0x7d);
export const nor: Binary = binary(0x7e);
export const xor: Binary = binary(0x7f);
export const mod: Binary = binary(0x85);
export const concatenate: Binary = binary(0x73);
/** A reference to an element of a package, buffer or string. */
export const index: Binary = binary(0x88);
export const divide = (dividend: Operand, divisor: Operand, remainder?: Target, quotient?: Target): Term =>
  term(0x78, encode(dividend), encode(divisor), target(remainder), target(quotient));
export const not = (value: Operand, where?: Target): Term => term(0x80, encode(value), target(where));
export const derefOf = (reference: Operand): Term => term(0x83, encode(reference));
export const sizeOf = (object: Operand): Term => term(0x87, encode(object));

type Logical = (left: Operand, right: Operand) => Term;
const logical =
  (opcode: number): Logical =>
  (left, right) =>
    term(opcode, encode(left), encode(right));

export const land: Logical = logical(0x90);
export const lor: Logical = logical(0x91);
export const lequal: Logical = logical(0x93);
export const lgreater: Logical = logical(0x94);
export const lless: Logical = logical(0x95);
export const lnot = (value: Operand): Term => term(0x92, encode(value));
export const lnotequal: Logical = (left, right) => lnot(lequal(left, right));
