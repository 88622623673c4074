import type { Semantic, SemanticTable } from './semantic.js';
import { checkSse, sseSource } from './vector-operands.js';

/** AES, carry-less multiplication and SHA are helpers' work on a 16-byte source. */
const viaHelper =
  (name: string): Semantic =>
  (x) => {
    checkSse(x);
    sseSource(x, 1, 128, name.startsWith('SHA'));
    x.callHelper(name);
  };

const NAMES =
  'AESIMC AESENC AESENCLAST AESDEC AESDECLAST AESKEYGENASSIST PCLMULQDQ SHA1NEXTE SHA1MSG1 SHA1MSG2 SHA1RNDS4 SHA256RNDS2 SHA256MSG1 SHA256MSG2';

export const CRYPTO: SemanticTable = Object.fromEntries(NAMES.split(' ').map((name) => [name, viaHelper(name)]));
