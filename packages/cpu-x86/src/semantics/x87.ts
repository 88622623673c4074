import { type Expr, i32, i64 } from '@hotsocket/wasm-builder';
import { ENV, STATE, X87 as Unit } from '@hotsocket/x87-float';
import { type Bits, type Emitter, loadPlain, storePlain } from '../emit/emitter.js';
import { FCW, FPU_OPCODE, FPU_STORED, FSW, RAX, SCRATCH, WAIT_TRAP, X87_TRAP } from '../layout.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';
import { checkPending } from './vector-operands.js';
import {
  arithmeticMemory,
  arithmeticOf,
  compareOf,
  compareToFlags,
  loadControl,
  loadInteger,
  moveIf,
  pushConstant,
  rotated,
  squareRoot,
  storeInteger,
} from './x87-arithmetic.js';
import {
  absolute,
  changeSign,
  duplicate,
  exchange,
  expanded32,
  expanded64,
  type FastMove,
  negated,
  pushed,
  storeNumber,
  storeRegister,
} from './x87-moves.js';

const at = (address: number): Expr => i32.const(address);

/** First byte, and second byte or ModRM.reg, of a row such as `D8 /4` or `DB E8+i`. */
interface Encoding {
  readonly opcode: number;
  /** ModRM of a register form, its rm 0 where it names ST(i); of a memory form reg << 3. */
  readonly modrm: number;
  readonly indexed: boolean;
}

function encodingOf(x: Emitter): Encoding {
  const [first = '', second = ''] = x.shape.row.opcode.split(' ');
  const opcode = Number.parseInt(first, 16);
  if (second.startsWith('/')) return { opcode, modrm: Number(second[1]) << 3, indexed: false };
  return { opcode, modrm: Number.parseInt(second, 16), indexed: second.endsWith('+i') };
}

/** #NM, then #MF if the instruction waits for pending exceptions. */
function check(x: Emitter, { opcode, modrm }: Encoding): void {
  x.checkTrap(X87_TRAP);
  if (Unit.waits(opcode, modrm)) checkPending(x);
}

/** Leaves opcode and ModRM for the helper; the record holds the i of ST(i) in the place of a register's address. */
function setOpcode(x: Emitter, { opcode, modrm, indexed }: Encoding): void {
  const fixed = i32.const((opcode << 8) | modrm);
  x.f.store('i32', at(FPU_OPCODE), indexed ? i32.or(fixed, x.registerAddress(0)) : fixed);
}

const key = (opcode: number, modrm: number): number => (opcode << 8) | modrm;

/** FCMOVcc by the first byte: B, E, BE, U for DA and their opposites for DB, as condition codes. */
const CONDITIONAL: ReadonlyMap<number, FastMove> = new Map(
  [2, 4, 6, 10].flatMap((condition, n) => [
    [key(0xda, 0xc0 + 8 * n), moveIf(condition)],
    [key(0xdb, 0xc0 + 8 * n), moveIf(condition + 1)],
  ]),
);

const ARITHMETIC: ReadonlyMap<number, FastMove> = new Map(
  [0xd8, 0xdc, 0xde].flatMap((opcode) => [0, 1, 2, 3, 4, 5, 6, 7].map((reg) => [key(opcode, 0xc0 + 8 * reg), arithmeticOf(opcode, reg)])),
);

/** Register forms with a way of their own, by opcode and second byte. */
const FAST_FORMS: ReadonlyMap<number, FastMove> = new Map([
  ...ARITHMETIC,
  ...CONDITIONAL,
  [key(0xd9, 0xfa), squareRoot],
  [key(0xd9, 0xc0), duplicate],
  [key(0xd9, 0xc8), exchange],
  [key(0xd9, 0xe0), changeSign(negated)],
  [key(0xd9, 0xe1), changeSign(absolute)],
  [key(0xd9, 0xe8), pushConstant(-0x8000_0000_0000_0000n, 0x3fff)],
  [key(0xd9, 0xee), pushConstant(0n, 0)],
  [key(0xd9, 0xf6), rotated(-1)],
  [key(0xd9, 0xf7), rotated(1)],
  [key(0xda, 0xe9), compareOf(2, 1)],
  [key(0xdb, 0xe8), compareToFlags(0)],
  [key(0xdb, 0xf0), compareToFlags(0)],
  [key(0xdd, 0xd0), storeRegister(false)],
  [key(0xdd, 0xd8), storeRegister(true)],
  [key(0xdd, 0xe0), compareOf(0)],
  [key(0xdd, 0xe8), compareOf(1)],
  [key(0xde, 0xd9), compareOf(2, 1)],
  [key(0xdf, 0xe8), compareToFlags(1)],
  [key(0xdf, 0xf0), compareToFlags(1)],
]);

const registerForm: Semantic = (x) => {
  const encoding = encodingOf(x);
  check(x, encoding);
  const exactly = (): void => {
    setOpcode(x, encoding);
    x.callHelper('x87Register');
  };
  const fast = FAST_FORMS.get(key(encoding.opcode, encoding.modrm));
  if (fast) fast(x, exactly);
  else exactly();
};

/** Loads of 2, 4 and 8 bytes are inline; the unit computes on a copy. */
function loadForm(x: Emitter, encoding: Encoding, bytes: number): void {
  const bits = (bytes * 8) as Bits;
  const value = x.load(x.linear(bytes, false), bits);
  const exactly = (): void => {
    storePlain(x.f, bits, at(SCRATCH), value);
    setOpcode(x, encoding);
    x.callHelper('x87Memory');
  };
  loadFast(x, encoding, value, bits, exactly);
}

/** Integers, doubles, singles and their arithmetic, FLDCW. */
function loadFast(x: Emitter, { opcode, modrm }: Encoding, value: Expr, bits: Bits, exactly: () => void): void {
  const reg = modrm >> 3;
  if ((opcode & 1) === 0) arithmeticMemory(x, opcode, reg, value, exactly);
  else if (opcode === 0xd9 && reg === 5) loadControl(x, value, exactly);
  else if (opcode === 0xd9) pushed(x, expanded32(x, value), exactly);
  else if (opcode === 0xdd) pushed(x, expanded64(x, value), exactly);
  else loadInteger(x, value, bits, exactly);
}

/** The destination is checked for writing before the unit changes anything; an unmasked exception stores nothing. */
function storeForm(x: Emitter, encoding: Encoding, bytes: number): void {
  const bits = (bytes * 8) as Bits;
  const host = x.let(x.hostForModify(x.linear(bytes, true), bits));
  const put = (value: Expr): void => {
    storePlain(x.f, bits, host, value);
    x.commit(host, bytes);
  };
  const exactly = (): void => {
    setOpcode(x, encoding);
    x.callHelper('x87Memory');
    x.f.if(i32.load(at(FPU_STORED)), () => put(loadPlain(bits, at(SCRATCH))));
  };
  storeFast(x, encoding, bits, put, exactly);
}

/** Numbers, integers, and the two words. */
function storeFast(x: Emitter, { opcode, modrm }: Encoding, bits: Bits, put: (value: Expr) => void, exactly: () => void): void {
  const reg = modrm >> 3;
  const narrow = (value: Expr): void => put(bits === 64 ? value : i64.wrap(value));
  if (reg === 7 && bits === 16) return put(opcode === 0xd9 ? i32.load16U(at(FCW)) : x.fpuWord(FSW));
  const pop = reg !== 2;
  if (opcode === 0xdb || opcode === 0xdf || reg === 1) return storeInteger(x, { bits, truncates: reg === 1, pop }, narrow, exactly);
  storeNumber(x, bits as 32 | 64, pop, narrow, exactly);
}

const memoryForm: Semantic = (x) => {
  const encoding = encodingOf(x);
  const reg = encoding.modrm >> 3;
  check(x, encoding);
  const loaded = Unit.loadBytes(encoding.opcode, reg);
  const stored = Unit.storeBytes(encoding.opcode, reg);
  const bytes = Math.max(loaded, stored);
  if (bytes === 10 || bytes === ENV || bytes === STATE) return wideForm(x, encoding);
  if (stored > 0) storeForm(x, encoding, stored);
  else loadForm(x, encoding, loaded);
};

/** 80-bit operands and whole environments: the helper moves them, too. */
function wideForm(x: Emitter, encoding: Encoding): void {
  setOpcode(x, encoding);
  x.callHelper('x87Wide');
}

const anyForm: Semantic = (x) => (x.shape.row.opcode.includes('/') ? memoryForm(x) : registerForm(x));

/** FNSTSW AX; the memory form is like other stores. */
const storeStatus: Semantic = (x) => {
  if (x.shape.row.opcode.includes('/')) return memoryForm(x);
  x.checkTrap(X87_TRAP);
  x.setGpr(RAX, x.fpuWord(FSW), 16);
};

const wait: Semantic = (x) => {
  x.checkTrap(WAIT_TRAP);
  checkPending(x);
};

const names = (text: string): SemanticTable => Object.fromEntries(text.split(' ').map((name) => [name, anyForm]));

export const X87: SemanticTable = {
  ...names(
    'FADD FIADD FMUL FIMUL FCOM FICOM FCOMP FICOMP FSUB FISUB FSUBR FISUBR FDIV FIDIV FDIVR FIDIVR FADDP FMULP FSUBRP FSUBP FDIVRP FDIVP',
  ),
  ...names('FLD FST FSTP FILD FISTTP FIST FISTP FBLD FBSTP FXCH FFREE FFREEP FSTPNCE'),
  ...names('FCMOVB FCMOVE FCMOVBE FCMOVU FCMOVNB FCMOVNE FCMOVNBE FCMOVNU'),
  ...names('FUCOMPP FCOMPP FUCOM FUCOMP FUCOMI FCOMI FUCOMIP FCOMIP FNOP FCHS FABS FTST FXAM'),
  ...names('FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ F2XM1 FYL2X FPTAN FPATAN FXTRACT FPREM1 FDECSTP FINCSTP FPREM'),
  ...names('FYL2XP1 FSQRT FSINCOS FRNDINT FSCALE FSIN FCOS'),
  ...names('FLDENV FLDCW FNSTENV FNSTCW FRSTOR FNSAVE FNCLEX FNINIT FNENI FNDISI FNSETPM'),
  FNSTSW: storeStatus,
  FWAIT: wait,
  FXSAVE: helper('fxsave'),
  FXSAVE64: helper('fxsave64'),
  FXRSTOR: helper('fxrstor'),
  FXRSTOR64: helper('fxrstor64'),
  XSAVE: helper('xsave'),
  XSAVE64: helper('xsave64'),
  XSAVEOPT: helper('xsave'),
  XSAVEOPT64: helper('xsave64'),
  XSAVEC: helper('xsavec'),
  XSAVEC64: helper('xsavec64'),
  XSAVES: helper('xsaves'),
  XSAVES64: helper('xsaves64'),
  XRSTOR: helper('xrstor'),
  XRSTOR64: helper('xrstor64'),
  XRSTORS: helper('xrstors'),
  XRSTORS64: helper('xrstors64'),
};
