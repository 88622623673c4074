export { ADD, COM, COMP, DIV, DIVR, I16, I32, M32, M64, MUL, SUB, SUBR } from './arithmetic.js';
export { ENV_PROTECTED_16, ENV_PROTECTED_32, ENV_REAL_16, ENV_REAL_32 } from './control.js';
export { SseFloat } from './sse-exact.js';
export { X87_STATE_BYTES, type X87Layout, x87LayoutAt } from './state.js';
export { ENV, STATE, X87 } from './x87.js';
