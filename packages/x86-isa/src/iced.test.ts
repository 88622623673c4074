import { Random } from '@hotsocket/testbench';
import * as iced from 'iced-x86';
import { assemble, DECODED, Decoded, Decoder, formatInstruction, type Mode, ROWS } from './index.js';

/**
 * Random byte strings against iced-x86, an independent decoder: validity, length, and the whole text, hence every operand.
 * Where both differ on purpose, the tables below say why.
 */
const STRINGS = 200_000;
const MODES: readonly Mode[] = [16, 32, 64];
const ADDRESS: Readonly<Record<Mode, bigint>> = { 16: 0x1234n, 32: 0x1234_5678n, 64: 0x7fff_fff1_2345n };
const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x64, 0x48, 0x41, 0x44, 0x4f] as const;
const BMI_OPCODES = [0xf2, 0xf3, 0xf5, 0xf6, 0xf7, 0xf0] as const;

/** CPUID features that no processor here announces: iced decodes them, we answer #UD. */
const UNANNOUNCED = new Set(
  (
    'VMX SVM SMX SGX1 OSS LKGS FRED CET_SS CET_IBT D3NOW D3NOWEXT SSE4A AESKLE AESKLE_WIDE_KL KL WIDE_KL RAO_INT PADLOCK_ACE PADLOCK_RNG PADLOCK_GMI ' +
    'PADLOCK_PHE PADLOCK_PMM PADLOCK_UNDOC ENQCMD WAITPKG GFNI AVX AVX2 AVX512F RTM HLE_or_RTM INVEPT INVVPID PTWRITE MOVDIRI MOVDIR64B ' +
    'INVLPGB XOP TSE SMM SKINIT_or_SVM RDPRU PCONFIG MONITORX CLZERO MCOMMIT SEV_SNP SEV_ES SERIALIZE UINTR TSXLDTRK HRESET MSRLIST WRMSRNS ' +
    'CL1INVMB CPUID FMA FMA4 F16C VAES VPCLMULQDQ LWP TBM AVX_VNNI AVX_IFMA AVX_NE_CONVERT AVX_VNNI_INT8 CMPCCXADD AMX_TILE AMX_INT8 AMX_BF16 AMX_FP16'
  ).split(' '),
);

/** Codes of iced that are #UD here although their feature is known. Register forms of 0F 0D: #UD on AMD, a NOP on Intel. */
const REFUSED = /_0F0D$/;

type Spelling = readonly [pattern: RegExp, text: string];
/** D0 and C0 with an immediate of 1. */
const ROTATE_BY_ONE: Spelling = [/^((rcl|rcr|rol|ror|shl|shr|sal|sar) .*),0x1$/, '$1,1'];
const NOP_EXCHANGE: Spelling = [/^xchg (e?ax),\1$/, 'nop'];

/** Text of iced → our text. All concern names or spelling, not what is executed. */
const SPELLING: readonly Spelling[] = [
  // Prefixes that iced prints and the row does not need: branch hints, BND, HLE, NOTRACK, ineffective sizes.
  [/^((bnd|data16|data32|data64|addr16|addr32|hint-taken|hint-not-taken|xacquire|xrelease|notrack|[c-gs]s) )+/, ''],
  [/^(call|jmp|ret) far/, '$1f'],
  [/^jmpf (0x\w+),(0x\w+)$/, 'jmpf $2:$1'],
  [/^callf (0x\w+),(0x\w+)$/, 'callf $2:$1'],
  // Intel syntax leaves implied registers and numbers out or not; we print the row's operands.
  [/(^(pblendvb|blendvp[sd]|sha256rnds2) .*)$/, '$1,xmm0'],
  ROTATE_BY_ONE,
  [/^xlat .*/, 'xlat'],
  [/^(maskmov\w+ \w+,\w+),[c-gs]s$/, '$1'],
  // An address without contents, or contents that depend on the mode, have no size in the text.
  [/^(clflush|clflushopt|clwb|prefetch\w*) byte ptr /, '$1 '],
  [/ (fpuenv|fpustate)\d+ ptr /, ' '],
  // SDM volume 2B: XCHG eAX,eAX is NOP.
  NOP_EXCHANGE,
  // One row for several names.
  [/^wbnoinvd/, 'wbinvd'],
  [/^sys(ret|exit)q/, 'sys$1'],
  [/^(pcmpestr[im])64/, '$1'],
  [/^prefetch\w* /, 'prefetch '],
];

/** Our text → the common form. */
const OURS: readonly Spelling[] = [[/^sal /, 'shl '], ROTATE_BY_ONE, NOP_EXCHANGE, [/^prefetch\w* /, 'prefetch ']];

/**
 * Compared without operands: reserved NOPs (iced prints ModRM.reg too, and has names for some); LEA (iced hides segments); LAR and
 * LSL (width of the selector's register); descriptor tables (iced: always fword).
 */
const MNEMONIC_ONLY = /^(nop|lea|lar|lsl|[sl]gdt|[sl]idt)\b/;

const random = new Random(0x1ced);
const byte = (): number => random.next() & 0xff;

const vexLead = (): number[] => [0xc4, (byte() & 0xe0) | (2 + random.below(2)), byte() & 0xfb, random.pick(BMI_OPCODES)];

/** The opcode of a row and usually its ModRM byte, so that all rows are reached; REX between prefix and opcode stays where it is. */
function rowLead(): number[] {
  const { bytes, opcodeEnd } = assemble(random.pick(ROWS));
  return [...bytes.subarray(0, opcodeEnd + random.below(2))];
}

const MAP_LEADS: readonly (() => number[])[] = [
  () => [],
  () => [0x0f],
  () => [0x0f],
  () => [0x0f, 0x38],
  () => [0x0f, 0x3a],
  () => [0xd8 | random.below(8)],
  vexLead,
  rowLead,
  rowLead,
  rowLead,
];

/** Prefixes, then the beginning of an opcode, then noise. Plain noise would seldom reach the three-byte maps. */
function randomInstruction(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = byte();
  const lead = Array.from({ length: Math.max(0, random.below(6) - 2) }, () => random.pick(PREFIXES));
  bytes.set([...lead, ...random.pick<() => number[]>(MAP_LEADS)()]);
}

function makeFormatter(): iced.Formatter {
  const formatter = new iced.Formatter(iced.FormatterSyntax.Intel);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  formatter.uppercaseHex = false;
  formatter.addLeadingZeroToHexNumbers = false;
  formatter.smallHexNumbersInDecimal = false;
  formatter.branchLeadingZeros = false;
  formatter.memorySizeOptions = iced.MemorySizeOptions.Always;
  formatter.ripRelativeAddresses = true;
  formatter.alwaysShowScale = true;
  formatter.usePseudoOps = false;
  formatter.showBranchSize = false;
  return formatter;
}

const respell = (text: string, table: readonly Spelling[]): string =>
  table.reduce((result, [pattern, to]) => result.replace(pattern, to), text);

/** With memory and in moves iced prints the implied ST(0) of the x87. */
const IMPLIED_TOP = /^f(?=.*\[|(ld|st|stp|stpnce|xch) )/;
const withoutTop = (text: string): string => (IMPLIED_TOP.test(text) ? text.replace(/ st,|,st$/, ' ').trim() : text);

/** String instructions: iced leaves out registers and ES. */
const isString = (insn: Decoded): boolean => insn.row.attributes.has('string');

const name = (text: string): string => text.replace(/^((lock|rep|repe|repne) )+/, '').split(' ')[0]!;
/** iced hides overrides that change nothing (DS, and SS with BP), so these two are left out on both sides. */
const canonical = (text: string): string => withoutTop(text.replace(/[ds]s:(?=\[)/, ''));

function textsAgree(insn: Decoded, theirs: string): boolean {
  const ours = respell(formatInstruction(insn, ADDRESS[insn.mode]), OURS);
  const mine = canonical(ours);
  const other = canonical(respell(theirs, SPELLING));
  if (MNEMONIC_ONLY.test(mine) || isString(insn)) return insn.row.mnemonic === 'NOP' || name(mine) === name(other);
  return mine === other.replace(/^(rep|repe|repne) /, '');
}

function isUnannounced(theirs: iced.Instruction): boolean {
  const features = [...theirs.cpuidFeatures()].map((feature) => iced.CpuidFeature[feature]!);
  return features.some((feature) => UNANNOUNCED.has(feature)) || REFUSED.test(iced.Code[theirs.code]!);
}

/** Empty if both decoders agree, or differ as the tables above allow. */
function problem(status: number, insn: Decoded, theirs: iced.Instruction, formatter: iced.Formatter): string {
  const isValid = theirs.code !== iced.Code.INVALID;
  if (status !== DECODED) return isValid && !isUnannounced(theirs) ? `refused: ${iced.Code[theirs.code]}` : '';
  if (!isValid) return `accepted: ${insn.row.opcode} ${insn.row.text}`;
  if (theirs.length !== insn.length) return `length ${insn.length}, not ${theirs.length}: ${insn.row.text}`;
  const text = formatter.format(theirs);
  if (isKnownDifference(insn, text) || textsAgree(insn, text)) return '';
  return `${formatInstruction(insn, ADDRESS[insn.mode])} / ${text}`;
}

/** F3 49 90: iced prints PAUSE; measured on an AMD EPYC (family 25) it exchanges RAX and R8. */
const isKnownDifference = (insn: Decoded, theirs: string): boolean => insn.row.opcode === '90+r' && theirs === 'pause';

function compareOne(decoder: Decoder, out: Decoded, bytes: Uint8Array, mode: Mode, formatter: iced.Formatter): string {
  const other = new iced.Decoder(mode, bytes, iced.DecoderOptions.None);
  other.ip = ADDRESS[mode];
  const theirs = other.decode();
  const status = decoder.decode(bytes, 0, bytes.length, mode, out);
  const text = problem(status, out, theirs, formatter);
  theirs.free();
  other.free();
  return text && `${mode}-bit ${Buffer.from(bytes).toString('hex')}: ${text}`;
}

function compareMany(): { problems: string[]; reached: Set<number> } {
  const decoder = new Decoder();
  const out = new Decoded();
  const bytes = new Uint8Array(18);
  const formatter = makeFormatter();
  const problems: string[] = [];
  const reached = new Set<number>();
  for (let n = 0; n < STRINGS && problems.length < 40; n++) {
    randomInstruction(bytes);
    const text = compareOne(decoder, out, bytes, MODES[n % 3]!, formatter);
    if (text) problems.push(text);
    reached.add(out.row.id);
  }
  return { problems, reached };
}

describe('random byte strings', () => {
  it('decode like iced-x86: same validity, length and operands', () => {
    const { problems, reached } = compareMany();
    expect(problems).toEqual([]);
    expect(ROWS.filter((row) => !reached.has(row.id)).map((row) => row.text)).toEqual([]);
  });
});
