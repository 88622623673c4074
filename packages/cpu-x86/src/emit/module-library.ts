import type { FunctionHandle, ModuleBuilder } from '@hotsocket/wasm-builder';
import { X87_FUNCTIONS, type X87Function } from '../fpu/x87-functions.js';

/** Functions without calls out that a module may have of its own; each is written when it is first asked for. */
export class ModuleLibrary {
  readonly #module: ModuleBuilder;
  readonly #known = new Map<X87Function, FunctionHandle>();

  constructor(module: ModuleBuilder) {
    this.#module = module;
  }

  has(name: string | symbol): name is X87Function {
    return Object.hasOwn(X87_FUNCTIONS, name);
  }

  function(name: X87Function): FunctionHandle {
    return this.#known.get(name) ?? this.#define(name);
  }

  #define(name: X87Function): FunctionHandle {
    const { signature, define } = X87_FUNCTIONS[name];
    const handle = this.#module.declare(signature);
    this.#module.define(handle, define);
    this.#known.set(name, handle);
    return handle;
  }

  /** All of them. */
  all(): Readonly<Record<X87Function, FunctionHandle>> {
    const names = Object.keys(X87_FUNCTIONS).filter((name) => this.has(name));
    return Object.fromEntries(names.map((name) => [name, this.function(name)])) as Record<X87Function, FunctionHandle>;
  }
}
