import { i32, i64, select, v128 } from '@hotsocket/wasm-builder';
import type { Semantic, SemanticTable } from './semantic.js';
import { checkSse, imm8, setXmm, sseSource, xmm } from './vector-operands.js';

/** AES and SHA are helpers' work on a 16-byte source, which SHA takes from any address. */
const viaHelper =
  (name: string): Semantic =>
  (x) => {
    checkSse(x);
    sseSource(x, 1, 128, name.startsWith('SHA'));
    x.callHelper(name);
  };

/** PCLMULQDQ: immediate bits 0 and 4 choose the quadwords; shifts and exclusive ors, one bit of the source at a time. */
const carrylessMultiply: Semantic = (x) => {
  checkSse(x);
  const { f } = x;
  const b = xmm(x, 1);
  const a = xmm(x, 0);
  const immediate = imm8(x);
  const factor = x.let(select(v128.lane64(a, 1), v128.lane64(a, 0), i32.and(immediate, i32.const(1))));
  const [bits, low, high, at] = [f.temporary('i64'), f.temporary('i64'), f.temporary('i64'), f.temporary('i64')];
  f.set(bits, select(v128.lane64(b, 1), v128.lane64(b, 0), i32.and(immediate, i32.const(16))));
  f.set(low, i64.const(0));
  f.set(high, i64.const(0));
  const done = f.block();
  const again = f.loop();
  f.brIf(done, i64.eqz(f.get(bits)));
  f.set(at, i64.ctz(f.get(bits)));
  f.set(low, i64.xor(f.get(low), i64.shl(factor, f.get(at))));
  f.set(high, i64.xor(f.get(high), i64.shrU(i64.shrU(factor, i64.const(1)), i64.sub(i64.const(63), f.get(at)))));
  f.set(bits, i64.and(f.get(bits), i64.sub(f.get(bits), i64.const(1))));
  f.br(again);
  f.end();
  f.end();
  setXmm(x, 0, v128.replace64(v128.splat64(f.get(low)), 1, f.get(high)));
};

const NAMES =
  'AESIMC AESENC AESENCLAST AESDEC AESDECLAST AESKEYGENASSIST SHA1NEXTE SHA1MSG1 SHA1MSG2 SHA1RNDS4 SHA256RNDS2 SHA256MSG1 SHA256MSG2';

export const CRYPTO: SemanticTable = {
  ...Object.fromEntries(NAMES.split(' ').map((name) => [name, viaHelper(name)])),
  PCLMULQDQ: carrylessMultiply,
};
