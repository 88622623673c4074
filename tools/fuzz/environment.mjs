/** The memory that programs run in, in the shape of a vector file's header, and the state they start from. */
import { generator } from './random.mjs';

const PAGE = 0x1000;
/** Code; data with a page that can only be read behind it; the page of GS; the stack; a place that 16-bit addresses reach. */
export const CODE = 0x40_0000;
export const START = 0x800;
export const DATA = 0x80_8000;
export const READ_ONLY = DATA + 2 * PAGE;
export const GS_PAGE = 0x80_0000;
export const STACK = 0x90_0000;
export const LOW = 0x8000;
const GS_BASE = GS_PAGE + 0xe00;
const FX_BYTES = 416;

function noise(length) {
  const random = generator(1);
  const block = Buffer.from(
    Array.from({ length: 0x400 }, () => (random.chance(20) ? random.pick([0, 0xff, 0x80, 0x7f]) : random.below(256))),
  );
  return Buffer.alloc(length, block);
}

/** A new environment: machines note in it where they have put the windows. */
export function environment(processor = 'no processor') {
  const window = (linear, prot, image) => ({ linear, length: image.length, prot, image });
  const windows = [
    window(LOW, 3, noise(2 * PAGE)),
    window(CODE, 7, Buffer.alloc(2 * PAGE, 0xcc)),
    window(GS_PAGE, 3, noise(PAGE)),
    window(DATA, 3, noise(2 * PAGE)),
    window(READ_ONLY, 1, noise(PAGE)),
    window(STACK, 3, Buffer.alloc(PAGE)),
  ];
  const wide = { cs: 0x33, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0, gs: 0 };
  const flat = { cs: 0x23, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0, gs: 0x0f };
  return {
    cpu: processor,
    windows,
    hot: windows.filter(({ prot }) => prot & 2).map(({ linear, length }) => ({ linear, length })),
    bases: [{ gpr: Array(16).fill(0n), flags: 0x202, fx: Buffer.alloc(FX_BYTES) }],
    selectors: { 64: wide, 32: flat, 16: { ...flat, cs: 7 } },
    gsBase: GS_BASE,
    cs16Base: CODE,
  };
}

const INTERESTING = '0 1 7f 80 ff 7fff 8000 7fffffff 80000000 ffffffff 7fffffffffffffff 8000000000000000 ffffffffffffffff'
  .split(' ')
  .map((text) => BigInt(`0x${text}`));
const FLOATS = [0, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0x7fc0_0000, 1, 0x007f_ffff, 0x7f7f_ffff, 0x4f00_0000, 0x3ff0_0000, 0x7ff0_0000];
/** Registers that instructions use as base and index; the others hold anything. */
export const POINTERS = { 64: [6, 7, 5, 12, 13], 32: [6, 7, 5], 16: [6, 7, 5] };
export const INDEX = { 64: 14, 32: 3, 16: 3 };
const [RSP, RBP, RSI, RDI, R12, R13] = [4, 5, 6, 7, 12, 13];

/** Registers, flags and FXSAVE image before a program, from its seed. */
export function startState({ seed, mode }) {
  const random = generator(seed);
  const value = () => (random.chance(40) ? random.pick(INTERESTING) : (BigInt(random.next()) << 32n) | BigInt(random.next()));
  const gpr = Array.from({ length: 16 }, (_, n) => (mode === 64 ? value() : n < 8 ? value() & 0xffff_ffffn : 0n));
  // in the middle of their page, before the next page, before one that cannot be written
  const place = () => random.pick([0x400, 0x400, 0x400, 0x800, 0x800, 0x1000 - 0x28, 0x2000 - 0x30]);
  gpr[RSI] = BigInt(DATA + place());
  gpr[RDI] = BigInt(DATA + place());
  gpr[RBP] = BigInt(STACK + 0x400);
  gpr[RSP] = BigInt(STACK + 0x800);
  gpr[INDEX[mode]] = BigInt(random.below(8));
  if (mode === 64) {
    gpr[R12] = BigInt(DATA + 0x1400);
    gpr[R13] = BigInt(GS_PAGE + 0x400);
  }
  return { gpr, flags: 0x202 | (random.next() & 0x8d5), fx: startFx(random) };
}

function startFx(random) {
  const fx = Buffer.alloc(512);
  fx.writeUInt16LE(random.chance(80) ? 0x37f : 0x340 | (random.below(4) << 10) | (random.below(2) ? 0x3f : random.below(64)), 0);
  fx.writeUInt16LE(random.below(8) << 11, 2);
  fx[4] = random.chance(50) ? 0xff : random.below(256);
  fx.writeUInt32LE(random.chance(80) ? 0x1f80 : 0x1f80 | (random.below(4) << 13) | (random.below(2) << 15) | (random.below(2) << 6), 24);
  for (let n = 0; n < 8; n++) writeX87(fx, 32 + 16 * n, random);
  for (let at = 160; at < FX_BYTES; at += 4) fx.writeUInt32LE(random.chance(40) ? random.pick(FLOATS) : random.next(), at);
  return fx;
}

function writeX87(fx, at, random) {
  const exponent = random.chance(80) ? 0x3fff - 40 + random.below(80) : random.pick([0, 1, 0x7ffe, 0x7fff]);
  fx.writeUInt32LE(random.chance(50) ? 0 : random.next(), at);
  fx.writeUInt32LE((random.next() | (exponent === 0 ? 0 : 0x8000_0000)) >>> 0, at + 4);
  fx.writeUInt16LE(exponent | (random.below(2) << 15), at + 8);
}
