import { Const, type Expr, i32, i64, type Local, select, v128 } from '@hotsocket/wasm-builder';
import { type Bits, type Emitter, intConst, intOps, truncated } from '../emit/emitter.js';
import { RAX, RCX, RDI, RECORD_COMPLEX, RECORD_REP, RECORD_REPNE, RSI } from '../layout.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';

/** Bytes from one element to the next: negative while DF is set. */
const step = (x: Emitter, bytes: number): Expr => select(i64.const(-bytes), i64.const(bytes), x.directionDown());

function advance(x: Emitter, register: number, bytes: number): void {
  x.setOffsetRegister(register, i64.add(x.gpr(register, 64), step(x, bytes)));
}

const source = (x: Emitter, bits: Bits): Expr => x.load(x.linearOf(x.offsetRegister(RSI), bits / 8, false), bits);

const isKnownZero = (value: Expr): boolean => value instanceof Const && Number(value.value) === 0;

/**
 * REP: runs `element` while rCX is not 0. Registers stand at the element to do next whenever the instruction can be left, so that it
 * goes on after a fault or an interrupt. `goOn` tells whether a compare lets the repetition continue. `bulk` may do several elements at
 * once, all but the last, which `element` does.
 */
function repeated(x: Emitter, element: () => void, goOn?: () => Expr, bulk?: () => void): void {
  const { f } = x;
  const repeats = x.let(x.flag(RECORD_REP | RECORD_REPNE));
  if (isKnownZero(repeats)) return element();
  if (goOn) x.flagsMayChange();
  const done = f.block();
  f.brIf(done, i32.and(i32.ne(repeats, i32.const(0)), i64.eqz(x.offsetRegister(RCX))));
  const again = f.loop();
  bulk?.();
  element();
  f.brIf(done, i32.eqz(repeats));
  x.setOffsetRegister(RCX, i64.sub(x.gpr(RCX, 64), i64.const(1)));
  f.brIf(done, i64.eqz(x.offsetRegister(RCX)));
  if (goOn) f.brIf(done, i32.eqz(goOn()));
  x.repeatCheckPoint();
  f.br(again);
  f.end();
  f.end();
}

/** Elements from a linear address to the end of its page. */
const elementsInPage = (linear: Expr, bytes: number): Expr =>
  i32.shrU(i32.sub(i32.const(4096), i32.and(i64.wrap(linear), i32.const(4095))), i32.const(Math.log2(bytes)));

const smaller = (x: Emitter, a: Expr, b: Expr): Expr => select(a, b, i32.ltS(x.let(a), x.let(b)));

/** Elements of rCX beside the last, at most 4096. */
const elementsBeforeLast = (x: Emitter): Expr => {
  const more = x.let(i64.sub(x.offsetRegister(RCX), i64.const(1)));
  return i64.wrap(select(more, i64.const(4096), i64.ltU(more, i64.const(4096))));
};

/** Elements that can be done at once: those before the last one that stay in their pages and in the slice. */
function elementsAtOnce(x: Emitter, linears: readonly Expr[], bytes: number): Expr {
  const rooms = linears.map((linear) => x.let(elementsInPage(linear, bytes)));
  return [elementsBeforeLast(x), ...rooms, x.budget()].map((limit) => x.let(limit)).reduce((a, b) => x.let(smaller(x, a, b)));
}

const VECTOR_BYTES = 16;
const EQUAL_LANES = { 8: v128.eq8, 16: v128.eq16, 32: v128.eq32, 64: v128.eq64 } as const;
const SPLATS = { 8: v128.splat8, 16: v128.splat16, 32: v128.splat32, 64: v128.splat64 } as const;

/** Accounts `count` elements done at once: registers and instruction count stand as if they had been done one by one. */
function accountBulk(x: Emitter, count: Expr, bytes: number, registers: readonly number[]): void {
  const wide = x.let(i64.extendU(count));
  for (const register of registers) x.setOffsetRegister(register, i64.add(x.gpr(register, 64), i64.mul(wide, i64.const(bytes))));
  x.setOffsetRegister(RCX, i64.sub(x.gpr(RCX, 64), wide));
  x.spend(count);
}

/** Runs `work` when elements can be done in bulk: repeated, upwards, without segment checks. */
function whenBulk(x: Emitter, work: () => void): void {
  const plain = i32.eqz(x.flag(RECORD_COMPLEX));
  const repeats = i32.ne(x.flag(RECORD_REP | RECORD_REPNE), i32.const(0));
  x.f.if(i32.and(i32.and(plain, repeats), i32.eqz(x.directionDown())), work);
}

/** All bytes of a value are the same. */
function bytesAreAlike(value: Expr, bits: Bits): Expr {
  if (bits === 8) return i32.const(1);
  if (bits === 16) return i32.eq(i32.and(value, i32.const(0xff)), i32.shrU(value, i32.const(8)));
  return intOps(bits).eq(value, intOps(bits).rotl(value, intConst(bits, 8)));
}

/** Repeats a value in whole vectors from `place` on; `length` is a multiple of theirs. */
function fillVectors(x: Emitter, place: Expr, value: Expr, bits: Bits, length: Expr): void {
  const { f } = x;
  const vector = x.let(SPLATS[bits](value));
  const done = f.temporary('i32');
  f.set(done, i32.const(0));
  const end = f.block();
  const again = f.loop();
  f.brIf(end, i32.geU(f.get(done), length));
  f.store('v128', i32.add(place, f.get(done)), vector);
  f.set(done, i32.add(f.get(done), i32.const(VECTOR_BYTES)));
  f.br(again);
  f.end();
  f.end();
}

/** Fills what is left of the destination's page, up to the last element; whole vectors alone if the accumulator's bytes differ. */
function fillPage(x: Emitter, bits: Bits): void {
  const { f } = x;
  const bytes = bits / 8;
  const shift = i32.const(Math.log2(bytes));
  whenBulk(x, () => {
    const to = x.let(x.linearInEs(x.offsetRegister(RDI), bytes, true));
    const entry = x.let(x.tlbEntry(to));
    const count = elementsAtOnce(x, [to], bytes);
    f.if(i32.and(x.hitsForWrite(to, entry, bytes), i32.gtS(count, i32.const(0))), () => {
      const value = x.let(x.gpr(RAX, bits));
      const place = x.let(x.hostOf(to, entry));
      const fill = (): void => {
        f.fill(place, i32.and(bits === 64 ? i64.wrap(value) : value, i32.const(0xff)), i32.shl(count, shift));
        accountBulk(x, count, bytes, [RDI]);
      };
      f.if(bytesAreAlike(value, bits), fill, () => {
        const whole = x.let(i32.and(count, i32.const(-VECTOR_BYTES / bytes)));
        fillVectors(x, place, value, bits, x.let(i32.shl(whole, shift)));
        accountBulk(x, whole, bytes, [RDI]);
      });
    });
  });
}

/** Copies what is left of both pages, up to the last element, unless the destination overlaps what is still to be read. */
function copyPage(x: Emitter, bits: Bits): void {
  const { f } = x;
  const bytes = bits / 8;
  whenBulk(x, () => {
    const from = x.let(x.linearOf(x.offsetRegister(RSI), bytes, false));
    const to = x.let(x.linearInEs(x.offsetRegister(RDI), bytes, true));
    const [fromEntry, toEntry] = [x.let(x.tlbEntry(from)), x.let(x.tlbEntry(to))];
    const count = elementsAtOnce(x, [from, to], bytes);
    const length = x.let(i32.shl(count, i32.const(Math.log2(bytes))));
    const reachable = i32.and(x.hitsForRead(from, fromEntry, bytes), x.hitsForWrite(to, toEntry, bytes));
    f.if(i32.and(reachable, i32.gtS(count, i32.const(0))), () => {
      const source = x.let(x.hostOf(from, fromEntry));
      const target = x.let(x.hostOf(to, toEntry));
      f.if(i32.geU(i32.sub(target, source), length), () => {
        f.copy(target, source, length);
        accountBulk(x, count, bytes, [RSI, RDI]);
      });
    });
  });
}

/** MOVS: [ES:rDI] := [seg:rSI]. */
const moveString: Semantic = (x) => {
  const bits = x.operandBits(0);
  const element = (): void => {
    x.store(x.linearInEs(x.offsetRegister(RDI), bits / 8, true), source(x, bits), bits);
    advance(x, RSI, bits / 8);
    advance(x, RDI, bits / 8);
  };
  repeated(x, element, undefined, () => copyPage(x, bits));
};

/** STOS: [ES:rDI] := accumulator. */
const storeString: Semantic = (x) => {
  const bits = x.operandBits(0);
  const element = (): void => {
    x.store(x.linearInEs(x.offsetRegister(RDI), bits / 8, true), x.gpr(RAX, bits), bits);
    advance(x, RDI, bits / 8);
  };
  repeated(x, element, undefined, () => fillPage(x, bits));
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

/**
 * Counts into `done` the bytes, of at most `length`, of the elements after which the repetition certainly goes on, a vector at a time.
 * `vectors` gives the operands from a byte on.
 */
function skipMatching(x: Emitter, bits: Bits, length: Expr, done: Local, vectors: (from: Expr) => readonly [Expr, Expr]): void {
  const { f } = x;
  const goesOnIfEqual = x.let(i32.ne(x.flag(RECORD_REP), i32.const(0)));
  const stops = f.temporary('i32');
  const end = f.block();
  const again = f.loop();
  f.brIf(end, i32.gtS(i32.add(f.get(done), i32.const(VECTOR_BYTES)), length));
  f.set(stops, v128.bitmask8(EQUAL_LANES[bits](...vectors(f.get(done)))));
  f.set(stops, i32.xor(f.get(stops), select(i32.const(0xffff), i32.const(0), goesOnIfEqual)));
  f.if(f.get(stops), () => {
    f.set(done, i32.add(f.get(done), i32.ctz(f.get(stops))));
    f.br(end);
  });
  f.set(done, i32.add(f.get(done), i32.const(VECTOR_BYTES)));
  f.br(again);
  f.end();
  f.end();
}

function skip(x: Emitter, bits: Bits, count: Expr, registers: readonly number[], vectors: (from: Expr) => readonly [Expr, Expr]): void {
  const shift = i32.const(Math.log2(bits / 8));
  const done = x.f.temporary('i32');
  x.f.set(done, i32.const(0));
  skipMatching(x, bits, x.let(i32.shl(count, shift)), done, vectors);
  accountBulk(x, x.let(i32.shrU(x.f.get(done), shift)), bits / 8, registers);
}

/** Not the last element of a page: its comparison makes the flags that a fault at the next one leaves. */
const comparedAtOnce = (x: Emitter, linears: readonly Expr[], bytes: number): Expr =>
  x.let(i32.sub(elementsAtOnce(x, linears, bytes), i32.const(1)));

/** Passes over the elements of the destination's page that let REP SCAS go on. */
function scanPage(x: Emitter, bits: Bits): void {
  const bytes = bits / 8;
  whenBulk(x, () => {
    const to = x.let(x.linearInEs(x.offsetRegister(RDI), bytes, false));
    const entry = x.let(x.tlbEntry(to));
    const count = comparedAtOnce(x, [to], bytes);
    x.f.if(x.hitsForRead(to, entry, bytes), () => {
      const place = x.let(x.hostOf(to, entry));
      const wanted = x.let(SPLATS[bits](x.gpr(RAX, bits)));
      skip(x, bits, count, [RDI], (from) => [v128.load(i32.add(place, from)), wanted]);
    });
  });
}

/** The same for REP CMPS, which reads two pages. */
function comparePage(x: Emitter, bits: Bits): void {
  const bytes = bits / 8;
  whenBulk(x, () => {
    const from = x.let(x.linearOf(x.offsetRegister(RSI), bytes, false));
    const to = x.let(x.linearInEs(x.offsetRegister(RDI), bytes, false));
    const [fromEntry, toEntry] = [x.let(x.tlbEntry(from)), x.let(x.tlbEntry(to))];
    const count = comparedAtOnce(x, [from, to], bytes);
    x.f.if(i32.and(x.hitsForRead(from, fromEntry, bytes), x.hitsForRead(to, toEntry, bytes)), () => {
      const [a, b] = [x.let(x.hostOf(from, fromEntry)), x.let(x.hostOf(to, toEntry))];
      skip(x, bits, count, [RSI, RDI], (at) => [v128.load(i32.add(a, at)), v128.load(i32.add(b, at))]);
    });
  });
}

/** REPE goes on while ZF is set, REPNE while it is clear. */
const whileMatching = (x: Emitter): Expr => i32.eq(x.zero(), i32.ne(x.flag(RECORD_REP), i32.const(0)));

/** CMPS: flags of [seg:rSI] - [ES:rDI], which is read first, as processors do: it decides CR2 when neither page is there. */
const compareString: Semantic = (x) => {
  const bits = x.operandBits(0);
  repeated(
    x,
    () => {
      const b = x.load(x.linearInEs(x.offsetRegister(RDI), bits / 8, false), bits);
      const a = source(x, bits);
      advance(x, RSI, bits / 8);
      advance(x, RDI, bits / 8);
      compareFlags(x, a, b, bits);
    },
    () => whileMatching(x),
    () => comparePage(x, bits),
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
    () => scanPage(x, bits),
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
