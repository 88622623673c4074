export { IrqLine, IrqPin } from './irq-line.js';
