export { EmptyQtestTarget } from './empty.js';
export { PcQtestTarget } from './pc.js';
export { DEFAULT_QTEST_LIMITS, type QtestLimits, QtestSession, type QtestSessionOptions } from './session.js';
export type { IrqDirection, IrqTap, QtestTarget } from './target.js';
