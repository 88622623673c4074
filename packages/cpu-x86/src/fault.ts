/** The one object thrown when a helper finds a fault: no allocation, no stack trace. What it means is in FAULT_VECTOR and FAULT_ERROR. */
export const FAULT: { readonly fault: true } = Object.freeze({ fault: true });

/** In the place of a vector: a debugger takes the instruction back. Nothing is delivered to the guest. */
export const DEBUG_STOP = 0x100;

/** Exception vectors (SDM volume 3, 6.15). */
export const DE = 0;
export const DB = 1;
export const NMI = 2;
export const BP = 3;
export const OF = 4;
export const BR = 5;
export const UD = 6;
export const NM = 7;
export const DF = 8;
export const TS = 10;
export const NP = 11;
/** Stack-segment fault. */
export const STACK = 12;
export const GP = 13;
export const PF = 14;
export const MF = 16;
export const AC = 17;
export const MC = 18;
export const XM = 19;
