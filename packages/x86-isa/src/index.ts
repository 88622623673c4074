export * from './decoded.js';
export { Decoder, type DecoderOptions } from './decoder.js';
export type { OperandSpec } from './operand.js';
export { FEATURES, type Row } from './row.js';
export { ROWS } from './rows/index.js';
