import { JsonNumber, type JsonObject, type JsonValue } from './json-value.js';

/** What was wrong with the input. The texts of the dialects are made from this. */
export type JsonError =
  | { readonly kind: 'stray' | 'keyword'; readonly text: string; readonly topLevel: boolean }
  | { readonly kind: 'expecting'; readonly what: 'value' | 'string' | ':' | ', or }' | ', or ]' }
  | { readonly kind: 'escape' | 'utf8' | 'duplicate' | 'depth' | 'size' | 'tokens' }
  | { readonly kind: 'code-point'; readonly text: string };

/** Receives what the parser finds, in the order of the input. */
export interface JsonHandler {
  value(value: JsonValue): void;
  error(error: JsonError): void;
}

/** Bounds of one message. */
export interface JsonLimits {
  /** Brackets open at the same time. */
  readonly maxDepth: number;
  /** Bytes from the first to the last byte of a message. */
  readonly maxBytes: number;
  /** Strings, numbers, keywords and punctuation of a message; bounds the memory of the parsed value. */
  readonly maxTokens: number;
  /** False for QEMU 1.5, which did not know `null`. */
  readonly allowNull: boolean;
}

/** Depth as in the reference; size and count so that a message costs the host at most some 16 MiB. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxDepth: 1024, maxBytes: 8 << 20, maxTokens: 1 << 17, allowNull: true };

type Mode = 'gap' | 'word' | 'number' | 'string' | 'escape' | 'hex' | 'skip';
type Expect = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'separator';
type Frame = { array: JsonValue[]; object?: undefined; expect: Expect } | { object: JsonObject; key: string; expect: Expect };

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const RESET_BYTE = 0xff;

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const MAX_WORD_BYTES = 4096;
const SHOWN_BYTES = 40;
const KEPT_BUFFER_BYTES = 1 << 16;
const SIMPLE_ESCAPES = new Map([...'"\'\\/'].map((char) => [char.charCodeAt(0), char.charCodeAt(0)] as const));
for (const [letter, code] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9 })) SIMPLE_ESCAPES.set(letter.charCodeAt(0), code);

/**
 * JSON parser for a stream of messages without separators (RFC 8259 with QMP's additions: strings in apostrophes, byte FF as a reset).
 *
 * Bytes may come in any portions; the result does not depend on the portions. A message with a mistake is reported once, at the byte that
 * shows it; then input is skipped up to the next newline or FF. When the mistake is one of grammar and lies inside a request object, the
 * bracket that closes the object ends the skipping too: clients that send no newlines must not be left without answers. A line that was
 * given up for any other reason is not reported again, and only whole objects are still taken from it. `feed` never throws of its own accord.
 */
export class JsonStreamParser {
  readonly #handler: JsonHandler;
  readonly #limits: JsonLimits;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  #mode: Mode = 'gap';
  #stack: Frame[] = [];
  #bytes = 0;
  #tokens = 0;
  #token = new Uint8Array(256);
  #tokenLength = 0;
  #quote = 0;
  #hexDigits = 0;
  #hexValue = 0;
  #highSurrogate = 0;
  #skipDepth = 0;
  #skipQuote = 0;
  #skipEscape = false;
  #givenUp = false;

  constructor(handler: JsonHandler, limits: JsonLimits = DEFAULT_JSON_LIMITS) {
    this.#handler = handler;
    this.#limits = limits;
  }

  /** Takes the next bytes of the stream. */
  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      at = this.#mode === 'string' ? this.#stringRun(bytes, at) : this.#acceptAt(bytes, at);
    }
  }

  /** The stream has ended: a number or keyword at its end is complete now, an open message is dropped. */
  end(): void {
    if (this.#mode === 'word' || this.#mode === 'number') this.#accept(NEWLINE);
    this.#clear();
  }

  /** Gives the rest of the line up. A handler calls it for a value that cannot be a request. */
  skipLine(): void {
    this.#clear();
    this.#mode = 'skip';
    this.#givenUp = true;
  }

  #acceptAt(bytes: Uint8Array, at: number): number {
    this.#accept(bytes[at]!);
    return at + 1;
  }

  #accept(byte: number): void {
    if (byte === RESET_BYTE) return this.#resetByte();
    if (this.#mode === 'skip') return this.#skip(byte);
    if (++this.#bytes > this.#limits.maxBytes) return this.#fail({ kind: 'size' }, 'balance', byte);
    switch (this.#mode) {
      case 'gap':
        return this.#gap(byte);
      case 'word':
        return this.#word(byte);
      case 'number':
        return this.#number(byte);
      case 'string':
        return this.#string(byte);
      case 'escape':
        return this.#escape(byte);
      case 'hex':
        return this.#hex(byte);
    }
  }

  #resetByte(): void {
    const idle = this.#mode === 'skip' || (this.#mode === 'gap' && this.#stack.length === 0);
    const text = `${this.#tokenText()}\ufffd`;
    const inRequest = this.#stack[0]?.object !== undefined;
    this.#clear();
    if (!idle) this.#report({ kind: 'stray', text, topLevel: false }, !inRequest);
  }

  // Between tokens

  #gap(byte: number): void {
    if (byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09) return this.#whitespace(byte);
    if (++this.#tokens > this.#limits.maxTokens) return this.#fail({ kind: 'tokens' }, 'balance', byte);
    switch (byte) {
      case QUOTE:
      case APOSTROPHE:
        this.#quote = byte;
        this.#mode = 'string';
        return;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        return this.#open(byte);
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        return this.#close(byte);
      case COMMA:
      case COLON:
        return this.#punctuation(byte);
      default:
        return this.#startWord(byte);
    }
  }

  #whitespace(byte: number): void {
    if (byte === NEWLINE) this.#givenUp = false;
    if (this.#stack.length === 0) this.#bytes = 0;
  }

  #startWord(byte: number): void {
    if (!isWordByte(byte)) return this.#stray(String.fromCharCode(byte < 0x80 ? byte : 0xfffd), byte);
    this.#mode = isLetter(byte) ? 'word' : 'number';
    this.#append(byte);
  }

  #open(byte: number): void {
    const frame = this.#stack.at(-1);
    if (!expectsValue(frame)) return this.#failGrammar(byte);
    if (this.#stack.length >= this.#limits.maxDepth) return this.#fail({ kind: 'depth' }, 'balance', byte);
    this.#stack.push(byte === OPEN_BRACE ? { object: new Map(), key: '', expect: 'key-or-end' } : { array: [], expect: 'value-or-end' });
  }

  #close(byte: number): void {
    const frame = this.#stack.at(-1);
    if (frame === undefined || !mayEnd(frame) || (frame.object !== undefined) !== (byte === CLOSE_BRACE)) return this.#failGrammar(byte);
    this.#stack.pop();
    this.#place(frame.object ?? frame.array);
  }

  #punctuation(byte: number): void {
    const frame = this.#stack.at(-1);
    if (frame?.expect === 'colon' && byte === COLON) frame.expect = 'value';
    else if (frame?.expect === 'separator' && byte === COMMA) frame.expect = frame.object === undefined ? 'value' : 'key';
    else this.#failGrammar(byte);
  }

  // Keywords and numbers

  #word(byte: number): void {
    if (isWordByte(byte)) return this.#extend(byte);
    const text = this.#tokenText();
    if (text === 'true' || text === 'false') this.#scalar(text === 'true');
    else if (text === 'null' && this.#limits.allowNull) this.#scalar(null);
    else this.#fail({ kind: 'keyword', text, topLevel: this.#stack.length === 0 }, 'balance');
    this.#accept(byte);
  }

  #number(byte: number): void {
    if (isWordByte(byte) || byte === 0x2e || byte === 0x2b) return this.#extend(byte);
    const text = this.#tokenText();
    if (NUMBER.test(this.#wholeToken())) this.#scalar(new JsonNumber(this.#wholeToken()));
    else this.#fail({ kind: 'stray', text, topLevel: this.#stack.length === 0 }, 'balance');
    this.#accept(byte);
  }

  #extend(byte: number): void {
    if (this.#tokenLength >= MAX_WORD_BYTES) return this.#fail({ kind: 'size' }, 'balance', byte);
    this.#append(byte);
  }

  // Strings

  #stringRun(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.#limits.maxBytes - this.#bytes);
    let at = start;
    while (at < end && isPlain(bytes[at]!, this.#quote)) at++;
    this.#appendRun(bytes.subarray(start, at));
    this.#bytes += at - start;
    return at < bytes.length ? this.#acceptAt(bytes, at) : at;
  }

  #string(byte: number): void {
    if (byte === this.#quote) return this.#endString();
    if (byte === BACKSLASH) this.#mode = 'escape';
    else if (this.#highSurrogate !== 0) this.#loneSurrogate(this.#highSurrogate);
    else if (byte < 0x20) this.#stray(`${this.#tokenText()}${String.fromCharCode(byte)}`, byte);
    else this.#append(byte);
  }

  #escape(byte: number): void {
    if (byte === 0x75) {
      this.#mode = 'hex';
      this.#hexDigits = this.#hexValue = 0;
      return;
    }
    if (this.#highSurrogate !== 0) return this.#loneSurrogate(this.#highSurrogate);
    const plain = SIMPLE_ESCAPES.get(byte);
    if (plain === undefined) return this.#failInString({ kind: 'escape' }, byte);
    this.#append(plain);
    this.#mode = 'string';
  }

  #hex(byte: number): void {
    const digit = hexDigit(byte);
    if (digit < 0) return this.#failInString({ kind: 'escape' }, byte);
    this.#hexValue = (this.#hexValue << 4) | digit;
    if (++this.#hexDigits === 4) this.#codeUnit(this.#hexValue);
  }

  #codeUnit(unit: number): void {
    const high = this.#highSurrogate;
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (isLow !== (high !== 0)) return this.#loneSurrogate(high === 0 ? unit : high);
    this.#mode = 'string';
    this.#highSurrogate = unit >= 0xd800 && unit <= 0xdbff ? unit : 0;
    if (this.#highSurrogate === 0) this.#appendCodePoint(isLow ? 0x1_0000 + ((high & 0x3ff) << 10) + (unit & 0x3ff) : unit);
  }

  #endString(): void {
    if (this.#highSurrogate !== 0) this.#loneSurrogate(this.#highSurrogate, 0);
    else {
      const text = this.#decode();
      if (text === undefined) this.#fail({ kind: 'utf8' }, 'balance');
      else this.#scalar(text);
    }
  }

  #decode(): string | undefined {
    try {
      return this.#utf8.decode(this.#token.subarray(0, this.#tokenLength));
    } catch {
      return undefined;
    }
  }

  #loneSurrogate(unit: number, quote: number = this.#quote): void {
    this.#fail({ kind: 'code-point', text: `\\u${unit.toString(16).padStart(4, '0')}` }, 'balance');
    this.#skipQuote = quote;
  }

  // Grammar

  #scalar(value: null | boolean | string | JsonNumber): void {
    this.#endToken();
    const frame = this.#stack.at(-1);
    if (frame?.object !== undefined && (frame.expect === 'key' || frame.expect === 'key-or-end')) this.#key(frame, value);
    else if (expectsValue(frame)) this.#place(value);
    else this.#failGrammar();
  }

  #key(frame: Extract<Frame, { object: JsonObject }>, value: JsonValue): void {
    if (typeof value !== 'string') return this.#fail({ kind: 'expecting', what: 'string' }, 'balance');
    if (frame.object.has(value)) return this.#fail({ kind: 'duplicate' }, 'balance');
    frame.key = value;
    frame.expect = 'colon';
  }

  #place(value: JsonValue): void {
    const frame = this.#stack.at(-1);
    if (frame === undefined) return this.#complete(value);
    if (frame.object === undefined) frame.array.push(value);
    else frame.object.set(frame.key, value);
    frame.expect = 'separator';
  }

  #complete(value: JsonValue): void {
    this.#clear();
    const request = value instanceof Map;
    if (this.#givenUp && !request) return;
    this.#givenUp = false;
    this.#handler.value(value);
  }

  // Tokens

  #append(byte: number): void {
    this.#reserve(1);
    this.#token[this.#tokenLength++] = byte;
  }

  #appendRun(run: Uint8Array): void {
    if (run.length === 0) return;
    if (this.#highSurrogate !== 0) return this.#loneSurrogate(this.#highSurrogate);
    this.#reserve(run.length);
    this.#token.set(run, this.#tokenLength);
    this.#tokenLength += run.length;
  }

  #appendCodePoint(code: number): void {
    for (const byte of new TextEncoder().encode(String.fromCodePoint(code))) this.#append(byte);
  }

  #reserve(count: number): void {
    const needed = this.#tokenLength + count;
    if (needed <= this.#token.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.#token.length * 2, this.#limits.maxBytes)));
    grown.set(this.#token.subarray(0, this.#tokenLength));
    this.#token = grown;
  }

  #wholeToken(): string {
    return String.fromCharCode(...this.#token.subarray(0, Math.min(this.#tokenLength, MAX_WORD_BYTES)));
  }

  /** The token so far, cut to a length that is fit for an error message. */
  #tokenText(): string {
    const quote = this.#mode === 'string' || this.#mode === 'escape' || this.#mode === 'hex' ? '"' : '';
    const shown = new TextDecoder().decode(this.#token.subarray(0, Math.min(this.#tokenLength, SHOWN_BYTES)));
    return `${quote}${shown}`;
  }

  #endToken(): void {
    if (this.#token.length > KEPT_BUFFER_BYTES) this.#token = new Uint8Array(256);
    this.#tokenLength = 0;
    this.#highSurrogate = 0;
    this.#mode = 'gap';
  }

  #clear(): void {
    this.#endToken();
    this.#stack = [];
    this.#bytes = this.#tokens = 0;
    this.#skipDepth = this.#skipQuote = 0;
    this.#skipEscape = false;
  }

  // Mistakes

  #stray(text: string, byte: number): void {
    this.#fail({ kind: 'stray', text, topLevel: this.#stack.length === 0 }, 'line', byte);
  }

  #failGrammar(byte?: number): void {
    this.#fail({ kind: 'expecting', what: expected(this.#stack.at(-1)) }, 'balance', byte);
  }

  #failInString(error: JsonError, byte: number): void {
    const quote = this.#quote;
    this.#fail(error, 'balance');
    this.#skipQuote = quote;
    this.#skip(byte);
  }

  /** Reports the mistake and starts to skip; `byte` is the byte that showed it, if it may also be the one that ends the skipping. */
  #fail(error: JsonError, recovery: 'balance' | 'line', byte?: number): void {
    const inString = this.#mode === 'string' || this.#mode === 'escape' || this.#mode === 'hex';
    const depth = recovery === 'balance' && this.#stack[0]?.object !== undefined ? this.#stack.length : 0;
    this.#clear();
    this.#mode = 'skip';
    this.#skipDepth = depth;
    this.#skipQuote = inString && byte !== undefined ? this.#quote : 0;
    this.#report(error, depth === 0);
    if (byte !== undefined) this.#skip(byte);
  }

  /** Noise must not be answered with noise: a line that was given up gets no second error before a newline or a whole object. */
  #report(error: JsonError, giveUp: boolean): void {
    if (!this.#givenUp) this.#handler.error(error);
    this.#givenUp ||= giveUp;
  }

  #skip(byte: number): void {
    if (byte === NEWLINE) this.#newLine();
    else if (this.#skipDepth === 0) return;
    else if (this.#skipEscape) this.#skipEscape = false;
    else if (this.#skipQuote !== 0) this.#skipString(byte);
    else if (byte === QUOTE || byte === APOSTROPHE) this.#skipQuote = byte;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#skipDepth++;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --this.#skipDepth === 0) this.#clear();
  }

  #newLine(): void {
    this.#clear();
    this.#givenUp = false;
  }

  #skipString(byte: number): void {
    if (byte === BACKSLASH) this.#skipEscape = true;
    else if (byte === this.#skipQuote) this.#skipQuote = 0;
  }
}

function expectsValue(frame: Frame | undefined): boolean {
  return frame === undefined || frame.expect === 'value' || frame.expect === 'value-or-end';
}

function mayEnd(frame: Frame): boolean {
  return frame.expect === 'separator' || frame.expect === 'value-or-end' || frame.expect === 'key-or-end';
}

function expected(frame: Frame | undefined): 'value' | ':' | ', or }' | ', or ]' {
  if (frame?.expect === 'colon') return ':';
  if (frame?.expect !== 'separator') return 'value';
  return frame.object === undefined ? ', or ]' : ', or }';
}

function isPlain(byte: number, quote: number): boolean {
  return byte >= 0x20 && byte !== quote && byte !== BACKSLASH && byte !== RESET_BYTE;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isWordByte(byte: number): boolean {
  return isLetter(byte) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
