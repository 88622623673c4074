import type { Cursor } from './cursor.js';
import type { Node } from './namespace.js';

/** A place that a value can be read from and stored to: an element, a byte, a named object. */
export interface Reference {
  readonly kind: 'reference';
  get(): Value;
  set(value: Value): void;
}

/** A name inside a package, looked up when it is used. */
export interface NameReference {
  readonly kind: 'name';
  readonly text: string;
  node(): Node | undefined;
}

/** What terms evaluate to. Buffers and packages are live: a store copies. A node is a device, method or the like. */
export type Value = bigint | string | Uint8Array | Value[] | Reference | NameReference | Node | undefined;

export interface Region {
  readonly kind: 'region';
  readonly space: number;
  readonly offset: bigint;
  readonly length: bigint;
  readonly node: Node;
}

/** Bits of a region. */
export interface Field {
  readonly kind: 'field';
  readonly region: Region;
  /** From the start of the region. */
  readonly bit: number;
  readonly bits: number;
  /** Width of accesses in bytes. */
  readonly width: 1 | 2 | 4 | 8;
  readonly update: number;
}

/** Bits behind a pair of fields: the index goes to one, the data through the other. */
export interface IndexField {
  readonly kind: 'index-field';
  readonly index: Field;
  readonly data: Field;
  readonly bit: number;
  readonly bits: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly update: number;
}

/** Bits of a buffer. */
export interface BufferField {
  readonly kind: 'buffer-field';
  readonly bytes: Uint8Array;
  readonly bit: number;
  readonly bits: number;
}

export interface Method {
  readonly kind: 'method';
  readonly args: number;
  readonly body: Cursor;
}

/** A method of the interpreter's own, such as _OSI. */
export interface NativeMethod {
  readonly kind: 'native';
  readonly args: number;
  readonly call: (args: readonly Value[]) => Value;
}

export interface Mutex {
  readonly kind: 'mutex';
  held: number;
}

/** A named value. */
export interface Data {
  readonly kind: 'data';
  value: Value;
}

/** What stands behind a name. */
export type NamedObject =
  | Data
  | Region
  | Field
  | IndexField
  | BufferField
  | Method
  | NativeMethod
  | Mutex
  | { readonly kind: 'scope' | 'device' | 'processor' | 'power-resource' | 'thermal-zone' | 'event' };
