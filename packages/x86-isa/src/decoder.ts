import type { Decoded, DecodeStatus, Mode } from './decoded.js';
import { INVALID } from './decoded.js';
import type { Row } from './row.js';

export interface DecoderOptions {
  /** Asked once per row at construction: true for a row whose feature is not announced. Its fallback is used, or #UD. */
  isInvalid?: (row: Row) => boolean;
}

export class Decoder {
  constructor(_options?: DecoderOptions) {
    void _options;
  }
  decode(_bytes: Uint8Array, _start: number, _end: number, _mode: Mode, _out: Decoded): DecodeStatus {
    return INVALID;
  }
}
