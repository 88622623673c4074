import type { HelperFunction } from '../cpu.js';
import { CRYPTO_HELPERS } from './crypto.js';
import { FXSAVE_HELPERS } from './fxsave.js';
import { MASKED_STORE_HELPERS } from './masked-store.js';
import { SSE_HELPERS } from './sse-unit.js';
import { STRING_COMPARE_HELPERS } from './string-compare.js';
import { X87_HELPERS } from './x87-unit.js';
import { XSAVE_HELPERS } from './xsave.js';

/** Helpers of x87, MMX and SSE instructions, by the names that their definitions use. */
export const FPU_HELPERS: Readonly<Record<string, HelperFunction>> = {
  ...CRYPTO_HELPERS,
  ...FXSAVE_HELPERS,
  ...MASKED_STORE_HELPERS,
  ...SSE_HELPERS,
  ...STRING_COMPARE_HELPERS,
  ...X87_HELPERS,
  ...XSAVE_HELPERS,
};

export { fillVectorTables } from './tables.js';
export { refreshFpuTraps } from './traps.js';
export { FpuUnits } from './units.js';
