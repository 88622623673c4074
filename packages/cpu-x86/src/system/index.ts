import type { HelperFunction } from '../cpu.js';

/** All helpers by name; semantics refer to these names. */
export const HELPERS: Readonly<Record<string, HelperFunction>> = {};
