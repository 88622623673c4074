/** Field `n` of two bits. */
const selected = (immediate: number, n: number): number => (immediate >> (2 * n)) & 3;
const bytewise = (index: (n: number) => number): readonly number[] => Array.from({ length: 16 }, (_, n) => index(n));
/** Byte `n & 1` of the word that the immediate names for byte n of four words. */
const word = (immediate: number, n: number): number => selected(immediate, (n >> 1) & 3) * 2 + (n & 1);

/** Byte indices that PSHUFD takes for an immediate. */
export const shuffle32 = (immediate: number): readonly number[] => bytewise((n) => selected(immediate, n >> 2) * 4 + (n & 3));
/** The same for PSHUFLW (and, in its lower half, PSHUFW). */
export const shuffleLow16 = (immediate: number): readonly number[] => bytewise((n) => (n < 8 ? word(immediate, n) : n));
/** The same for PSHUFHW. */
export const shuffleHigh16 = (immediate: number): readonly number[] => bytewise((n) => (n < 8 ? n : 8 + word(immediate, n)));
