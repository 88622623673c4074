export { type Assembled, assemble } from './assemble.js';
export * from './decoded.js';
export { Decoder, type DecoderOptions } from './decoder.js';
export { disassemble, formatInstruction } from './disassemble.js';
export type { OperandSpec } from './operand.js';
export { FEATURES, type Row } from './row.js';
export { ROWS } from './rows/index.js';
