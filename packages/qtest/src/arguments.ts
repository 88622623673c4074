/** A command line that cannot be obeyed; `message` follows the word FAIL. */
export class QtestError extends Error {}

/** 52 bits: no physical address has more (SDM volume 3, 'MAXPHYADDR'). */
const HIGHEST_ADDRESS = 2 ** 52 - 1;
const NUMBER = /^(?:0[xX][0-9a-fA-F]+|\d+)$/;

/** The words of one command, read one after the other; each reader throws QtestError when the word is absent or unfit. */
export class Arguments {
  readonly #words: readonly string[];
  #next = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get left(): number {
    return this.#words.length - this.#next;
  }

  word(name: string): string {
    const word = this.#words[this.#next++];
    if (word === undefined || word === '') throw new QtestError(`Missing argument '${name}'`);
    return word;
  }

  /** C notation: 0x for hexadecimal, a leading 0 for octal. */
  integer(name: string, most: bigint): bigint {
    const word = this.word(name);
    const value = parseInteger(word);
    if (value === undefined || value > most) throw new QtestError(`Invalid argument '${name}': '${excerpt(word)}'`);
    return value;
  }

  number(name: string, most: number): number {
    return Number(this.integer(name, BigInt(most)));
  }

  port(): number {
    return this.number('port', 0xffff);
  }

  /** A range of memory that lies inside the address space and is not longer than `longest`. */
  range(longest: number): { readonly gpa: number; readonly length: number } {
    const gpa = this.address();
    const length = this.number('size', longest);
    if (gpa + length > HIGHEST_ADDRESS + 1) throw new QtestError('Range leaves the address space');
    return { gpa, length };
  }

  address(): number {
    return this.number('address', HIGHEST_ADDRESS);
  }
}

function parseInteger(word: string): bigint | undefined {
  if (!NUMBER.test(word) || word.length > 32) return undefined;
  if (!/^0\d/.test(word)) return BigInt(word);
  return /[89]/.test(word) ? undefined : BigInt(`0o${word}`);
}

/** Enough of a word to recognise it. */
export const excerpt = (word: string): string => (word.length > 64 ? `${word.slice(0, 64)}...` : word);
