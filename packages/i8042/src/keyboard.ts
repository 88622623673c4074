import { type ByteQueue, byteQueue, clear, push, shift } from './byte-queue.js';
import { ACK, ECHO, RESEND, SELF_TEST_OK } from './spec.js';

/** Bytes of scan codes that wait for the guest. */
const SCAN_CODES = 64;
const REPLIES = 8;

/** What the keyboard remembers. */
export interface KeyboardState {
  /** Command that waits for its argument, or 0. */
  command: number;
  scanning: boolean;
  /** 1, 2 or 3. */
  scanCodeSet: number;
  /** Bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  leds: number;
  /** Rate and delay as last set. */
  typematic: number;
  lastSent: number;
  readonly replies: ByteQueue;
  readonly scanCodes: ByteQueue;
}

export const initialKeyboard = (): KeyboardState => ({
  command: 0,
  scanning: true,
  scanCodeSet: 2,
  leds: 0,
  typematic: 0x2b,
  lastSent: 0,
  replies: byteQueue(REPLIES),
  scanCodes: byteQueue(SCAN_CODES),
});

const SET_LEDS = 0xed;
const SCAN_CODE_SET = 0xf0;
const TYPEMATIC = 0xf3;

/** A PS/2 keyboard (IBM MF II) at the end of its cable. */
export class Ps2Keyboard {
  /** Called when the guest sets the lights: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  ledsChanged: (leds: number) => void = () => {};
  readonly #ready: () => void;
  #state: KeyboardState = initialKeyboard();

  /** `ready` is called when there may be bytes to take. */
  constructor(ready: () => void) {
    this.#ready = ready;
  }

  /** Which scan code set the guest has chosen: 2 unless it asked for another. */
  get scanCodeSet(): number {
    return this.#state.scanCodeSet;
  }

  /** The lights: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  get leds(): number {
    return this.#state.leds;
  }

  /**
   * Sends the scan codes of one key, in `scanCodeSet` (A pressed in set 2: 1Ch; released: F0h 1Ch). Takes all bytes or, when the
   * guest does not fetch them, none and answers false. What is typed while the guest has scanning off is lost.
   */
  send(scanCodes: Uint8Array): boolean {
    if (!this.#state.scanning) return true;
    const taken = push(this.#state.scanCodes, ...scanCodes.subarray(0, SCAN_CODES + 1));
    if (taken) this.#ready();
    return taken;
  }

  /** Called by the controller: the next byte on the cable; answers to commands go first. */
  take(): number | undefined {
    const byte = shift(this.#state.replies) ?? shift(this.#state.scanCodes);
    if (byte !== undefined) this.#state.lastSent = byte;
    return byte;
  }

  /** Called by the controller: a byte from the guest, a command or the argument of the one before. */
  write(byte: number): void {
    const { command } = this.#state;
    this.#state.command = 0;
    if (command !== 0 && byte < SET_LEDS) this.#argument(command, byte);
    else this.#command(byte);
    this.#ready();
  }

  reset(): void {
    this.#state = initialKeyboard();
  }

  /** The state itself, to be copied by the snapshot. */
  state(): KeyboardState {
    return this.#state;
  }

  load(state: KeyboardState): void {
    this.#state = state;
  }

  #command(byte: number): void {
    switch (byte) {
      case SET_LEDS:
      case SCAN_CODE_SET:
      case TYPEMATIC:
        this.#state.command = byte;
        return this.#reply(ACK);
      case ECHO:
        return this.#reply(ECHO);
      case 0xf2: // read id
        return this.#reply(ACK, 0xab, 0x83);
      case 0xf4: // enable
        return this.#setScanning(true);
      case 0xf5: // default disable
        this.#setDefaults();
        return this.#setScanning(false);
      case 0xf6: // set default
        this.#setDefaults();
        return this.#setScanning(true);
      case 0xfe: // resend
        return this.#reply(this.#state.lastSent);
      case 0xff: // reset
        this.#setDefaults();
        this.#setScanning(true);
        this.#light(0);
        return this.#reply(SELF_TEST_OK);
      default: // f7 to fa: all keys typematic, make, break; a set 3 keyboard's, accepted
        return this.#reply(byte >= 0xf7 && byte <= 0xfa ? ACK : RESEND);
    }
  }

  #argument(command: number, byte: number): void {
    if (command === SCAN_CODE_SET) return this.#chooseSet(byte);
    if (command === TYPEMATIC) this.#state.typematic = byte & 0x7f;
    if (command === SET_LEDS) this.#light(byte & 7);
    this.#reply(ACK);
  }

  #chooseSet(set: number): void {
    if (set === 0) return this.#reply(ACK, this.#state.scanCodeSet);
    if (set > 3) return this.#reply(RESEND);
    this.#state.scanCodeSet = set;
    this.#reply(ACK);
  }

  #light(leds: number): void {
    this.#state.leds = leds;
    this.ledsChanged(leds);
  }

  #setDefaults(): void {
    const { scanCodeSet, typematic } = initialKeyboard();
    this.#state.scanCodeSet = scanCodeSet;
    this.#state.typematic = typematic;
  }

  #setScanning(on: boolean): void {
    this.#state.scanning = on;
    clear(this.#state.scanCodes);
    clear(this.#state.replies);
    this.#reply(ACK);
  }

  /** A guest that sends commands and never reads loses answers, as the real buffer overruns. */
  #reply(...bytes: readonly number[]): void {
    push(this.#state.replies, ...bytes);
  }
}
