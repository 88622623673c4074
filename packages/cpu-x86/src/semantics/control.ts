import { type Expr, i32, i64 } from '@hotsocket/wasm-builder';
import { type Bits, type Emitter, widened } from '../emit/emitter.js';
import { GP } from '../fault.js';
import { RCX } from '../layout.js';
import { CONDITION_NAMES } from './conditions.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';

const transferBits = (x: Emitter): Bits => (x.shape.operandBytes * 8) as Bits;

const jumpOnCondition =
  (code: number): Semantic =>
  (x) =>
    x.branch(x.condition(code));

/** A RIP from an operand or the stack: in 64-bit code it must be canonical, or the transfer itself faults. */
function checkedTarget(x: Emitter, value: Expr, bits: Bits): Expr {
  const target = x.let(widened(value, bits));
  if (bits !== 64) return target;
  const canonical = i64.shrS(i64.shl(target, i64.const(16)), i64.const(16));
  x.f.if(i64.ne(target, canonical), () => x.raise(GP, 0));
  return target;
}

/** JMP: relative, or to the RIP in an operand. */
const jump: Semantic = (x) => {
  if (x.operand(0).kind === 'relative') return x.branch();
  x.jump(checkedTarget(x, x.read(0), x.operandBits(0)));
};

const returnAddress = (x: Emitter): Expr => {
  const bits = transferBits(x);
  const rip = x.nextRip();
  return bits === 64 ? rip : bits === 32 ? i64.wrap(rip) : i32.and(i64.wrap(rip), i32.const(0xffff));
};

/** CALL: pushes the RIP of the next instruction, then jumps. */
const call: Semantic = (x) => {
  const bits = transferBits(x);
  if (x.operand(0).kind === 'relative') {
    x.push(returnAddress(x), bits);
    return x.branch();
  }
  const target = checkedTarget(x, x.read(0), x.operandBits(0));
  x.push(returnAddress(x), bits);
  x.jump(target);
};

/** RET: pops RIP; with an operand, releases that many bytes more. */
const returnNear: Semantic = (x) => {
  const bits = transferBits(x);
  const target = checkedTarget(x, x.top(bits), bits);
  const extra = x.shape.operands.length > 0 ? i64.extendU(i32.and(x.immediate('i32'), i32.const(0xffff))) : i64.const(0);
  x.setStackPointer(x.stackPlus(i64.add(extra, i64.const(bits / 8))));
  x.jump(target);
};

/** rCX as the address size sees it. */
const counter = (x: Emitter): Expr => x.offsetRegister(RCX);

const decrementCounter = (x: Emitter): void => x.setOffsetRegister(RCX, i64.sub(x.gpr(RCX, 64), i64.const(1)));

/** LOOPcc: rCX := rCX - 1; jump if it is not 0 and the condition holds. No flags change. */
const loop =
  (condition?: (x: Emitter) => Expr): Semantic =>
  (x) => {
    decrementCounter(x);
    const more = i32.eqz(i64.eqz(counter(x)));
    x.branch(condition ? i32.and(more, condition(x)) : more);
  };

export const CONTROL: SemanticTable = {
  JMP: jump,
  CALL: call,
  RET: returnNear,
  LOOP: loop(),
  LOOPE: loop((x) => x.zero()),
  LOOPNE: loop((x) => i32.eqz(x.zero())),
  JCXZ: (x) => x.branch(i64.eqz(counter(x))),
  ...Object.fromEntries(CONDITION_NAMES.map((name, code) => [`J${name}`, jumpOnCondition(code)])),
  CALLF: helper('callFar'),
  JMPF: helper('jumpFar'),
  RETF: helper('returnFar'),
  IRET: helper('interruptReturn'),
  INT: helper('softwareInterrupt'),
  INT3: helper('breakpoint'),
  INT1: helper('debugTrap'),
  INTO: helper('overflowTrap'),
  BOUND: helper('bound'),
  SYSCALL: helper('systemCall'),
  SYSRET: helper('systemReturn'),
  SYSENTER: helper('systemEnter'),
  SYSEXIT: helper('systemExit'),
};
