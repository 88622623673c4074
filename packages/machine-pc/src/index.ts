export { buildBoard, type PcBoard } from './board.js';
export { type PcOptions, PcOptionsError } from './options.js';
export { Pc } from './pc.js';
