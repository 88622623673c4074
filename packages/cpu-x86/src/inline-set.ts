import type { Handler } from './handler-table.js';
import { isHelper } from './semantics/semantic.js';

/** Instructions that kernels and programs execute most; their forms of 8, 32 and 64 bits are part of the interpreter's main function. */
const FREQUENT: ReadonlySet<string> = new Set(
  (
    'MOV MOVZX MOVSX MOVSXD LEA ADD SUB CMP TEST AND OR XOR INC DEC SHL SHR SAR PUSH POP CALL RET JMP NOP IMUL NEG NOT ADC SBB BT BSWAP ' +
    'JO JNO JB JAE JE JNE JBE JA JS JNS JP JNP JL JGE JLE JG CMOVB CMOVAE CMOVE CMOVNE CMOVBE CMOVA CMOVS CMOVNS CMOVL CMOVGE CMOVLE CMOVG ' +
    'SETB SETAE SETE SETNE SETBE SETA ROL ROR LEAVE'
  ).split(' '),
);

/** True when the handler's code stands in the main function. */
export function isInline({ shape, semantic }: Handler): boolean {
  if (isHelper(semantic) || !FREQUENT.has(shape.row.mnemonic)) return false;
  const special = shape.operands.some((operand) => operand.kind === 'register' && operand.file !== 'gpr');
  return !special && shape.operandBytes !== 2;
}
