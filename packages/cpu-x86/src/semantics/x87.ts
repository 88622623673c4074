import { type Expr, i32, i64 } from '@hotsocket/wasm-builder';
import { ENV, STATE, X87 as Unit } from '@hotsocket/x87-float';
import { type Bits, type Emitter, loadPlain, storePlain } from '../emit/emitter.js';
import { FPU_OPCODE, FPU_STORED, FSW, RAX, SCRATCH, WAIT_TRAP, X87_TRAP } from '../layout.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';
import { checkPending } from './vector-operands.js';
import {
  absolute,
  changeSign,
  duplicate,
  exchange,
  type FastMove,
  load32,
  load64,
  negated,
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

/** Register forms with a way of their own, by opcode and second byte. */
const FAST_MOVES: Readonly<Record<number, FastMove>> = {
  55744: duplicate,
  55752: exchange,
  55776: changeSign(negated),
  55777: changeSign(absolute),
  56784: storeRegister(false),
  56792: storeRegister(true),
};

const registerForm: Semantic = (x) => {
  const encoding = encodingOf(x);
  check(x, encoding);
  const exactly = (): void => {
    setOpcode(x, encoding);
    x.callHelper('x87Register');
  };
  const fast = FAST_MOVES[(encoding.opcode << 8) | encoding.modrm];
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
  if (encoding.opcode === 0xd9 && encoding.modrm === 0) load32(x, value, exactly);
  else if (encoding.opcode === 0xdd && encoding.modrm === 0) load64(x, value, exactly);
  else exactly();
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
  const pop = encoding.modrm === 3 << 3;
  if (encoding.opcode === 0xd9 && (pop || encoding.modrm === 2 << 3)) storeNumber(x, 32, pop, (value) => put(i64.wrap(value)), exactly);
  else if (encoding.opcode === 0xdd && (pop || encoding.modrm === 2 << 3)) storeNumber(x, 64, pop, put, exactly);
  else exactly();
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
  x.setGpr(RAX, i32.load16U(at(FSW)), 16);
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
