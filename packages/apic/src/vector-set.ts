import { VECTORS } from './spec.js';

const WORDS = VECTORS / 32;

/** 256 bits in eight words, bit n of word m for vector 32 m + n: the form of ISR, TMR and IRR. */
export type VectorSet = number[];

export const emptySet = (): VectorSet => Array.from({ length: WORDS }, () => 0);

export const hasVector = (set: VectorSet, vector: number): boolean => ((set[vector >>> 5]! >>> (vector & 31)) & 1) !== 0;

export function putVector(set: VectorSet, vector: number, present: boolean): void {
  const bit = 1 << (vector & 31);
  const word = set[vector >>> 5]!;
  set[vector >>> 5] = (present ? word | bit : word & ~bit) >>> 0;
}

/** The highest vector of the set, or 0 when it is empty; the APIC never holds vectors below 16. */
export function highestVector(set: VectorSet): number {
  for (let index = WORDS - 1; index >= 0; index--) {
    const word = set[index]!;
    if (word !== 0) return index * 32 + 31 - Math.clz32(word);
  }
  return 0;
}
