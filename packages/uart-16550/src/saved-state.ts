import { restoreLike, type SavedState, SavedStateError, type StateLimits, savedState } from '@hotsocket/saved-state';
import { FIFO_DEPTH, LSR_ERRORS, MCR } from './spec.js';

export const KIND = '16550A';
const VERSION = 1;

/** Everything the UART remembers. */
export interface UartState {
  ier: number;
  /** FCR's enable and trigger bits. */
  fcr: number;
  lcr: number;
  mcr: number;
  scr: number;
  divisor: number;
  /** Error bits of LSR that have not been read; the rest of LSR follows from the FIFO. */
  errors: number;
  /** Levels of CTS, DSR, RI and DCD outside, as bits 4 to 7. */
  modemInputs: number;
  /** Change bits of MSR. */
  modemChanges: number;
  /** Received characters, a ring: `rxCount` of them from `rxHead`, each with the error bits it came with. */
  rxData: Uint8Array;
  rxErrors: Uint8Array;
  rxHead: number;
  rxCount: number;
  /** The transmitter's interrupt is pending. */
  thrInterrupt: boolean;
  /** The time-out interrupt is pending. */
  timeoutInterrupt: boolean;
  /** When the time-out comes, in nanoseconds of the virtual clock; 0 while it does not. */
  timeoutAtNs: number;
}

/** The state after MR, with the modem inputs as they are. Divisor, scratch and receiver are undefined in the datasheet. */
export const initialState = (modemInputs: number): UartState => ({
  ier: 0,
  fcr: 0,
  lcr: 0,
  mcr: 0,
  scr: 0,
  divisor: 12,
  errors: 0,
  modemInputs,
  modemChanges: 0,
  rxData: new Uint8Array(FIFO_DEPTH),
  rxErrors: new Uint8Array(FIFO_DEPTH),
  rxHead: 0,
  rxCount: 0,
  thrInterrupt: false,
  timeoutInterrupt: false,
  timeoutAtNs: 0,
});

const LIMITS: StateLimits = {
  ier: 0x0f,
  fcr: 0xc1,
  lcr: 0xff,
  mcr: 0x1f,
  scr: 0xff,
  divisor: 0xffff,
  errors: LSR_ERRORS,
  modemInputs: 0xf0,
  modemChanges: 0x0f,
  rxHead: FIFO_DEPTH - 1,
  rxCount: FIFO_DEPTH,
};

export const save = (state: UartState): SavedState => savedState(KIND, VERSION, state);

/** The state of a snapshot; throws SavedStateError when it is not one of a UART. */
export function load(saved: SavedState): UartState {
  const state = restoreLike(saved, KIND, VERSION, initialState(0), LIMITS);
  const bits = [state.errors & ~LSR_ERRORS, state.modemInputs & 0x0f, state.mcr & ~MCR.writableMask];
  if (bits.some((surplus) => surplus !== 0)) throw new SavedStateError(`${KIND}: bits that do not exist are set`);
  return state;
}
