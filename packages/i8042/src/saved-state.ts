import { restoreLike, type SavedState, SavedStateError, type StateLimits, savedState } from '@hotsocket/saved-state';
import { isQueue } from './byte-queue.js';
import { initialKeyboard, type KeyboardState } from './keyboard.js';
import { initialMouse, type MouseState } from './mouse.js';
import { COMMAND_BYTE, OUTPUT_PORT, RAM_BYTES } from './spec.js';

export const KIND = 'i8042';
const VERSION = 1;

/** Where a byte came from; `none` when there is none. */
export type Source = 0 | 1 | 2;
export const NONE: Source = 0;
export const KEYBOARD: Source = 1;
export const AUX: Source = 2;

/** What the controller remembers besides what hangs on its cables. */
export interface I8042State {
  /** Byte 0 is the command byte. */
  readonly ram: Uint8Array;
  outputPort: number;
  systemControl: number;
  /** The A20 line as last set by either port. */
  a20: boolean;
  /** Status bits SYS and CMD. */
  sys: boolean;
  lastWasCommand: boolean;
  /** Command that waits for its byte at 60h, or 0. */
  command: number;
  /** Output buffer: the byte, and its source while it has not been read. */
  output: number;
  outputSource: Source;
  /** The controller's answer that waits for the output buffer. */
  answer: number;
  answerSource: Source;
  /** The keyboard sent F0h, which translation turns into bit 7 of the next code. */
  breakPrefix: boolean;
}

/** The state at power-on and after reset. */
export function initialState(): I8042State {
  const ram = new Uint8Array(RAM_BYTES);
  ram[0] = COMMAND_BYTE.resetValue;
  return {
    ram,
    outputPort: OUTPUT_PORT.resetValue,
    systemControl: 0,
    a20: true,
    sys: false,
    lastWasCommand: true,
    command: 0,
    output: 0,
    outputSource: NONE,
    answer: 0,
    answerSource: NONE,
    breakPrefix: false,
  };
}

/** The snapshot: controller, keyboard and mouse. */
export interface I8042Saved {
  controller: I8042State;
  keyboard: KeyboardState;
  mouse: MouseState;
}

const BYTES = ['outputPort', 'systemControl', 'command', 'output', 'answer', 'leds', 'typematic', 'lastSent', 'rate'];
const LIMITS: StateLimits = {
  ...Object.fromEntries(BYTES.map((name) => [name, 0xff])),
  outputSource: AUX,
  answerSource: AUX,
  scanCodeSet: 3,
  resolution: 3,
  buttons: 7,
  right: 0xffff,
  up: 0xffff,
};

export const save = (state: I8042Saved): SavedState => savedState(KIND, VERSION, state);

/** The state of a snapshot; throws SavedStateError when it is not one of a keyboard controller. */
export function load(saved: SavedState): I8042Saved {
  const template: I8042Saved = { controller: initialState(), keyboard: initialKeyboard(), mouse: initialMouse() };
  const state = restoreLike(saved, KIND, VERSION, template, LIMITS);
  const { keyboard, mouse } = state;
  if (![keyboard.replies, keyboard.scanCodes, mouse.replies, mouse.reports].every(isQueue))
    throw new SavedStateError(`${KIND}: a queue is longer than its ring`);
  return state;
}
