import { ByteBuffer } from './byte-buffer.js';
import type { ValueType } from './expr.js';
import { FunctionBuilder, TYPE_CODE } from './function-builder.js';

/** Parameter types and the result, if any. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly result?: ValueType;
}

/** A function of the module, callable before its body is written. */
export interface FunctionHandle {
  readonly index: number;
  readonly result: ValueType | undefined;
}

/** A global of the module. */
export interface GlobalHandle {
  readonly index: number;
  readonly type: ValueType;
}

interface Import {
  readonly name: string;
  readonly typeIndex: number;
}

interface Defined {
  readonly typeIndex: number;
  readonly signature: Signature;
  builder?: FunctionBuilder;
}

/** Assembles one module: an imported memory, imported functions, own functions, globals and a function table. */
export class ModuleBuilder {
  readonly #types: Signature[] = [];
  readonly #imports: Import[] = [];
  readonly #functions: Defined[] = [];
  readonly #globals: { type: ValueType; initial: number; name: string | undefined }[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  #table: FunctionHandle[] = [];
  #tableSize = 0;
  #tableName: string | undefined;
  readonly #memoryPages: number;
  readonly #memoryMaximum: number;

  /** The module imports `env.memory` of at least `memoryPages` and at most `memoryMaximum` 64 KiB pages. */
  constructor(memoryPages: number, memoryMaximum: number) {
    this.#memoryPages = memoryPages;
    this.#memoryMaximum = memoryMaximum;
  }

  /** Imports `env.<name>`; all imports come before the first function. */
  import(name: string, signature: Signature): FunctionHandle {
    if (this.#functions.length > 0) throw new Error(`import '${name}' after the first function`);
    this.#imports.push({ name, typeIndex: this.typeIndex(signature) });
    return { index: this.#imports.length - 1, result: signature.result };
  }

  /** Declares a function; `define` gives it a body. */
  declare(signature: Signature, exportName?: string): FunctionHandle {
    this.#functions.push({ typeIndex: this.typeIndex(signature), signature });
    const index = this.#imports.length + this.#functions.length - 1;
    if (exportName !== undefined) this.#exports.push({ name: exportName, index });
    return { index, result: signature.result };
  }

  define(handle: FunctionHandle, body: (builder: FunctionBuilder) => void): void {
    const defined = this.#functions[handle.index - this.#imports.length] as Defined;
    const builder = new FunctionBuilder(defined.signature.params, defined.signature.result);
    body(builder);
    defined.builder = builder;
  }

  /** A mutable global, exported when named. */
  global(type: ValueType, initial: number, name?: string): GlobalHandle {
    this.#globals.push({ type, initial, name });
    return { index: this.#globals.length - 1, type };
  }

  /** The functions of table 0, by slot; `size` slots in all, exported when named. */
  table(functions: readonly FunctionHandle[], size: number = functions.length, name?: string): void {
    this.#table = [...functions];
    this.#tableSize = Math.max(size, functions.length);
    this.#tableName = name;
  }

  typeIndex(signature: Signature): number {
    const known = this.#types.findIndex((type) => type.result === signature.result && type.params.join() === signature.params.join());
    return known >= 0 ? known : this.#types.push(signature) - 1;
  }

  /** The module in the binary format. */
  finish(): Uint8Array {
    const out = new ByteBuffer();
    for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.u8(byte);
    section(out, 1, (body) => vector(body, this.#types, writeType));
    section(out, 2, (body) => this.#writeImports(body));
    section(out, 3, (body) => vector(body, this.#functions, (to, item) => to.u32(item.typeIndex)));
    if (this.#table.length > 0) section(out, 4, (body) => this.#writeTable(body));
    section(out, 6, (body) => vector(body, this.#globals, writeGlobal));
    section(out, 7, (body) => this.#writeExports(body));
    if (this.#table.length > 0) section(out, 9, (body) => this.#writeElements(body));
    section(out, 10, (body) => vector(body, this.#functions, writeCode));
    return out.bytes.slice();
  }

  #writeImports(body: ByteBuffer): void {
    body.u32(this.#imports.length + 1);
    body.name('env');
    body.name('memory');
    for (const byte of [0x02, 0x01]) body.u8(byte);
    body.u32(this.#memoryPages);
    body.u32(this.#memoryMaximum);
    for (const { name, typeIndex } of this.#imports) {
      body.name('env');
      body.name(name);
      body.u8(0x00);
      body.u32(typeIndex);
    }
  }

  #writeExports(body: ByteBuffer): void {
    const globals = this.#globals.flatMap(({ name }, index) => (name === undefined ? [] : [{ name, index }]));
    body.u32(this.#exports.length + globals.length + (this.#tableName === undefined ? 0 : 1));
    if (this.#tableName !== undefined) writeExport(body, this.#tableName, 0x01, 0);
    for (const { name, index } of this.#exports) writeExport(body, name, 0x00, index);
    for (const { name, index } of globals) writeExport(body, name, 0x03, index);
  }

  #writeTable(body: ByteBuffer): void {
    for (const byte of [1, 0x70, 0x00]) body.u8(byte);
    body.u32(this.#tableSize);
  }

  #writeElements(body: ByteBuffer): void {
    for (const byte of [1, 0x00, 0x41, 0x00, 0x0b]) body.u8(byte);
    vector(body, this.#table, (to, item) => to.u32(item.index));
  }
}

function section(out: ByteBuffer, id: number, write: (body: ByteBuffer) => void): void {
  const body = new ByteBuffer();
  write(body);
  out.u8(id);
  out.u32(body.length);
  out.append(body.bytes);
}

function vector<T>(body: ByteBuffer, items: readonly T[], write: (body: ByteBuffer, item: T) => void): void {
  body.u32(items.length);
  for (const item of items) write(body, item);
}

function writeType(body: ByteBuffer, type: Signature): void {
  body.u8(0x60);
  vector(body, type.params, (to, param) => to.u8(TYPE_CODE[param]));
  vector(body, type.result === undefined ? [] : [type.result], (to, result) => to.u8(TYPE_CODE[result]));
}

function writeGlobal(body: ByteBuffer, global: { type: ValueType; initial: number }): void {
  body.u8(TYPE_CODE[global.type]);
  body.u8(0x01);
  body.u8(global.type === 'i32' ? 0x41 : 0x42);
  body.s32(global.initial);
  body.u8(0x0b);
}

function writeExport(body: ByteBuffer, name: string, kind: number, index: number): void {
  body.name(name);
  body.u8(kind);
  body.u32(index);
}

function writeCode(body: ByteBuffer, { builder }: Defined): void {
  if (!builder) throw new Error('a declared function has no body');
  const code = builder.finish();
  body.u32(code.length);
  body.append(code);
}
