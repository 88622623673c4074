import { Const, type Expr, Load, Operation, type ValueType } from './expr.js';

type Unary = (a: Expr) => Expr;
type Binary = (a: Expr, b: Expr) => Expr;
type Loader = (address: Expr, offset?: number) => Expr;

const unary =
  (type: ValueType, ...opcode: number[]): Unary =>
  (a) =>
    new Operation(type, opcode, [a]);
const binary =
  (type: ValueType, ...opcode: number[]): Binary =>
  (a, b) =>
    new Operation(type, opcode, [a, b]);
const load =
  (type: ValueType, ...opcode: number[]): Loader =>
  (address, offset = 0) =>
    new Load(type, opcode, address, offset);
const lane =
  (type: ValueType, opcode: number) =>
  (a: Expr, index: number): Expr =>
    new Operation(type, [0xfd, opcode], [a], [index]);
const replace =
  (opcode: number) =>
  (a: Expr, index: number, value: Expr): Expr =>
    new Operation('v128', [0xfd, opcode], [a, value], [index]);
/** Folds constants, so that emitters may compute with operands that happen to be known. */
const folded =
  (op: Binary, fold: (a: number, b: number) => number): Binary =>
  (a, b) =>
    a instanceof Const && b instanceof Const ? new Const('i32', fold(Number(a.value), Number(b.value))) : op(a, b);
/** The same for i64 numbers from 0 to 2^31, for which numbers are exact. */
const foldedSmall =
  (op: Binary, fold: (a: number, b: number) => number): Binary =>
  (a, b) =>
    isSmall(a) && isSmall(b) ? new Const(op(a, b).type, fold(Number(a.value), Number(b.value))) : op(a, b);
const isSmall = (value: Expr): value is Const => value instanceof Const && value.value >= 0 && value.value <= 0x7fff_ffff;
/** An i64 mask of 31 bits makes any constant a small one. */
const foldedMask =
  (op: Binary): Binary =>
  (a, b) =>
    a instanceof Const && isSmall(b) ? new Const('i64', Number(BigInt.asUintN(64, BigInt(a.value)) & BigInt(b.value))) : op(a, b);
const foldedUnary =
  (op: Unary, fold: (a: number) => number): Unary =>
  (a) =>
    isSmall(a) ? new Const(op(a).type, fold(Number(a.value))) : op(a);

interface I32Ops {
  readonly const: (value: number) => Expr;
  readonly eqz: Unary;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly ltS: Binary;
  readonly ltU: Binary;
  readonly gtS: Binary;
  readonly gtU: Binary;
  readonly leS: Binary;
  readonly leU: Binary;
  readonly geS: Binary;
  readonly geU: Binary;
  readonly clz: Unary;
  readonly ctz: Unary;
  readonly popcnt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly divS: Binary;
  readonly divU: Binary;
  readonly remS: Binary;
  readonly remU: Binary;
  readonly and: Binary;
  readonly or: Binary;
  readonly xor: Binary;
  readonly shl: Binary;
  readonly shrS: Binary;
  readonly shrU: Binary;
  readonly rotl: Binary;
  readonly rotr: Binary;
  readonly truncSatF64S: Unary;
  readonly truncSatF32S: Unary;
  readonly reinterpretF32: Unary;
  readonly extend8S: Unary;
  readonly extend16S: Unary;
  readonly load: Loader;
  readonly load8S: Loader;
  readonly load8U: Loader;
  readonly load16S: Loader;
  readonly load16U: Loader;
}

/** 32-bit integer operations, named as in the WebAssembly text format. */
export const i32: I32Ops = {
  const: (value: number): Expr => new Const('i32', value),
  eqz: foldedUnary(unary('i32', 0x45), (a) => Number(a === 0)),
  eq: folded(binary('i32', 0x46), (a, b) => Number(a === b)),
  ne: folded(binary('i32', 0x47), (a, b) => Number(a !== b)),
  ltS: binary('i32', 0x48),
  ltU: folded(binary('i32', 0x49), (a, b) => Number(a >>> 0 < b >>> 0)),
  gtS: binary('i32', 0x4a),
  gtU: binary('i32', 0x4b),
  leS: binary('i32', 0x4c),
  leU: binary('i32', 0x4d),
  geS: binary('i32', 0x4e),
  geU: binary('i32', 0x4f),
  clz: unary('i32', 0x67),
  ctz: unary('i32', 0x68),
  popcnt: unary('i32', 0x69),
  add: folded(binary('i32', 0x6a), (a, b) => (a + b) | 0),
  sub: folded(binary('i32', 0x6b), (a, b) => (a - b) | 0),
  mul: binary('i32', 0x6c),
  divS: binary('i32', 0x6d),
  divU: binary('i32', 0x6e),
  remS: binary('i32', 0x6f),
  remU: binary('i32', 0x70),
  and: folded(binary('i32', 0x71), (a, b) => a & b),
  or: folded(binary('i32', 0x72), (a, b) => a | b),
  xor: binary('i32', 0x73),
  shl: folded(binary('i32', 0x74), (a, b) => a << b),
  shrS: binary('i32', 0x75),
  shrU: folded(binary('i32', 0x76), (a, b) => (a >>> b) | 0),
  rotl: binary('i32', 0x77),
  rotr: binary('i32', 0x78),
  truncSatF64S: unary('i32', 0xfc, 2),
  truncSatF32S: unary('i32', 0xfc, 0),
  reinterpretF32: unary('i32', 0xbc),
  extend8S: unary('i32', 0xc0),
  extend16S: unary('i32', 0xc1),
  load: load('i32', 0x28),
  load8S: load('i32', 0x2c),
  load8U: load('i32', 0x2d),
  load16S: load('i32', 0x2e),
  load16U: load('i32', 0x2f),
};

interface I64Ops {
  readonly wrap: Unary;
  readonly const: (value: number | bigint) => Expr;
  readonly eqz: Unary;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly ltS: Binary;
  readonly ltU: Binary;
  readonly gtS: Binary;
  readonly gtU: Binary;
  readonly leS: Binary;
  readonly leU: Binary;
  readonly geS: Binary;
  readonly geU: Binary;
  readonly clz: Unary;
  readonly ctz: Unary;
  readonly popcnt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly divS: Binary;
  readonly divU: Binary;
  readonly remS: Binary;
  readonly remU: Binary;
  readonly and: Binary;
  readonly or: Binary;
  readonly xor: Binary;
  readonly shl: Binary;
  readonly shrS: Binary;
  readonly shrU: Binary;
  readonly rotl: Binary;
  readonly rotr: Binary;
  readonly extendS: Unary;
  readonly extendU: Unary;
  readonly truncSatF64U: Unary;
  readonly truncSatF64S: Unary;
  readonly truncSatF32S: Unary;
  readonly reinterpretF64: Unary;
  readonly extend8S: Unary;
  readonly extend16S: Unary;
  readonly extend32S: Unary;
  readonly load: Loader;
  readonly load8S: Loader;
  readonly load8U: Loader;
  readonly load16S: Loader;
  readonly load16U: Loader;
  readonly load32S: Loader;
  readonly load32U: Loader;
}

/** 64-bit integer operations. */
export const i64: I64Ops = {
  wrap: foldedUnary(unary('i32', 0xa7), (a) => a),
  const: (value: number | bigint): Expr => new Const('i64', value),
  eqz: unary('i32', 0x50),
  eq: binary('i32', 0x51),
  ne: binary('i32', 0x52),
  ltS: binary('i32', 0x53),
  ltU: foldedSmall(binary('i32', 0x54), (a, b) => Number(a < b)),
  gtS: binary('i32', 0x55),
  gtU: binary('i32', 0x56),
  leS: binary('i32', 0x57),
  leU: binary('i32', 0x58),
  geS: binary('i32', 0x59),
  geU: binary('i32', 0x5a),
  clz: unary('i64', 0x79),
  ctz: unary('i64', 0x7a),
  popcnt: unary('i64', 0x7b),
  add: binary('i64', 0x7c),
  sub: binary('i64', 0x7d),
  mul: binary('i64', 0x7e),
  divS: binary('i64', 0x7f),
  divU: binary('i64', 0x80),
  remS: binary('i64', 0x81),
  remU: binary('i64', 0x82),
  and: foldedMask(binary('i64', 0x83)),
  or: binary('i64', 0x84),
  xor: binary('i64', 0x85),
  shl: binary('i64', 0x86),
  shrS: binary('i64', 0x87),
  shrU: binary('i64', 0x88),
  rotl: binary('i64', 0x89),
  rotr: binary('i64', 0x8a),
  extendS: unary('i64', 0xac),
  extendU: foldedUnary(unary('i64', 0xad), (a) => a),
  truncSatF64U: unary('i64', 0xfc, 7),
  truncSatF64S: unary('i64', 0xfc, 6),
  truncSatF32S: unary('i64', 0xfc, 4),
  reinterpretF64: unary('i64', 0xbd),
  extend8S: unary('i64', 0xc2),
  extend16S: unary('i64', 0xc3),
  extend32S: unary('i64', 0xc4),
  load: load('i64', 0x29),
  load8S: load('i64', 0x30),
  load8U: load('i64', 0x31),
  load16S: load('i64', 0x32),
  load16U: load('i64', 0x33),
  load32S: load('i64', 0x34),
  load32U: load('i64', 0x35),
};

interface F32Ops {
  readonly const: (value: number) => Expr;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly lt: Binary;
  readonly gt: Binary;
  readonly le: Binary;
  readonly ge: Binary;
  readonly abs: Unary;
  readonly neg: Unary;
  readonly ceil: Unary;
  readonly floor: Unary;
  readonly trunc: Unary;
  readonly nearest: Unary;
  readonly sqrt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly min: Binary;
  readonly max: Binary;
  readonly copysign: Binary;
  readonly convertI32S: Unary;
  readonly convertI64S: Unary;
  readonly demoteF64: Unary;
  readonly reinterpretI32: Unary;
  readonly load: Loader;
}

/** 32-bit floating-point operations. */
export const f32: F32Ops = {
  const: (value: number): Expr => new Const('f32', value),
  eq: binary('i32', 0x5b),
  ne: binary('i32', 0x5c),
  lt: binary('i32', 0x5d),
  gt: binary('i32', 0x5e),
  le: binary('i32', 0x5f),
  ge: binary('i32', 0x60),
  abs: unary('f32', 0x8b),
  neg: unary('f32', 0x8c),
  ceil: unary('f32', 0x8d),
  floor: unary('f32', 0x8e),
  trunc: unary('f32', 0x8f),
  nearest: unary('f32', 0x90),
  sqrt: unary('f32', 0x91),
  add: binary('f32', 0x92),
  sub: binary('f32', 0x93),
  mul: binary('f32', 0x94),
  div: binary('f32', 0x95),
  min: binary('f32', 0x96),
  max: binary('f32', 0x97),
  copysign: binary('f32', 0x98),
  convertI32S: unary('f32', 0xb2),
  convertI64S: unary('f32', 0xb4),
  demoteF64: unary('f32', 0xb6),
  reinterpretI32: unary('f32', 0xbe),
  load: load('f32', 0x2a),
};

interface F64Ops {
  readonly const: (value: number) => Expr;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly lt: Binary;
  readonly gt: Binary;
  readonly le: Binary;
  readonly ge: Binary;
  readonly abs: Unary;
  readonly neg: Unary;
  readonly ceil: Unary;
  readonly floor: Unary;
  readonly trunc: Unary;
  readonly nearest: Unary;
  readonly sqrt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly min: Binary;
  readonly max: Binary;
  readonly copysign: Binary;
  readonly convertI32S: Unary;
  readonly convertI64U: Unary;
  readonly convertI64S: Unary;
  readonly promoteF32: Unary;
  readonly reinterpretI64: Unary;
  readonly load: Loader;
}

/** 64-bit floating-point operations. */
export const f64: F64Ops = {
  const: (value: number): Expr => new Const('f64', value),
  eq: binary('i32', 0x61),
  ne: binary('i32', 0x62),
  lt: binary('i32', 0x63),
  gt: binary('i32', 0x64),
  le: binary('i32', 0x65),
  ge: binary('i32', 0x66),
  abs: unary('f64', 0x99),
  neg: unary('f64', 0x9a),
  ceil: unary('f64', 0x9b),
  floor: unary('f64', 0x9c),
  trunc: unary('f64', 0x9d),
  nearest: unary('f64', 0x9e),
  sqrt: unary('f64', 0x9f),
  add: binary('f64', 0xa0),
  sub: binary('f64', 0xa1),
  mul: binary('f64', 0xa2),
  div: binary('f64', 0xa3),
  min: binary('f64', 0xa4),
  max: binary('f64', 0xa5),
  copysign: binary('f64', 0xa6),
  convertI32S: unary('f64', 0xb7),
  convertI64U: unary('f64', 0xba),
  convertI64S: unary('f64', 0xb9),
  promoteF32: unary('f64', 0xbb),
  reinterpretI64: unary('f64', 0xbf),
  load: load('f64', 0x2b),
};

interface V128Ops {
  readonly const: (bytes: readonly number[]) => Expr;
  readonly load: Loader;
  readonly load32Zero: Loader;
  readonly load64Zero: Loader;
  readonly load8x8S: Loader;
  readonly load8x8U: Loader;
  readonly load16x4S: Loader;
  readonly load16x4U: Loader;
  readonly load32x2S: Loader;
  readonly load32x2U: Loader;
  readonly shuffle: (a: Expr, b: Expr, lanes: readonly number[]) => Expr;
  readonly swizzle: Binary;
  readonly splat8: Unary;
  readonly splat16: Unary;
  readonly splat32: Unary;
  readonly splat64: Unary;
  readonly splatF32: Unary;
  readonly splatF64: Unary;
  readonly lane8U: (a: Expr, index: number) => Expr;
  readonly lane8S: (a: Expr, index: number) => Expr;
  readonly replace8: (a: Expr, index: number, value: Expr) => Expr;
  readonly lane16S: (a: Expr, index: number) => Expr;
  readonly lane16U: (a: Expr, index: number) => Expr;
  readonly replace16: (a: Expr, index: number, value: Expr) => Expr;
  readonly lane32: (a: Expr, index: number) => Expr;
  readonly replace32: (a: Expr, index: number, value: Expr) => Expr;
  readonly lane64: (a: Expr, index: number) => Expr;
  readonly replace64: (a: Expr, index: number, value: Expr) => Expr;
  readonly laneF32: (a: Expr, index: number) => Expr;
  readonly replaceF32: (a: Expr, index: number, value: Expr) => Expr;
  readonly laneF64: (a: Expr, index: number) => Expr;
  readonly replaceF64: (a: Expr, index: number, value: Expr) => Expr;
  readonly eq8: Binary;
  readonly ne8: Binary;
  readonly ltS8: Binary;
  readonly ltU8: Binary;
  readonly gtS8: Binary;
  readonly gtU8: Binary;
  readonly leS8: Binary;
  readonly leU8: Binary;
  readonly geS8: Binary;
  readonly geU8: Binary;
  readonly eq16: Binary;
  readonly ne16: Binary;
  readonly ltS16: Binary;
  readonly ltU16: Binary;
  readonly gtS16: Binary;
  readonly gtU16: Binary;
  readonly leS16: Binary;
  readonly leU16: Binary;
  readonly geS16: Binary;
  readonly geU16: Binary;
  readonly eq32: Binary;
  readonly ne32: Binary;
  readonly ltS32: Binary;
  readonly ltU32: Binary;
  readonly gtS32: Binary;
  readonly gtU32: Binary;
  readonly leS32: Binary;
  readonly leU32: Binary;
  readonly geS32: Binary;
  readonly geU32: Binary;
  readonly eqF32: Binary;
  readonly neF32: Binary;
  readonly ltF32: Binary;
  readonly gtF32: Binary;
  readonly leF32: Binary;
  readonly geF32: Binary;
  readonly eqF64: Binary;
  readonly neF64: Binary;
  readonly ltF64: Binary;
  readonly gtF64: Binary;
  readonly leF64: Binary;
  readonly geF64: Binary;
  readonly not: Unary;
  readonly and: Binary;
  readonly andnot: Binary;
  readonly or: Binary;
  readonly xor: Binary;
  readonly bitselect: (a: Expr, b: Expr, mask: Expr) => Expr;
  readonly anyTrue: Unary;
  readonly demoteF64x2: Unary;
  readonly promoteF32x2: Unary;
  readonly abs8: Unary;
  readonly neg8: Unary;
  readonly popcnt8: Unary;
  readonly allTrue8: Unary;
  readonly bitmask8: Unary;
  readonly narrow16S: Binary;
  readonly narrow16U: Binary;
  readonly shl8: Binary;
  readonly shrS8: Binary;
  readonly shrU8: Binary;
  readonly add8: Binary;
  readonly addSatS8: Binary;
  readonly addSatU8: Binary;
  readonly sub8: Binary;
  readonly subSatS8: Binary;
  readonly subSatU8: Binary;
  readonly minS8: Binary;
  readonly minU8: Binary;
  readonly maxS8: Binary;
  readonly maxU8: Binary;
  readonly avgU8: Binary;
  readonly pairwiseAdd8S: Unary;
  readonly pairwiseAdd8U: Unary;
  readonly pairwiseAdd16S: Unary;
  readonly pairwiseAdd16U: Unary;
  readonly abs16: Unary;
  readonly neg16: Unary;
  readonly q15mulrSatS16: Binary;
  readonly bitmask16: Unary;
  readonly narrow32S: Binary;
  readonly narrow32U: Binary;
  readonly extendLow8S: Unary;
  readonly extendHigh8S: Unary;
  readonly extendLow8U: Unary;
  readonly extendHigh8U: Unary;
  readonly shl16: Binary;
  readonly shrS16: Binary;
  readonly shrU16: Binary;
  readonly add16: Binary;
  readonly addSatS16: Binary;
  readonly addSatU16: Binary;
  readonly sub16: Binary;
  readonly subSatS16: Binary;
  readonly subSatU16: Binary;
  readonly mul16: Binary;
  readonly minS16: Binary;
  readonly minU16: Binary;
  readonly maxS16: Binary;
  readonly maxU16: Binary;
  readonly avgU16: Binary;
  readonly extmulLow8S: Binary;
  readonly extmulHigh8S: Binary;
  readonly extmulLow8U: Binary;
  readonly extmulHigh8U: Binary;
  readonly abs32: Unary;
  readonly neg32: Unary;
  readonly bitmask32: Unary;
  readonly extendLow16S: Unary;
  readonly extendHigh16S: Unary;
  readonly extendLow16U: Unary;
  readonly extendHigh16U: Unary;
  readonly shl32: Binary;
  readonly shrS32: Binary;
  readonly shrU32: Binary;
  readonly add32: Binary;
  readonly sub32: Binary;
  readonly mul32: Binary;
  readonly minS32: Binary;
  readonly minU32: Binary;
  readonly maxS32: Binary;
  readonly maxU32: Binary;
  readonly dot16S: Binary;
  readonly extmulLow16S: Binary;
  readonly extmulHigh16S: Binary;
  readonly extmulLow16U: Binary;
  readonly extmulHigh16U: Binary;
  readonly bitmask64: Unary;
  readonly extendLow32S: Unary;
  readonly extendHigh32S: Unary;
  readonly extendLow32U: Unary;
  readonly extendHigh32U: Unary;
  readonly shl64: Binary;
  readonly shrS64: Binary;
  readonly shrU64: Binary;
  readonly add64: Binary;
  readonly sub64: Binary;
  readonly mul64: Binary;
  readonly eq64: Binary;
  readonly ne64: Binary;
  readonly ltS64: Binary;
  readonly gtS64: Binary;
  readonly extmulLow32S: Binary;
  readonly extmulHigh32S: Binary;
  readonly extmulLow32U: Binary;
  readonly extmulHigh32U: Binary;
  readonly absF32: Unary;
  readonly negF32: Unary;
  readonly sqrtF32: Unary;
  readonly addF32: Binary;
  readonly subF32: Binary;
  readonly mulF32: Binary;
  readonly divF32: Binary;
  readonly minF32: Binary;
  readonly maxF32: Binary;
  readonly absF64: Unary;
  readonly negF64: Unary;
  readonly sqrtF64: Unary;
  readonly addF64: Binary;
  readonly subF64: Binary;
  readonly mulF64: Binary;
  readonly divF64: Binary;
  readonly minF64: Binary;
  readonly maxF64: Binary;
  readonly truncSatF32x4S: Unary;
  readonly convertI32x4S: Unary;
  readonly truncSatF64x2SZero: Unary;
  readonly convertLowI32x4S: Unary;
}

/** 128-bit operations; the suffix gives the lane width in bits (F32, F64 for floating point). */
export const v128: V128Ops = {
  const: (bytes: readonly number[]): Expr => new Operation('v128', [0xfd, 12], [], bytes),
  load: load('v128', 0xfd, 0),
  load32Zero: load('v128', 0xfd, 92),
  load64Zero: load('v128', 0xfd, 93),
  load8x8S: load('v128', 0xfd, 1),
  load8x8U: load('v128', 0xfd, 2),
  load16x4S: load('v128', 0xfd, 3),
  load16x4U: load('v128', 0xfd, 4),
  load32x2S: load('v128', 0xfd, 5),
  load32x2U: load('v128', 0xfd, 6),
  shuffle: (a: Expr, b: Expr, lanes: readonly number[]): Expr => new Operation('v128', [0xfd, 13], [a, b], lanes),
  swizzle: binary('v128', 0xfd, 14),
  splat8: unary('v128', 0xfd, 15),
  splat16: unary('v128', 0xfd, 16),
  splat32: unary('v128', 0xfd, 17),
  splat64: unary('v128', 0xfd, 18),
  splatF32: unary('v128', 0xfd, 19),
  splatF64: unary('v128', 0xfd, 20),
  lane8U: lane('i32', 22),
  lane8S: lane('i32', 21),
  replace8: replace(23),
  lane16S: lane('i32', 24),
  lane16U: lane('i32', 25),
  replace16: replace(26),
  lane32: lane('i32', 27),
  replace32: replace(28),
  lane64: lane('i64', 29),
  replace64: replace(30),
  laneF32: lane('f32', 31),
  replaceF32: replace(32),
  laneF64: lane('f64', 33),
  replaceF64: replace(34),
  eq8: binary('v128', 0xfd, 35),
  ne8: binary('v128', 0xfd, 36),
  ltS8: binary('v128', 0xfd, 37),
  ltU8: binary('v128', 0xfd, 38),
  gtS8: binary('v128', 0xfd, 39),
  gtU8: binary('v128', 0xfd, 40),
  leS8: binary('v128', 0xfd, 41),
  leU8: binary('v128', 0xfd, 42),
  geS8: binary('v128', 0xfd, 43),
  geU8: binary('v128', 0xfd, 44),
  eq16: binary('v128', 0xfd, 45),
  ne16: binary('v128', 0xfd, 46),
  ltS16: binary('v128', 0xfd, 47),
  ltU16: binary('v128', 0xfd, 48),
  gtS16: binary('v128', 0xfd, 49),
  gtU16: binary('v128', 0xfd, 50),
  leS16: binary('v128', 0xfd, 51),
  leU16: binary('v128', 0xfd, 52),
  geS16: binary('v128', 0xfd, 53),
  geU16: binary('v128', 0xfd, 54),
  eq32: binary('v128', 0xfd, 55),
  ne32: binary('v128', 0xfd, 56),
  ltS32: binary('v128', 0xfd, 57),
  ltU32: binary('v128', 0xfd, 58),
  gtS32: binary('v128', 0xfd, 59),
  gtU32: binary('v128', 0xfd, 60),
  leS32: binary('v128', 0xfd, 61),
  leU32: binary('v128', 0xfd, 62),
  geS32: binary('v128', 0xfd, 63),
  geU32: binary('v128', 0xfd, 64),
  eqF32: binary('v128', 0xfd, 65),
  neF32: binary('v128', 0xfd, 66),
  ltF32: binary('v128', 0xfd, 67),
  gtF32: binary('v128', 0xfd, 68),
  leF32: binary('v128', 0xfd, 69),
  geF32: binary('v128', 0xfd, 70),
  eqF64: binary('v128', 0xfd, 71),
  neF64: binary('v128', 0xfd, 72),
  ltF64: binary('v128', 0xfd, 73),
  gtF64: binary('v128', 0xfd, 74),
  leF64: binary('v128', 0xfd, 75),
  geF64: binary('v128', 0xfd, 76),
  not: unary('v128', 0xfd, 77),
  and: binary('v128', 0xfd, 78),
  andnot: binary('v128', 0xfd, 79),
  or: binary('v128', 0xfd, 80),
  xor: binary('v128', 0xfd, 81),
  bitselect: (a: Expr, b: Expr, mask: Expr): Expr => new Operation('v128', [0xfd, 82], [a, b, mask]),
  anyTrue: unary('i32', 0xfd, 83),
  demoteF64x2: unary('v128', 0xfd, 94),
  promoteF32x2: unary('v128', 0xfd, 95),
  abs8: unary('v128', 0xfd, 96),
  neg8: unary('v128', 0xfd, 97),
  popcnt8: unary('v128', 0xfd, 98),
  allTrue8: unary('i32', 0xfd, 99),
  bitmask8: unary('i32', 0xfd, 100),
  narrow16S: binary('v128', 0xfd, 101),
  narrow16U: binary('v128', 0xfd, 102),
  shl8: binary('v128', 0xfd, 107),
  shrS8: binary('v128', 0xfd, 108),
  shrU8: binary('v128', 0xfd, 109),
  add8: binary('v128', 0xfd, 110),
  addSatS8: binary('v128', 0xfd, 111),
  addSatU8: binary('v128', 0xfd, 112),
  sub8: binary('v128', 0xfd, 113),
  subSatS8: binary('v128', 0xfd, 114),
  subSatU8: binary('v128', 0xfd, 115),
  minS8: binary('v128', 0xfd, 118),
  minU8: binary('v128', 0xfd, 119),
  maxS8: binary('v128', 0xfd, 120),
  maxU8: binary('v128', 0xfd, 121),
  avgU8: binary('v128', 0xfd, 123),
  pairwiseAdd8S: unary('v128', 0xfd, 124),
  pairwiseAdd8U: unary('v128', 0xfd, 125),
  pairwiseAdd16S: unary('v128', 0xfd, 126),
  pairwiseAdd16U: unary('v128', 0xfd, 127),
  abs16: unary('v128', 0xfd, 128),
  neg16: unary('v128', 0xfd, 129),
  q15mulrSatS16: binary('v128', 0xfd, 130),
  bitmask16: unary('i32', 0xfd, 132),
  narrow32S: binary('v128', 0xfd, 133),
  narrow32U: binary('v128', 0xfd, 134),
  extendLow8S: unary('v128', 0xfd, 135),
  extendHigh8S: unary('v128', 0xfd, 136),
  extendLow8U: unary('v128', 0xfd, 137),
  extendHigh8U: unary('v128', 0xfd, 138),
  shl16: binary('v128', 0xfd, 139),
  shrS16: binary('v128', 0xfd, 140),
  shrU16: binary('v128', 0xfd, 141),
  add16: binary('v128', 0xfd, 142),
  addSatS16: binary('v128', 0xfd, 143),
  addSatU16: binary('v128', 0xfd, 144),
  sub16: binary('v128', 0xfd, 145),
  subSatS16: binary('v128', 0xfd, 146),
  subSatU16: binary('v128', 0xfd, 147),
  mul16: binary('v128', 0xfd, 149),
  minS16: binary('v128', 0xfd, 150),
  minU16: binary('v128', 0xfd, 151),
  maxS16: binary('v128', 0xfd, 152),
  maxU16: binary('v128', 0xfd, 153),
  avgU16: binary('v128', 0xfd, 155),
  extmulLow8S: binary('v128', 0xfd, 156),
  extmulHigh8S: binary('v128', 0xfd, 157),
  extmulLow8U: binary('v128', 0xfd, 158),
  extmulHigh8U: binary('v128', 0xfd, 159),
  abs32: unary('v128', 0xfd, 160),
  neg32: unary('v128', 0xfd, 161),
  bitmask32: unary('i32', 0xfd, 164),
  extendLow16S: unary('v128', 0xfd, 167),
  extendHigh16S: unary('v128', 0xfd, 168),
  extendLow16U: unary('v128', 0xfd, 169),
  extendHigh16U: unary('v128', 0xfd, 170),
  shl32: binary('v128', 0xfd, 171),
  shrS32: binary('v128', 0xfd, 172),
  shrU32: binary('v128', 0xfd, 173),
  add32: binary('v128', 0xfd, 174),
  sub32: binary('v128', 0xfd, 177),
  mul32: binary('v128', 0xfd, 181),
  minS32: binary('v128', 0xfd, 182),
  minU32: binary('v128', 0xfd, 183),
  maxS32: binary('v128', 0xfd, 184),
  maxU32: binary('v128', 0xfd, 185),
  dot16S: binary('v128', 0xfd, 186),
  extmulLow16S: binary('v128', 0xfd, 188),
  extmulHigh16S: binary('v128', 0xfd, 189),
  extmulLow16U: binary('v128', 0xfd, 190),
  extmulHigh16U: binary('v128', 0xfd, 191),
  bitmask64: unary('i32', 0xfd, 196),
  extendLow32S: unary('v128', 0xfd, 199),
  extendHigh32S: unary('v128', 0xfd, 200),
  extendLow32U: unary('v128', 0xfd, 201),
  extendHigh32U: unary('v128', 0xfd, 202),
  shl64: binary('v128', 0xfd, 203),
  shrS64: binary('v128', 0xfd, 204),
  shrU64: binary('v128', 0xfd, 205),
  add64: binary('v128', 0xfd, 206),
  sub64: binary('v128', 0xfd, 209),
  mul64: binary('v128', 0xfd, 213),
  eq64: binary('v128', 0xfd, 214),
  ne64: binary('v128', 0xfd, 215),
  ltS64: binary('v128', 0xfd, 216),
  gtS64: binary('v128', 0xfd, 217),
  extmulLow32S: binary('v128', 0xfd, 220),
  extmulHigh32S: binary('v128', 0xfd, 221),
  extmulLow32U: binary('v128', 0xfd, 222),
  extmulHigh32U: binary('v128', 0xfd, 223),
  absF32: unary('v128', 0xfd, 224),
  negF32: unary('v128', 0xfd, 225),
  sqrtF32: unary('v128', 0xfd, 227),
  addF32: binary('v128', 0xfd, 228),
  subF32: binary('v128', 0xfd, 229),
  mulF32: binary('v128', 0xfd, 230),
  divF32: binary('v128', 0xfd, 231),
  minF32: binary('v128', 0xfd, 232),
  maxF32: binary('v128', 0xfd, 233),
  absF64: unary('v128', 0xfd, 236),
  negF64: unary('v128', 0xfd, 237),
  sqrtF64: unary('v128', 0xfd, 239),
  addF64: binary('v128', 0xfd, 240),
  subF64: binary('v128', 0xfd, 241),
  mulF64: binary('v128', 0xfd, 242),
  divF64: binary('v128', 0xfd, 243),
  minF64: binary('v128', 0xfd, 244),
  maxF64: binary('v128', 0xfd, 245),
  truncSatF32x4S: unary('v128', 0xfd, 248),
  convertI32x4S: unary('v128', 0xfd, 250),
  truncSatF64x2SZero: unary('v128', 0xfd, 252),
  convertLowI32x4S: unary('v128', 0xfd, 254),
};

/** `condition` not zero: `a`, else `b`; both are computed. */
export const select = (a: Expr, b: Expr, condition: Expr): Expr => {
  if (condition instanceof Const) return Number(condition.value) === 0 ? b : a;
  return a.type === 'v128' ? new Operation('v128', [0x1c], [a, b, condition], [1, 0x7b]) : new Operation(a.type, [0x1b], [a, b, condition]);
};
