/** mulberry32: a small generator with a 32-bit seed, and the choices that programs are made of. */
export function generator(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (limit) => next() % limit;
  return { next, below, pick: (list) => list[below(list.length)], chance: (percent) => below(100) < percent };
}

/** `bytes` bytes of a number, the least first. */
export const littleEndian = (value, bytes) => Array.from({ length: bytes }, (_, n) => Math.floor(value / 2 ** (8 * n)) & 0xff);
