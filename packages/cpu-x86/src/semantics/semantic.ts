import type { Emitter } from '../emit/emitter.js';

/** The meaning of an instruction, written once for every tier. */
export type Semantic = (x: Emitter) => void;

/** Rare or heavy instructions: a TypeScript function on the same memory. */
export interface Helper {
  /** Name of the function in the helper table. */
  readonly helper: string;
}

/** Semantics by mnemonic. */
export type SemanticTable = Readonly<Record<string, Semantic | Helper>>;

export const isHelper = (semantic: Semantic | Helper): semantic is Helper => typeof semantic !== 'function';

/** An instruction that the named helper performs. */
export const helper = (name: string): Helper => ({ helper: name });
