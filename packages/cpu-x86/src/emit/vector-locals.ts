import { type FunctionBuilder, i32, type Local, v128 } from '@hotsocket/wasm-builder';
import { XMM } from '../layout.js';

const XMM_BYTES = 16;
const XMM_REGISTERS = 16;

/** XMM registers that a region uses, in locals. */
export class VectorLocals {
  readonly #f: FunctionBuilder;
  readonly #locals: (Local | undefined)[] = [];
  readonly #written = new Set<number>();
  readonly #created: (local: Local) => void;

  /** `created` hears of each local. */
  constructor(f: FunctionBuilder, created: (local: Local) => void) {
    this.#f = f;
    this.#created = created;
  }

  /** True for the state addresses of XMM registers. */
  holds(address: number): boolean {
    return address >= XMM && address < XMM + XMM_REGISTERS * XMM_BYTES;
  }

  /** The local of the register at a state address. */
  local(address: number): Local {
    const number = (address - XMM) / XMM_BYTES;
    return this.#locals[number] ?? this.#create(number);
  }

  #create(number: number): Local {
    const local = this.#f.local('v128');
    this.#locals[number] = local;
    this.#created(local);
    return local;
  }

  /** The same, to be written. */
  written(address: number): Local {
    this.#written.add((address - XMM) / XMM_BYTES);
    return this.local(address);
  }

  loadAll(): void {
    const f = this.#f;
    this.#locals.forEach((local, number) => {
      if (local) f.set(local, v128.load(i32.const(XMM + number * XMM_BYTES)));
    });
  }

  storeWritten(): void {
    const f = this.#f;
    for (const number of this.#written) f.store('v128', i32.const(XMM + number * XMM_BYTES), f.get(this.#locals[number]!));
  }
}
