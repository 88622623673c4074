import { MonitorError } from './errors.js';

/** Gives the value of a register by its lower-case name, or undefined. */
export type RegisterReader = (name: string) => bigint | undefined;

const MAX_NESTING = 64;
const TOKEN = /\s*(?:(0[xX][0-9a-fA-F]+|[0-9]+)|\$([A-Za-z][A-Za-z0-9_]*)|'([ -~])'|([-+*/%&|^~()]))/y;

/** Binary operators from the loosest to the tightest. */
const LEVELS: readonly (readonly string[])[] = [
  ['&', '|', '^'],
  ['+', '-'],
  ['*', '/', '%'],
];

/**
 * Reader of the expressions of `x`, `p`, `i` and `o`: numbers (0x…, 0… octal, decimal), characters ('c'), registers ($rip), + - * / % & | ^ ~ and
 * parentheses. Values are unsigned 64-bit numbers that wrap. Several expressions may follow one another, as in `o 0x80 1`.
 */
export class ExpressionReader {
  readonly #text: string;
  readonly #register: RegisterReader;
  #at = 0;
  #depth = 0;

  constructor(text: string, register: RegisterReader) {
    this.#text = text;
    this.#register = register;
  }

  /** The next expression. Throws MonitorError when there is none or it is wrong. */
  next(): bigint {
    return this.#level(0);
  }

  /** Throws MonitorError when anything is left. */
  end(): void {
    const rest = this.#text.slice(this.#at).trim();
    if (rest !== '') throw new MonitorError(`unexpected '${rest.slice(0, 40)}' after the expression`);
  }

  #level(level: number): bigint {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#operand();
    let value = this.#level(level + 1);
    for (let operator = this.#operator(operators); operator !== undefined; operator = this.#operator(operators))
      value = apply(operator, value, this.#level(level + 1));
    return value;
  }

  #operator(allowed: readonly string[]): string | undefined {
    const before = this.#at;
    const [, , , , operator] = this.#token() ?? [];
    if (operator !== undefined && allowed.includes(operator)) return operator;
    this.#at = before;
    return undefined;
  }

  #operand(): bigint {
    if (++this.#depth > MAX_NESTING) throw new MonitorError('the expression is nested too deeply');
    const value = this.#readOperand();
    this.#depth--;
    return value;
  }

  #readOperand(): bigint {
    const [, number, register, char, operator] = this.#token() ?? [];
    if (number !== undefined) return parseNumber(number);
    if (register !== undefined) return this.#readRegister(register);
    if (char !== undefined) return BigInt(char.charCodeAt(0));
    switch (operator) {
      case '-':
        return wrap(-this.#operand());
      case '+':
        return this.#operand();
      case '~':
        return wrap(~this.#operand());
      case '(':
        return this.#parenthesis();
      default:
        throw new MonitorError('expected a number, a register ($name) or a parenthesis');
    }
  }

  #parenthesis(): bigint {
    const value = this.#level(0);
    if (this.#operator([')']) === undefined) throw new MonitorError("')' is missing");
    return value;
  }

  #readRegister(name: string): bigint {
    const value = this.#register(name.toLowerCase());
    if (value === undefined) throw new MonitorError(`unknown register '$${name}'`);
    return wrap(value);
  }

  #token(): RegExpExecArray | undefined {
    TOKEN.lastIndex = this.#at;
    const found = TOKEN.exec(this.#text);
    if (found === null) return undefined;
    this.#at = TOKEN.lastIndex;
    return found;
  }
}

function apply(operator: string, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return wrap(left + right);
    case '-':
      return wrap(left - right);
    case '*':
      return wrap(left * right);
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    default:
      if (right === 0n) throw new MonitorError('division by zero');
      return operator === '/' ? left / right : left % right;
  }
}

function parseNumber(text: string): bigint {
  const octal = /^0[0-9]+$/.test(text);
  if (octal && /[89]/.test(text)) throw new MonitorError(`'${text}' is no octal number`);
  return wrap(BigInt(octal ? `0o${text.slice(1)}` : text));
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
