import { type Expr, i32, i64, select } from '@hotsocket/wasm-builder';
import { type Bits, type Emitter, intOps, truncated } from '../emit/emitter.js';
import { RAX, RCX, RDI, RECORD_REP, RECORD_REPNE, RSI } from '../layout.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';

/** Bytes from one element to the next: negative while DF is set. */
const step = (x: Emitter, bytes: number): Expr => select(i64.const(-bytes), i64.const(bytes), x.directionDown());

function advance(x: Emitter, register: number, bytes: number): void {
  x.setOffsetRegister(register, i64.add(i64.load(i32.const(register)), step(x, bytes)));
}

const source = (x: Emitter, bits: Bits): Expr => x.load(x.linearOf(x.offsetRegister(RSI), bits / 8, false), bits);

/**
 * REP: runs `element` while rCX is not 0. Registers stand at the element to do next whenever the instruction can be left, so that it
 * goes on after a fault or an interrupt. `goOn` tells whether a compare lets the repetition continue.
 */
function repeated(x: Emitter, element: () => void, goOn?: () => Expr): void {
  const { f } = x;
  const repeats = x.let(x.flag(RECORD_REP | RECORD_REPNE));
  const done = f.block();
  f.brIf(done, i32.and(i32.ne(repeats, i32.const(0)), i64.eqz(x.offsetRegister(RCX))));
  const again = f.loop();
  element();
  f.brIf(done, i32.eqz(repeats));
  x.setOffsetRegister(RCX, i64.sub(i64.load(i32.const(RCX)), i64.const(1)));
  f.brIf(done, i64.eqz(x.offsetRegister(RCX)));
  if (goOn) f.brIf(done, i32.eqz(goOn()));
  x.repeatCheckPoint();
  f.br(again);
  f.end();
  f.end();
}

/** MOVS: [ES:rDI] := [seg:rSI]. */
const moveString: Semantic = (x) => {
  const bits = x.operandBits(0);
  repeated(x, () => {
    x.store(x.linearInEs(x.offsetRegister(RDI), bits / 8, true), source(x, bits), bits);
    advance(x, RSI, bits / 8);
    advance(x, RDI, bits / 8);
  });
};

/** STOS: [ES:rDI] := accumulator. */
const storeString: Semantic = (x) => {
  const bits = x.operandBits(0);
  repeated(x, () => {
    x.store(x.linearInEs(x.offsetRegister(RDI), bits / 8, true), x.gpr(RAX, bits), bits);
    advance(x, RDI, bits / 8);
  });
};

/** LODS: accumulator := [seg:rSI]. */
const loadString: Semantic = (x) => {
  const bits = x.operandBits(0);
  repeated(x, () => {
    x.setGpr(RAX, source(x, bits), bits);
    advance(x, RSI, bits / 8);
  });
};

function compareFlags(x: Emitter, a: Expr, b: Expr, bits: Bits): void {
  const ops = intOps(bits);
  const r = x.let(truncated(ops.sub(a, b), bits));
  const ones = bits === 64 ? i64.const(-1) : i32.const(-1);
  const borrows = ops.or(ops.and(ops.xor(a, ones), b), ops.and(ops.xor(ops.xor(a, b), ones), r));
  x.setCarries(borrows, bits);
  x.setAux(a, b, r, bits);
  x.setResult(r, bits);
}

/** REPE goes on while ZF is set, REPNE while it is clear. */
const whileMatching = (x: Emitter): Expr => i32.eq(x.zero(), i32.ne(x.flag(RECORD_REP), i32.const(0)));

/** CMPS: flags of [seg:rSI] - [ES:rDI]. */
const compareString: Semantic = (x) => {
  const bits = x.operandBits(0);
  repeated(
    x,
    () => {
      const a = source(x, bits);
      const b = x.load(x.linearInEs(x.offsetRegister(RDI), bits / 8, false), bits);
      advance(x, RSI, bits / 8);
      advance(x, RDI, bits / 8);
      compareFlags(x, a, b, bits);
    },
    () => whileMatching(x),
  );
};

/** SCAS: flags of accumulator - [ES:rDI]. */
const scanString: Semantic = (x) => {
  const bits = x.operandBits(0);
  repeated(
    x,
    () => {
      const b = x.load(x.linearInEs(x.offsetRegister(RDI), bits / 8, false), bits);
      advance(x, RDI, bits / 8);
      compareFlags(x, x.let(x.gpr(RAX, bits)), b, bits);
    },
    () => whileMatching(x),
  );
};

export const STRING: SemanticTable = {
  MOVS: moveString,
  STOS: storeString,
  LODS: loadString,
  CMPS: compareString,
  SCAS: scanString,
  INS: helper('inputString'),
  OUTS: helper('outputString'),
};
