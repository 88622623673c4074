import { type Expr, i32, i64, v128 } from '@hotsocket/wasm-builder';
import type { Bits, Emitter } from '../emit/emitter.js';
import { COMPARE_REFUSED } from '../fpu/x87-functions.js';
import { FCW, FSW, SCRATCH, SLOW_VALUE } from '../layout.js';
import { type Expanded, expanded32, expanded64, expandedInteger, type FastMove, pushed } from './x87-moves.js';
import { cellOf, isUsed, near, popped, setTop, top } from './x87-stack.js';

/*
 * Arithmetic and comparisons by the functions that compute in WebAssembly; the exact unit does what they refuse.
 */

/** Operations as ModRM.reg of D8, DA, DC and DE numbers them. */
const [ADD, MUL, COM, COMP, SUB, SUBR, DIV] = [0, 1, 2, 3, 4, 5, 6];
const SIGN = 0x8000;
const CODES = 0x4700;
const C0_SHIFT = 8;
const C3_SHIFT = 14;
/** Where a memory operand stands in the form of a register. */
const OPERAND: number = SCRATCH + 0x180;

const at = (address: number): Expr => i32.const(address);
const never = (): Expr => i32.const(0);

/** target := a op b; the value is 0 where that is refused. */
function computed(x: Emitter, operation: number, target: Expr, a: Expr, b: Expr): Expr {
  const { f, functions } = x;
  if (operation === MUL) return f.callValue(functions.x87Multiply, target, a, b);
  if (operation === ADD || operation === SUB) return f.callValue(functions.x87Add, target, a, b, i32.const(operation === ADD ? 0 : SIGN));
  if (operation === SUBR) return f.callValue(functions.x87Add, target, b, a, i32.const(SIGN));
  return operation === DIV ? f.callValue(functions.x87Divide, target, a, b) : f.callValue(functions.x87Divide, target, b, a);
}

/** D8, DC and DE C0 to FF: ST(0) or ST(i) := itself op the other; DE pops. DC and DE exchange the two subtractions and divisions. */
export function arithmeticOf(opcode: number, reg: number): FastMove {
  const pops = opcode === 0xde;
  if (reg === COM || reg === COMP) return compareOf(Number(pops || reg === COMP));
  const toTop = opcode === 0xd8;
  const operation = toTop || reg < SUB ? reg : reg ^ 1;
  return (x, exactly) => {
    const first = top(x);
    const other = near(x, first, x.registerAddress(0));
    const [target, source] = toTop ? [cellOf(first), cellOf(other)] : [cellOf(other), cellOf(first)];
    settled(x, [isUsed(x, first), isUsed(x, other)], computed(x, operation, target, target, source), exactly, () => {
      if (pops) popped(x, first);
    });
  };
}

/** C1, and PE if it is to be set, as a function gives them beside its success. */
const STATUS = 0x220;
const C1 = 0x200;

/** Computes where all of `used` hold and the function does not refuse; `work` follows its status. */
function settled(x: Emitter, used: readonly Expr[], call: Expr, exactly: () => void, work: () => void): void {
  const status = x.f.temporary('i32');
  x.provided([...used, x.f.tee(status, call)], never, exactly, () => {
    const noted = i32.and(x.f.get(status), i32.const(STATUS));
    x.setFpuWord(FSW, i32.or(i32.and(x.fpuWord(FSW), i32.const(~C1)), noted));
    work();
  });
}

function compared(x: Emitter, first: Expr, used: readonly Expr[], other: Expr, exactly: () => void, work: (codes: Expr) => void): void {
  const codes = x.let(x.f.callValue(x.functions.x87Compare, cellOf(first), other));
  x.provided([...used, i32.ne(codes, i32.const(COMPARE_REFUSED))], never, exactly, () => work(codes));
}

function setCodes(x: Emitter, codes: Expr): void {
  x.setFpuWord(FSW, i32.or(i32.and(x.fpuWord(FSW), i32.const(~CODES)), codes));
}

function popTimes(x: Emitter, register: Expr, pops: number): void {
  let first = register;
  for (let n = 0; n < pops; n++) first = popped(x, first);
}

/** FCOM, FUCOM and those that pop; `distance` of a fixed operand. */
export const compareOf =
  (pops: number, distance?: number): FastMove =>
  (x, exactly) => {
    const first = top(x);
    const other = near(x, first, distance === undefined ? x.registerAddress(0) : i32.const(distance));
    compared(x, first, [isUsed(x, first), isUsed(x, other)], cellOf(other), exactly, (codes) => {
      setCodes(x, codes);
      popTimes(x, first, pops);
    });
  };

/** FCOMI, FUCOMI: ZF and CF by order, PF OF SF AF 0. */
export const compareToFlags =
  (pops: number): FastMove =>
  (x, exactly) => {
    const first = top(x);
    const other = near(x, first, x.registerAddress(0));
    compared(x, first, [isUsed(x, first), isUsed(x, other)], cellOf(other), exactly, (codes) => {
      const bit = (shift: number): Expr => i32.and(i32.shrU(codes, i32.const(shift)), i32.const(1));
      x.setCarryOverflow(bit(C0_SHIFT), i32.const(0));
      x.clearAux();
      x.setZero(bit(C3_SHIFT));
      x.clearSignAndParity();
      popTimes(x, first, pops);
    });
  };

/** A memory operand of D8 (m32), DA (m32int), DC (m64) or DE (m16int). */
function expanded(x: Emitter, opcode: number, value: Expr): Expanded {
  if (opcode === 0xd8) return expanded32(x, value);
  if (opcode === 0xdc) return expanded64(x, value);
  return expandedInteger(x, x.let(i64.extendS(opcode === 0xde ? i32.extend16S(value) : value)));
}

/** ST(0) := ST(0) op memory, or the comparison. */
export function arithmeticMemory(x: Emitter, opcode: number, reg: number, value: Expr, exactly: () => void): void {
  const first = top(x);
  const { significand, signed, plain } = expanded(x, opcode, value);
  x.f.store('i64', at(OPERAND), significand);
  x.f.store('i32_16', at(OPERAND), signed, 8);
  if (reg === COM || reg === COMP) {
    return compared(x, first, [plain, isUsed(x, first)], at(OPERAND), exactly, (codes) => {
      setCodes(x, codes);
      popTimes(x, first, reg === COMP ? 1 : 0);
    });
  }
  settled(x, [plain, isUsed(x, first)], computed(x, reg, cellOf(first), cellOf(first), at(OPERAND)), exactly, () => {});
}

/** FSQRT. */
export const squareRoot: FastMove = (x, exactly) => {
  const first = top(x);
  const done = x.f.callValue(x.functions.x87SquareRoot, cellOf(first), cellOf(first));
  settled(x, [isUsed(x, first)], done, exactly, () => {});
};

/** FCMOVcc: ST(0) := ST(i) where the condition code holds. */
export const moveIf =
  (condition: number): FastMove =>
  (x, exactly) => {
    const first = top(x);
    const other = near(x, first, x.registerAddress(0));
    const holds = x.let(x.condition(condition));
    x.provided([isUsed(x, first), isUsed(x, other)], never, exactly, () => {
      x.f.if(holds, () => x.f.store('v128', cellOf(first), v128.load(cellOf(other))));
    });
  };

/** FLD1, FLDZ. */
export const pushConstant =
  (significand: bigint, signed: number): FastMove =>
  (x, exactly) =>
    pushed(x, { significand: i64.const(significand), signed: i32.const(signed), plain: i32.const(1) }, exactly);

/** FILD of 16, 32 or 64 bits. */
export function loadInteger(x: Emitter, value: Expr, bits: Bits, exactly: () => void): void {
  const wide = bits === 64 ? value : i64.extendS(bits === 16 ? i32.extend16S(value) : value);
  pushed(x, expandedInteger(x, x.let(wide)), exactly);
}

/** FIST, FISTP, FISTTP: `put` stores the number, as i64. */
export function storeInteger(
  x: Emitter,
  form: { readonly bits: Bits; readonly truncates: boolean; readonly pop: boolean },
  put: (value: Expr) => void,
  exactly: () => void,
): void {
  const first = top(x);
  const rounded = x.f.callValue(x.functions.x87ToInteger, cellOf(first), i32.const(Number(form.truncates)), i32.const(form.bits));
  settled(x, [isUsed(x, first)], rounded, exactly, () => {
    put(i64.load(at(SLOW_VALUE)));
    if (form.pop) popped(x, first);
  });
}

const FCW_WRITABLE = 0x1f3f;
const FCW_RESERVED = 0x40;
const EXCEPTIONS = 0x3f;

/** FLDCW where no flag becomes unmasked. */
export function loadControl(x: Emitter, value: Expr, exactly: () => void): void {
  const unmasked = i32.and(i32.and(x.fpuWord(FSW), i32.xor(value, i32.const(-1))), i32.const(EXCEPTIONS));
  x.provided([i32.eqz(unmasked)], never, exactly, () => {
    x.f.store('i32_16', at(FCW), i32.or(i32.and(value, i32.const(FCW_WRITABLE)), i32.const(FCW_RESERVED)));
  });
}

/** FINCSTP, FDECSTP. */
export const rotated =
  (by: number): FastMove =>
  (x) =>
    setTop(x, near(x, top(x), i32.const(by)));
