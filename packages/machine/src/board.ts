export {
  type Board,
  type BoardServices,
  defineMachine,
  type MachineBlocks,
  type MachineDefinition,
  type PartsBlock,
} from './board/define-machine.js';
export type {
  BoardDescription,
  BusChild,
  NetDescription,
  PartDescription,
  RangeDescription,
  WindowDescription,
} from './board/describe.js';
export { MachineError } from './board/machine-error.js';
export { BOARD_FORMATS, BOARD_VIEWS, type BoardFormat, type BoardView, renderBoard } from './board/render.js';
export type { MapBlock, NetsBlock, NoticeLine, NoticeSource, NoticesBlock } from './board/schematic.js';
