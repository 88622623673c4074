import { type OperandSpec, parseOperand } from './operand.js';

/** One encoding of one instruction. */
export interface Row {
  /** Index in `ROWS`. */
  readonly id: number;
  /** Encoding in the manual's notation, for example `66 0F 3A 0F /r ib`. */
  readonly opcode: string;
  /** Instruction as the opcode map prints it, for example `ADD Eb,Ib`. */
  readonly text: string;
  /** First mnemonic: `CBW` for `CBW/CWDE/CDQE`, `MOVS` for MOVSB, MOVSW, MOVSD, MOVSQ. */
  readonly mnemonic: string;
  readonly operands: readonly OperandSpec[];
  readonly attributes: ReadonlySet<string>;
  /** CPUID feature that announces it, if it is not in every x86-64 processor's integer set. */
  readonly feature: string | undefined;
  /** What the same bytes mean to a processor without `feature`, if not #UD. */
  readonly fallback: Row | undefined;
  /** Name of the file in `rows/`. */
  readonly family: string;
}

/** A row before it has a number. */
export type RowDraft = Omit<Row, 'id' | 'fallback' | 'family'>;

/**
 * What a row may say after its operands.
 * `lock`: LOCK allowed with a memory destination. `o64`: operand size 64 by default in 64-bit mode, 16 with 66. `f64`: always 64 there.
 * `i64`: #UD in 64-bit mode. `only64`: only in 64-bit mode. `rep`: F2 or F3 repeat by count; `repz`: by count and ZF. `priv`: CPL 0 only.
 * `jump` `branch` `call` `ret`: control flow; `far` with one of them: loads CS; `interrupt`: software interrupts. `string`: the disassembler
 * adds the size letter. `falls-back`: without `feature`, the row of the same opcode without mandatory prefix. `alias`: undocumented second
 * encoding. `ud`: defined to raise #UD.
 */
export const ATTRIBUTES: ReadonlySet<string> = new Set(
  'lock o64 f64 i64 only64 rep repz priv jump branch call ret far interrupt string falls-back alias ud vex'.split(' '),
);

/** CPUID features that rows name. Those of SSE and later have the usual short names. */
export const FEATURES: ReadonlySet<string> = new Set(
  (
    'fpu tsc msr cx8 sep cmov clflush mmx fxsr sse sse2 sse3 ssse3 sse41 sse42 syscall rdtscp lm lahf cx16 popcnt lzcnt movbe aes pclmulqdq ' +
    'sha bmi1 bmi2 adx rdrand rdseed fsgsbase invpcid smap xsave xsaveopt xsavec xsaves monitor clflushopt clwb rdpid pku prefetchw'
  ).split(' '),
);

/**
 * Writes one row: encoding, text, attributes and at most one feature.
 * Throws `SyntaxError` for an unknown attribute or operand, so that a mistake is found when the module loads.
 */
export function insn(opcode: string, text: string, ...words: string[]): RowDraft {
  const features = words.filter((word) => FEATURES.has(word));
  const attributes = new Set(words.filter((word) => !FEATURES.has(word)));
  if (opcode.startsWith('VEX')) attributes.add('vex');
  for (const word of attributes) if (!ATTRIBUTES.has(word)) throw new SyntaxError(`${opcode}: unknown attribute '${word}'`);
  if (features.length > 1) throw new SyntaxError(`${opcode}: more than one feature`);
  const [names = '', operandText] = text.split(' ');
  const operands = operandText ? operandText.split(',').map(parseOperand) : [];
  return { opcode, text, mnemonic: names.split('/')[0]!, operands, attributes, feature: features[0] };
}
