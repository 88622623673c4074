import type { Cpu, HelperFunction } from '../cpu.js';
import { SSE_SOURCE, XMM } from '../layout.js';

// ------------------------------------------------------------------ AES (FIPS 197)

/** Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
const doubled = (value: number): number => ((value << 1) ^ (value & 0x80 ? 0x1b : 0)) & 0xff;

function multiplied(a: number, b: number): number {
  let product = 0;
  for (let left = a, bits = b; bits !== 0; bits >>= 1, left = doubled(left)) if (bits & 1) product ^= left;
  return product;
}

const rotated8 = (value: number, by: number): number => ((value << by) | (value >> (8 - by))) & 0xff;

/** S-box: inverse in the field, then an affine transformation (FIPS 197, 5.1.1). */
function makeSbox(): Uint8Array {
  const box = new Uint8Array(256);
  for (let p = 1, q = 1, n = 0; n < 255; n++) {
    box[p] = q ^ rotated8(q, 1) ^ rotated8(q, 2) ^ rotated8(q, 3) ^ rotated8(q, 4) ^ 0x63;
    p = multiplied(p, 3);
    q = multiplied(q, 0xf6);
  }
  box[0] = 0x63;
  return box;
}

const SBOX = makeSbox();
const INVERSE_SBOX = Uint8Array.from({ length: 256 }, (_, value) => SBOX.indexOf(value));
const BY_2 = Uint8Array.from({ length: 256 }, (_, n) => multiplied(n, 2));
const BY_3 = Uint8Array.from({ length: 256 }, (_, n) => multiplied(n, 3));
const BY_9 = Uint8Array.from({ length: 256 }, (_, n) => multiplied(n, 9));
const BY_11 = Uint8Array.from({ length: 256 }, (_, n) => multiplied(n, 11));
const BY_13 = Uint8Array.from({ length: 256 }, (_, n) => multiplied(n, 13));
const BY_14 = Uint8Array.from({ length: 256 }, (_, n) => multiplied(n, 14));
const state = new Uint8Array(16);
const mixed = new Uint8Array(16);

/** ShiftRows takes byte n, which is in row n mod 4, from so many columns of 4 further on, times the row; backwards for the inverse. */
const FORWARD = 4;
const BACKWARD = 12;
type Direction = typeof FORWARD | typeof BACKWARD;

/** state ← ShiftRows and SubBytes of the register at `from`. */
function substitute(u8: Uint8Array, from: number, box: Uint8Array, direction: Direction): void {
  for (let n = 0; n < 16; n++) state[n] = box[u8[from + ((n + (n & 3) * direction) & 15)]!]!;
}

function mixColumns(input: Uint8Array): void {
  for (let c = 0; c < 16; c += 4) {
    const [a, b, d, e] = [input[c]!, input[c + 1]!, input[c + 2]!, input[c + 3]!];
    mixed[c] = BY_2[a]! ^ BY_3[b]! ^ d ^ e;
    mixed[c + 1] = a ^ BY_2[b]! ^ BY_3[d]! ^ e;
    mixed[c + 2] = a ^ b ^ BY_2[d]! ^ BY_3[e]!;
    mixed[c + 3] = BY_3[a]! ^ b ^ d ^ BY_2[e]!;
  }
}

function unmixColumns(input: Uint8Array): void {
  for (let c = 0; c < 16; c += 4) {
    const [a, b, d, e] = [input[c]!, input[c + 1]!, input[c + 2]!, input[c + 3]!];
    mixed[c] = BY_14[a]! ^ BY_11[b]! ^ BY_13[d]! ^ BY_9[e]!;
    mixed[c + 1] = BY_9[a]! ^ BY_14[b]! ^ BY_11[d]! ^ BY_13[e]!;
    mixed[c + 2] = BY_13[a]! ^ BY_9[b]! ^ BY_14[d]! ^ BY_11[e]!;
    mixed[c + 3] = BY_11[a]! ^ BY_13[b]! ^ BY_9[d]! ^ BY_14[e]!;
  }
}

/** Destination ← block xor round key. */
function addRoundKey(cpu: Cpu, record: number, block: Uint8Array): undefined {
  const { u8 } = cpu.memory;
  const [to, key] = [cpu.reg(record), cpu.get32(SSE_SOURCE)];
  for (let n = 0; n < 16; n++) u8[to + n] = block[n]! ^ u8[key + n]!;
  return undefined;
}

const round =
  (box: Uint8Array, direction: Direction, mix?: (input: Uint8Array) => void): HelperFunction =>
  (cpu, record) => {
    substitute(cpu.memory.u8, cpu.reg(record), box, direction);
    mix?.(state);
    return addRoundKey(cpu, record, mix ? mixed : state);
  };

const inverseMix: HelperFunction = (cpu, record) => {
  const source = cpu.get32(SSE_SOURCE);
  unmixColumns(cpu.memory.u8.subarray(source, source + 16));
  cpu.memory.u8.set(mixed, cpu.reg(record));
  return undefined;
};

function substituteWord(word: number): number {
  const byte = (n: number): number => SBOX[(word >>> (8 * n)) & 0xff]! << (8 * n);
  return byte(0) | byte(1) | byte(2) | byte(3);
}

const keyAssist: HelperFunction = (cpu, record) => {
  const source = cpu.get32(SSE_SOURCE);
  const to = cpu.reg(record);
  const constant = cpu.immediate(record) & 0xff;
  const [x1, x3] = [substituteWord(cpu.get32(source + 4)), substituteWord(cpu.get32(source + 12))];
  cpu.set32(to, x1);
  cpu.set32(to + 4, rotatedRight(x1, 8) ^ constant);
  cpu.set32(to + 8, x3);
  cpu.set32(to + 12, rotatedRight(x3, 8) ^ constant);
  return undefined;
};

// ------------------------------------------------------------------ SHA (FIPS 180-4)

const rotatedRight = (value: number, by: number): number => (value >>> by) | (value << (32 - by));
const rotatedLeft = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** Doublewords of a register from the highest (index 0) down, as the SHA-1 instructions number them. */
const fromTop = (cpu: Cpu, address: number): number[] => [12, 8, 4, 0].map((offset) => cpu.get32(address + offset));
const upwards = (cpu: Cpu, address: number): number[] => [0, 4, 8, 12].map((offset) => cpu.get32(address + offset));

function put(cpu: Cpu, address: number, words: readonly number[]): undefined {
  words.forEach((word, n) => void cpu.set32(address + 4 * n, word));
  return undefined;
}

const sha1NextE: HelperFunction = (cpu, record) => {
  const to = cpu.reg(record);
  const source = upwards(cpu, cpu.get32(SSE_SOURCE));
  return put(cpu, to, [source[0]!, source[1]!, source[2]!, source[3]! + rotatedLeft(cpu.get32(to + 12), 30)]);
};

const sha1Message1: HelperFunction = (cpu, record) => {
  const to = cpu.reg(record);
  const [w0, w1, w2, w3] = fromTop(cpu, to) as [number, number, number, number];
  const [w4, w5] = fromTop(cpu, cpu.get32(SSE_SOURCE)) as [number, number];
  return put(cpu, to, [w5 ^ w3, w4 ^ w2, w3 ^ w1, w2 ^ w0]);
};

const sha1Message2: HelperFunction = (cpu, record) => {
  const to = cpu.reg(record);
  const a = fromTop(cpu, to);
  const [, w13, w14, w15] = fromTop(cpu, cpu.get32(SSE_SOURCE));
  const w16 = rotatedLeft(a[0]! ^ w13!, 1);
  const w17 = rotatedLeft(a[1]! ^ w14!, 1);
  const w18 = rotatedLeft(a[2]! ^ w15!, 1);
  const w19 = rotatedLeft(a[3]! ^ w16, 1);
  return put(cpu, to, [w19, w18, w17, w16]);
};

const SHA1_CONSTANTS = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6] as const;

function sha1Function(kind: number, b: number, c: number, d: number): number {
  if (kind === 0) return (b & c) ^ (~b & d);
  return kind === 2 ? (b & c) ^ (b & d) ^ (c & d) : b ^ c ^ d;
}

/** Four rounds; the first word of the message has E added. */
const sha1Rounds: HelperFunction = (cpu, record) => {
  const to = cpu.reg(record);
  const kind = cpu.immediate(record) & 3;
  const words = fromTop(cpu, cpu.get32(SSE_SOURCE));
  let [a, b, c, d] = fromTop(cpu, to) as [number, number, number, number];
  let e = 0;
  for (const word of words) {
    const next = (sha1Function(kind, b, c, d) + rotatedLeft(a, 5) + word + e + SHA1_CONSTANTS[kind]!) | 0;
    [a, b, c, d, e] = [next, a, rotatedLeft(b, 30), c, d];
  }
  return put(cpu, to, [d, c, b, a]);
};

const sigma0 = (w: number): number => rotatedRight(w, 7) ^ rotatedRight(w, 18) ^ (w >>> 3);
const sigma1 = (w: number): number => rotatedRight(w, 17) ^ rotatedRight(w, 19) ^ (w >>> 10);
const sum0 = (a: number): number => rotatedRight(a, 2) ^ rotatedRight(a, 13) ^ rotatedRight(a, 22);
const sum1 = (e: number): number => rotatedRight(e, 6) ^ rotatedRight(e, 11) ^ rotatedRight(e, 25);

const sha256Message1: HelperFunction = (cpu, record) => {
  const to = cpu.reg(record);
  const w = [...upwards(cpu, to), cpu.get32(cpu.get32(SSE_SOURCE))];
  return put(
    cpu,
    to,
    [0, 1, 2, 3].map((n) => w[n]! + sigma0(w[n + 1]!)),
  );
};

const sha256Message2: HelperFunction = (cpu, record) => {
  const to = cpu.reg(record);
  const a = upwards(cpu, to);
  const source = cpu.get32(SSE_SOURCE);
  const w16 = (a[0]! + sigma1(cpu.get32(source + 8))) | 0;
  const w17 = (a[1]! + sigma1(cpu.get32(source + 12))) | 0;
  return put(cpu, to, [w16, w17, a[2]! + sigma1(w16), a[3]! + sigma1(w17)]);
};

/** Two rounds on ABEF (source) and CDGH (destination), words and constants in XMM0. */
const sha256Rounds: HelperFunction = (cpu, record) => {
  const to = cpu.reg(record);
  let [a, b, e, f] = fromTop(cpu, cpu.get32(SSE_SOURCE)) as [number, number, number, number];
  let [c, d, g, h] = fromTop(cpu, to) as [number, number, number, number];
  for (const word of [cpu.get32(XMM), cpu.get32(XMM + 4)]) {
    const first = (h + sum1(e) + ((e & f) ^ (~e & g)) + word) | 0;
    const second = (sum0(a) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  return put(cpu, to, [f, e, b, a]);
};

export const CRYPTO_HELPERS: Readonly<Record<string, HelperFunction>> = {
  AESENC: round(SBOX, FORWARD, mixColumns),
  AESENCLAST: round(SBOX, FORWARD),
  AESDEC: round(INVERSE_SBOX, BACKWARD, unmixColumns),
  AESDECLAST: round(INVERSE_SBOX, BACKWARD),
  AESIMC: inverseMix,
  AESKEYGENASSIST: keyAssist,
  SHA1NEXTE: sha1NextE,
  SHA1MSG1: sha1Message1,
  SHA1MSG2: sha1Message2,
  SHA1RNDS4: sha1Rounds,
  SHA256RNDS2: sha256Rounds,
  SHA256MSG1: sha256Message1,
  SHA256MSG2: sha256Message2,
};
