import type { StateLimits } from '@hotsocket/saved-state';

export const KIND = 'isa-i8259';
export const VERSION = 1;

/** One chip. Masks have bit n for input n. */
export interface I8259State {
  irr: number;
  imr: number;
  isr: number;
  /** Levels of the pins. */
  inputs: number;
  /** Inputs the chip set treats as level triggered (ELCR). */
  elcr: number;
  /** The input of lowest priority; the next one has the highest. */
  lowest: number;
  /** The next initialization word, 2 to 4, or 0 when the chip is ready. */
  awaitedIcw: number;
  single: boolean;
  expectsIcw4: boolean;
  /** ICW1 LTIM: all inputs are level triggered. */
  ltim: boolean;
  vectorBase: number;
  autoEoi: boolean;
  rotateOnAutoEoi: boolean;
  specialFullyNested: boolean;
  specialMask: boolean;
  /** The next read is a poll. */
  poll: boolean;
  /** Reads of the command port give ISR instead of IRR. */
  readIsr: boolean;
}

/** The pair. */
export interface I8259PairState {
  master: I8259State;
  slave: I8259State;
}

export const LIMITS: StateLimits = {
  irr: 0xff,
  imr: 0xff,
  isr: 0xff,
  inputs: 0xff,
  elcr: 0xff,
  lowest: 7,
  awaitedIcw: 4,
  vectorBase: 0xf8,
};

export const initialState = (): I8259State => ({
  irr: 0,
  imr: 0,
  isr: 0,
  inputs: 0,
  elcr: 0,
  lowest: 7,
  awaitedIcw: 0,
  single: false,
  expectsIcw4: false,
  ltim: false,
  vectorBase: 0,
  autoEoi: false,
  rotateOnAutoEoi: false,
  specialFullyNested: false,
  specialMask: false,
  poll: false,
  readIsr: false,
});
