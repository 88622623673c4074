import { type Expr, i32, i64, select } from '@hotsocket/wasm-builder';
import type { Bits, Emitter } from '../emit/emitter.js';
import { CPL, EFLAGS, EVENT_INTERRUPT, EVENTS, GPR, RAX, RBP, RSP } from '../layout.js';
import { FLAG_AC, FLAG_DF, FLAG_ID, FLAG_IF, FLAG_IOPL, FLAG_NT, FLAG_RF, FLAG_TF, FLAG_VM, STATUS_FLAGS } from '../system/state.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';

const at = (address: number): Expr => i32.const(address);
/** What LAHF and SAHF move. */
const AH_FLAGS = STATUS_FLAGS & 0xff;
const stackBits = (x: Emitter): Bits => (x.shape.operandBytes * 8) as Bits;

/** PUSH: immediates sign-extended, segment registers zero-extended (AMD64 volume 3, PUSH), PUSH rSP the old value. */
const push: Semantic = (x) => {
  const bits = stackBits(x);
  const operand = x.operand(0);
  if (operand.kind === 'register' && operand.file === 'segment') return x.push(selectorOf(x, bits), bits);
  if (operand.kind === 'immediate')
    return x.push(operand.bits === 8 && bits !== 64 ? i32.extend8S(x.immediate('i32')) : x.immediateOf(bits), bits);
  x.push(x.let(x.read(0, bits)), bits);
};

function selectorOf(x: Emitter, bits: Bits): Expr {
  const selector = i32.load16U(x.registerAddress(0), 16);
  return bits === 64 ? i64.extendU(selector) : selector;
}

/** POP: an address with rSP sees it already moved; POP rSP gets the popped value. */
const pop: Semantic = (x) => {
  const bits = stackBits(x);
  const operand = x.operand(0);
  if (operand.kind === 'register' && operand.file === 'segment') return x.helper('popSegment');
  const value = x.top(bits);
  if (!x.isMemory(0)) {
    x.popped(bits / 8);
    return x.write(0, value, bits);
  }
  const saved = x.let(x.gpr(RSP, 64));
  x.popped(bits / 8);
  const target = x.let(x.offset());
  x.setGpr(RSP, saved, 64);
  x.store(x.linearOf(target, bits / 8, true), value, bits);
  x.popped(bits / 8);
};

/** PUSHA: eight registers, with the old rSP. */
const pushAll: Semantic = (x) => {
  const bits = stackBits(x);
  const step = bits / 8;
  const old = x.let(x.gpr(RSP, 64));
  for (let n = 0; n < 8; n++) {
    const pointer = x.let(x.stackMoved(old, -(n + 1) * step));
    x.store(x.wrapLinear(x.stackLinear(pointer, step, true)), x.gpr(GPR + 8 * n, bits), bits);
  }
  x.setStackPointer(x.stackMoved(old, -8 * step));
};

/** POPA: eight registers; the slot of rSP is skipped. What was popped before a fault stays, as in the processors whose vendor we announce. */
const popAll: Semantic = (x) => {
  const bits = stackBits(x);
  const step = bits / 8;
  for (let n = 0; n < 8; n++) {
    const number = 7 - n;
    if (number !== 4) x.setGpr(GPR + 8 * number, x.top(bits, n * step), bits);
  }
  x.popped(8 * step);
};

/** LEAVE: rSP := rBP; POP rBP. */
const leave: Semantic = (x) => {
  const bits = stackBits(x);
  const frame = x.let(i64.and(x.gpr(RBP, 64), x.stackMask()));
  const value = x.load(x.wrapLinear(x.stackLinear(frame, bits / 8, false)), bits);
  x.setStackPointer(i64.and(i64.add(frame, i64.const(bits / 8)), x.stackMask()));
  x.setGpr(RBP, value, bits);
};

/** PUSHF: VM and RF are pushed as 0; virtual-8086 mode has rules of its own. */
const pushFlags: Semantic = (x) => {
  const bits = stackBits(x);
  x.helperWhere(i32.and(i32.load(i32.const(EFLAGS)), i32.const(FLAG_VM)), 'pushFlags');
  const image = x.let(i32.and(x.flagsImage(), i32.const(~(FLAG_VM | FLAG_RF))));
  x.push(bits === 64 ? i64.extendU(image) : image, bits);
};

/** Flags that POPF changes without a further effect; IF at privilege 0, as long as no event that it lets in waits. */
const PLAIN_FLAGS = FLAG_DF | FLAG_IF;
/** Flags whose change is the helper's. */
const GUARDED_FLAGS = FLAG_TF | FLAG_IOPL | FLAG_NT;

/** POPF where nothing but plain flags changes, outside of virtual-8086 mode and single-stepping. */
const popFlags: Semantic = (x) => {
  const bits = stackBits(x);
  const popped = x.top(bits);
  const image = x.let(bits === 64 ? i64.wrap(popped) : popped);
  const old = x.let(i32.load(at(EFLAGS)));
  const changed = i32.xor(image, old);
  const guarded = i32.and(changed, i32.const(GUARDED_FLAGS | (bits === 16 ? 0 : FLAG_AC)));
  const denied = select(i32.and(changed, i32.const(FLAG_IF)), i32.const(0), i32.load(at(CPL)));
  const seen = select(i32.const(-1), i32.const(~EVENT_INTERRUPT), i32.and(image, i32.const(FLAG_IF)));
  const special = i32.or(i32.and(old, i32.const(FLAG_VM | FLAG_TF)), i32.and(i32.load(at(EVENTS)), seen));
  x.helperWhere(i32.or(i32.or(guarded, denied), special), 'popFlags');
  x.popped(bits / 8);
  const plain = i32.const(PLAIN_FLAGS | (bits === 16 ? 0 : FLAG_ID));
  x.f.store('i32', at(EFLAGS), i32.xor(old, i32.and(i32.xor(image, old), plain)));
  x.setStatusFlags(image, true);
};

/** LAHF: AH := SF ZF 0 AF 0 PF 1 CF. */
const loadAhFlags: Semantic = (x) => x.setGpr(RAX + 1, i32.or(i32.and(x.flagsImage(), i32.const(AH_FLAGS)), i32.const(2)), 8);

/** SAHF: the same flags from AH; OF stays. */
const storeAhFlags: Semantic = (x) => x.setStatusFlags(x.let(x.gpr(RAX + 1, 8)), false);

export const STACK_OPERATIONS: SemanticTable = {
  PUSH: push,
  POP: pop,
  PUSHA: pushAll,
  POPA: popAll,
  LEAVE: leave,
  ENTER: helper('enter'),
  PUSHF: pushFlags,
  POPF: popFlags,
  LAHF: loadAhFlags,
  SAHF: storeAhFlags,
};
