import { insn, type RowDraft } from '../row.js';

/** The eight operations of the classic arithmetic block, in opcode order: 00, 08, 10 … 38 and group 1. */
const CLASSIC = ['ADD', 'OR', 'ADC', 'SBB', 'AND', 'SUB', 'XOR', 'CMP'] as const;

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

/** The six plain encodings and the four of group 1. CMP has no destination, so no LOCK. */
function classic(name: string, n: number): RowDraft[] {
  const lock = name === 'CMP' ? [] : ['lock'];
  const at = (low: number): string => hex((n << 3) | low);
  return [
    insn(`${at(0)} /r`, `${name} Eb,Gb`, ...lock),
    insn(`${at(1)} /r`, `${name} Ev,Gv`, ...lock),
    insn(`${at(2)} /r`, `${name} Gb,Eb`),
    insn(`${at(3)} /r`, `${name} Gv,Ev`),
    insn(`${at(4)} ib`, `${name} AL,Ib`),
    insn(`${at(5)} iz`, `${name} rAX,Iz`),
    insn(`80 /${n} ib`, `${name} Eb,Ib`, ...lock),
    insn(`81 /${n} iz`, `${name} Ev,Iz`, ...lock),
    insn(`82 /${n} ib`, `${name} Eb,Ib`, 'i64', 'alias', ...lock),
    insn(`83 /${n} ib`, `${name} Ev,Ibs`, ...lock),
  ];
}

export const ALU: readonly RowDraft[] = [
  ...CLASSIC.flatMap(classic),
  insn('40+r', 'INC Zv', 'i64'),
  insn('48+r', 'DEC Zv', 'i64'),
  insn('FE /0', 'INC Eb', 'lock'),
  insn('FE /1', 'DEC Eb', 'lock'),
  insn('FF /0', 'INC Ev', 'lock'),
  insn('FF /1', 'DEC Ev', 'lock'),
  insn('84 /r', 'TEST Eb,Gb'),
  insn('85 /r', 'TEST Ev,Gv'),
  insn('A8 ib', 'TEST AL,Ib'),
  insn('A9 iz', 'TEST rAX,Iz'),
  insn('F6 /0 ib', 'TEST Eb,Ib'),
  insn('F6 /1 ib', 'TEST Eb,Ib', 'alias'),
  insn('F7 /0 iz', 'TEST Ev,Iz'),
  insn('F7 /1 iz', 'TEST Ev,Iz', 'alias'),
  insn('F6 /2', 'NOT Eb', 'lock'),
  insn('F7 /2', 'NOT Ev', 'lock'),
  insn('F6 /3', 'NEG Eb', 'lock'),
  insn('F7 /3', 'NEG Ev', 'lock'),
  insn('F6 /4', 'MUL Eb'),
  insn('F7 /4', 'MUL Ev'),
  insn('F6 /5', 'IMUL Eb'),
  insn('F7 /5', 'IMUL Ev'),
  insn('F6 /6', 'DIV Eb'),
  insn('F7 /6', 'DIV Ev'),
  insn('F6 /7', 'IDIV Eb'),
  insn('F7 /7', 'IDIV Ev'),
  insn('0F AF /r', 'IMUL Gv,Ev'),
  insn('69 /r iz', 'IMUL Gv,Ev,Iz'),
  insn('6B /r ib', 'IMUL Gv,Ev,Ibs'),
  insn('98', 'CBW/CWDE/CDQE'),
  insn('99', 'CWD/CDQ/CQO'),
  insn('27', 'DAA', 'i64'),
  insn('2F', 'DAS', 'i64'),
  insn('37', 'AAA', 'i64'),
  insn('3F', 'AAS', 'i64'),
  insn('D4 ib', 'AAM Ib', 'i64'),
  insn('D5 ib', 'AAD Ib', 'i64'),
  insn('0F C0 /r', 'XADD Eb,Gb', 'lock'),
  insn('0F C1 /r', 'XADD Ev,Gv', 'lock'),
  insn('0F B0 /r', 'CMPXCHG Eb,Gb', 'lock'),
  insn('0F B1 /r', 'CMPXCHG Ev,Gv', 'lock'),
  insn('0F C7 /1', 'CMPXCHG8B Mq', 'lock', 'cx8'),
  insn('REX.W 0F C7 /1', 'CMPXCHG16B Mdq', 'lock', 'cx16'),
  insn('66 0F 38 F6 /r', 'ADCX Gy,Ey', 'adx'),
  insn('F3 0F 38 F6 /r', 'ADOX Gy,Ey', 'adx'),
];
