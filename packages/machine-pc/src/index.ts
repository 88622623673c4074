export { buildBoard, type PcBoard } from './board.js';
export { type BootOptions, type PcOptions, PcOptionsError } from './options.js';
export { Pc } from './pc.js';
