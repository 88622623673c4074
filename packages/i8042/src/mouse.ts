import { type ByteQueue, byteQueue, clear, push, shift } from './byte-queue.js';
import { ACK, RESEND, SELF_TEST_OK } from './spec.js';

/** What the hand did since the last call: movement in counts, buttons as they are now. */
export interface MouseMovement {
  readonly right?: number;
  readonly up?: number;
  /** Bit 0 left, 1 right, 2 middle. */
  readonly buttons?: number;
}

/** What the mouse remembers. */
export interface MouseState {
  /** Command that waits for its argument, or 0. */
  command: number;
  reporting: boolean;
  remote: boolean;
  wrapping: boolean;
  /** Scaling 2:1. */
  scaled: boolean;
  /** 0 to 3: 1, 2, 4 or 8 counts per millimetre. */
  resolution: number;
  /** Reports per second. */
  rate: number;
  buttons: number;
  /** Movement not yet reported, 16-bit two's complement. */
  right: number;
  up: number;
  /** Buttons or movement have changed since the last report. */
  changed: boolean;
  lastSent: number;
  readonly replies: ByteQueue;
  readonly reports: ByteQueue;
}

const REPORT_BYTES = 3;

export const initialMouse = (): MouseState => ({
  command: 0,
  reporting: false,
  remote: false,
  wrapping: false,
  scaled: false,
  resolution: 2,
  rate: 100,
  buttons: 0,
  right: 0,
  up: 0,
  changed: false,
  lastSent: 0,
  replies: byteQueue(8),
  reports: byteQueue(4 * REPORT_BYTES),
});

const SET_RESOLUTION = 0xe8;
const SET_RATE = 0xf3;

/** A PS/2 mouse with three buttons (device id 0) at the end of its cable. */
export class Ps2Mouse {
  readonly #ready: () => void;
  #state: MouseState = initialMouse();

  /** `ready` is called when there may be bytes to take. */
  constructor(ready: () => void) {
    this.#ready = ready;
  }

  /** Moves the mouse and sets its buttons. Movement that the guest does not fetch adds up, to 32767 counts. */
  move({ right = 0, up = 0, buttons = this.#state.buttons }: MouseMovement): void {
    const state = this.#state;
    state.changed ||= right !== 0 || up !== 0 || buttons !== state.buttons;
    state.right = add(state.right, right);
    state.up = add(state.up, up);
    state.buttons = buttons & 7;
    this.#ready();
  }

  /** Called by the controller: the next byte on the cable; answers to commands go first. */
  take(): number | undefined {
    const state = this.#state;
    const reply = shift(state.replies);
    if (reply === undefined && state.reports.count === 0 && state.reporting && !state.remote && state.changed) this.#report(state.reports);
    const byte = reply ?? shift(state.reports);
    if (byte !== undefined) state.lastSent = byte;
    return byte;
  }

  /** Called by the controller: a byte from the guest, a command or the argument of the one before. */
  write(byte: number): void {
    const { command, wrapping } = this.#state;
    this.#state.command = 0;
    if (wrapping && byte !== 0xec && byte !== 0xff) push(this.#state.replies, byte);
    else if (command !== 0) this.#argument(command, byte);
    else this.#command(byte);
    this.#ready();
  }

  reset(): void {
    this.#state = initialMouse();
  }

  /** The state itself, to be copied by the snapshot. */
  state(): MouseState {
    return this.#state;
  }

  load(state: MouseState): void {
    this.#state = state;
  }

  #command(byte: number): void {
    const state = this.#state;
    clear(state.reports);
    if (byte === 0xfe) return this.#reply(state.lastSent);
    if (!KNOWN.has(byte)) return this.#reply(RESEND);
    this.#reply(ACK);
    switch (byte) {
      case 0xe6: // scaling 1:1
      case 0xe7: // scaling 2:1
        state.scaled = byte === 0xe7;
        return;
      case 0xe9: // status request
        return this.#reply(this.#status(), state.resolution, state.rate);
      case 0xea: // stream mode
      case 0xf0: // remote mode
        state.remote = byte === 0xf0;
        return;
      case 0xeb: // read data
        return this.#report(state.replies);
      case 0xec: // end wrap mode
      case 0xee: // wrap mode
        state.wrapping = byte === 0xee;
        return;
      case 0xf2: // read device id
        return this.#reply(0x00);
      case 0xf4: // enable
      case 0xf5: // disable
        state.reporting = byte === 0xf4;
        return;
      case 0xf6: // set default
      case 0xff: // reset
        return this.#setDefaults(byte === 0xff);
      default:
        state.command = byte;
    }
  }

  #argument(command: number, byte: number): void {
    if (command === SET_RATE) this.#state.rate = byte;
    if (command === SET_RESOLUTION) this.#state.resolution = byte & 3;
    this.#reply(ACK);
  }

  #setDefaults(reset: boolean): void {
    const { buttons, replies, lastSent } = this.#state;
    this.#state = { ...initialMouse(), buttons, replies, lastSent };
    if (reset) this.#reply(SELF_TEST_OK, 0x00);
  }

  #status(): number {
    const { remote, reporting, scaled, buttons } = this.#state;
    const pressed = ((buttons & 1) << 2) | ((buttons & 2) >> 1) | ((buttons & 4) >> 1);
    return (Number(remote) << 6) | (Number(reporting) << 5) | (Number(scaled) << 4) | pressed;
  }

  /** One report: signs and buttons, then what of the movement nine bits hold; the rest stays for the next. */
  #report(queue: ByteQueue): void {
    const state = this.#state;
    const [right, up] = [clamp(signed(state.right), 255), clamp(signed(state.up), 255)];
    const signs = (right < 0 ? 0x10 : 0) | (up < 0 ? 0x20 : 0);
    if (!push(queue, 0x08 | signs | state.buttons, right & 0xff, up & 0xff)) return;
    state.right = add(state.right, -right);
    state.up = add(state.up, -up);
    state.changed = state.right !== 0 || state.up !== 0;
  }

  #reply(...bytes: readonly number[]): void {
    push(this.#state.replies, ...bytes);
  }
}

const KNOWN: ReadonlySet<number> = new Set([
  0xe6,
  0xe7,
  SET_RESOLUTION,
  0xe9,
  0xea,
  0xeb,
  0xec,
  0xee,
  0xf0,
  0xf2,
  SET_RATE,
  0xf4,
  0xf5,
  0xf6,
  0xff,
]);

const signed = (value: number): number => (value << 16) >> 16;

const clamp = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, Math.trunc(value) || 0));

const add = (value: number, more: number): number => clamp(signed(value) + clamp(more, 0x7fff), 0x7fff) & 0xffff;
