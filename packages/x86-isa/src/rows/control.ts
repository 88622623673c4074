import { insn, type RowDraft } from '../row.js';
import { CONDITIONS } from './conditions.js';

const hex = (byte: number): string => byte.toString(16).toUpperCase();

/**
 * Control transfer. `f64` on near branches is Intel's rule: 66 has no effect in 64-bit mode. (AMD truncates the target to 16 bits.)
 * CALLF, JMPF, RETF are the far forms, as in the opcode map.
 */
export const CONTROL: readonly RowDraft[] = [
  ...CONDITIONS.map((condition, n) => insn(`${hex(0x70 + n)} cb`, `J${condition} Jb`, 'branch', 'f64')),
  ...CONDITIONS.map((condition, n) => insn(`0F ${hex(0x80 + n)} cz`, `J${condition} Jz`, 'branch', 'f64')),
  insn('E0 cb', 'LOOPNE Jb', 'branch', 'f64'),
  insn('E1 cb', 'LOOPE Jb', 'branch', 'f64'),
  insn('E2 cb', 'LOOP Jb', 'branch', 'f64'),
  insn('E3 cb', 'JCXZ/JECXZ/JRCXZ Jb', 'branch', 'f64'),
  insn('E8 cz', 'CALL Jz', 'call', 'f64'),
  insn('E9 cz', 'JMP Jz', 'jump', 'f64'),
  insn('EB cb', 'JMP Jb', 'jump', 'f64'),
  insn('FF /2', 'CALL Ev', 'call', 'f64'),
  insn('FF /4', 'JMP Ev', 'jump', 'f64'),
  insn('C2 iw', 'RET Iw', 'ret', 'f64'),
  insn('C3', 'RET', 'ret', 'f64'),
  insn('9A cp', 'CALLF Ap', 'call', 'far', 'i64'),
  insn('EA cp', 'JMPF Ap', 'jump', 'far', 'i64'),
  insn('FF /3', 'CALLF Mp', 'call', 'far'),
  insn('FF /5', 'JMPF Mp', 'jump', 'far'),
  insn('CA iw', 'RETF Iw', 'ret', 'far'),
  insn('CB', 'RETF', 'ret', 'far'),
  insn('CF', 'IRET/IRETD/IRETQ', 'ret', 'far'),
  insn('CC', 'INT3', 'interrupt'),
  insn('CD ib', 'INT Ib', 'interrupt'),
  insn('CE', 'INTO', 'interrupt', 'i64'),
  insn('F1', 'INT1', 'interrupt', 'alias'),
  insn('0F 05', 'SYSCALL', 'call', 'far', 'syscall'),
  insn('0F 07', 'SYSRET', 'ret', 'far', 'priv', 'syscall'),
  insn('0F 34', 'SYSENTER', 'call', 'far', 'sep'),
  insn('0F 35', 'SYSEXIT', 'ret', 'far', 'priv', 'sep'),
  insn('62 /r', 'BOUND Gv,Ma', 'i64'),
  insn('0F 0B', 'UD2', 'ud'),
  insn('0F B9 /r', 'UD1 Gv,Ev', 'ud'),
  insn('0F FF /r', 'UD0 Gv,Ev', 'ud'),
];
