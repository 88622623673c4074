/**
 * The PC's keyboard controller with a PS/2 keyboard and mouse, and port 92h. Every byte is taken and delivered at once;
 * a byte that is read makes room for the next, with an edge of the interrupt. Not emulated: passwords, parity and
 * time-out errors, the keyboard lock, typematic repeat (the host's keyboard repeats).
 */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import type { Device } from '@hotsocket/qom';
import type { SavedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { Ps2Keyboard } from './keyboard.js';
import { Ps2Mouse } from './mouse.js';
import { AUX, type I8042State, initialState, KEYBOARD, load, NONE, type Source, save } from './saved-state.js';
import {
  COMMAND,
  COMMAND_BYTE,
  COMMAND_PORT,
  DATA_PORT,
  INPUT_PORT,
  INTERFACE_PASSED,
  NO_PASSWORD,
  OUTPUT_PORT,
  RAM_BYTES,
  SELF_TEST_PASSED,
  STATUS,
  SYSTEM_CONTROL,
  SYSTEM_CONTROL_PORT,
  translate,
} from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

export interface I8042Options {
  /** Whether a mouse is plugged in; default true. Without it, bytes to it are not answered. */
  readonly mouse?: boolean;
}

/** Keyboard controller. Map `data` at 60h, `command` at 64h and `systemControl` at 92h. */
export class I8042 implements Device {
  readonly typeName = 'i8042';
  readonly #hasMouse: boolean;
  readonly #points: Points<typeof TRACE_POINTS>;
  /** To ISA IRQ 1. */
  readonly keyboardIrq: IrqLine = new IrqLine('i8042.keyboard');
  /** To ISA IRQ 12. */
  readonly mouseIrq: IrqLine = new IrqLine('i8042.mouse');
  /**
   * High while address bit 20 reaches memory; high at power-on. QUIRK: it follows whichever of output port and port 92h was
   * written last, as on QEMU 7.2; boards that or them differ in whether one port alone can switch it off.
   */
  readonly a20: IrqLine = new IrqLine('i8042.a20');
  readonly data: Mmio;
  readonly command: Mmio;
  readonly systemControl: Mmio;
  /** Called when the guest pulls the reset line; the board resets between two instructions. */
  resetRequested: () => void = () => {};
  readonly keyboard: Ps2Keyboard;
  readonly mouse: Ps2Mouse;
  #state: I8042State = initialState();

  constructor(services: { readonly trace?: Trace } = {}, options: I8042Options = {}) {
    this.#hasMouse = options.mouse ?? true;
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.keyboard = new Ps2Keyboard(() => this.#fill());
    this.mouse = new Ps2Mouse(() => this.#fill());
    this.data = this.#port(
      'i8042-data',
      DATA_PORT,
      () => this.#readData(),
      (value) => this.#writeData(value),
    );
    this.command = this.#port(
      'i8042-cmd',
      COMMAND_PORT,
      () => this.#status(),
      (value) => this.#writeCommand(value),
    );
    this.systemControl = this.#port(
      'port92',
      SYSTEM_CONTROL_PORT,
      () => this.#state.systemControl,
      (value) => this.#writeControl(value),
    );
    this.a20.raise();
  }

  /** The reset line of the board; keyboard and mouse lose power with it. */
  reset(): void {
    this.#state = initialState();
    this.keyboard.reset();
    this.mouse.reset();
    this.#drive();
  }

  save(): SavedState {
    return save({ controller: this.#state, keyboard: this.keyboard.state(), mouse: this.mouse.state() });
  }

  restore(saved: SavedState): void {
    const { controller, keyboard, mouse } = load(saved);
    this.#state = controller;
    this.keyboard.load(keyboard);
    this.mouse.load(mouse);
    this.#drive();
  }

  #status(): number {
    const { outputSource, sys, lastWasCommand } = this.#state;
    const buffer = STATUS.AUX_OBF.put(STATUS.OBF.put(STATUS.resetValue, outputSource !== NONE), outputSource === AUX);
    return STATUS.CMD.put(STATUS.SYS.put(buffer, sys), lastWasCommand);
  }

  #readData(): number {
    const state = this.#state;
    const value = state.output;
    if (state.outputSource === NONE) return value;
    state.outputSource = NONE;
    this.#drive();
    this.#fill();
    return value;
  }

  #writeData(value: number): void {
    const state = this.#state;
    const { command } = state;
    state.lastWasCommand = false;
    state.command = 0;
    if (command === 0) this.#toKeyboard(value);
    else if (command === COMMAND.WRITE_OUTPUT_PORT) this.#writeOutputPort(value);
    else if (command === COMMAND.WRITE_KBD_BUFFER) this.#answer(value, KEYBOARD);
    else if (command === COMMAND.WRITE_AUX_BUFFER) this.#answer(value, AUX);
    else if (command === COMMAND.WRITE_AUX) this.#toMouse(value);
    else this.#writeRam(command % RAM_BYTES, value);
  }

  #writeCommand(value: number): void {
    const state = this.#state;
    state.lastWasCommand = true;
    state.command = 0;
    if (value >= COMMAND.PULSE_OUTPUT_PORT) return this.#pulse(value);
    if (value >= 0x20 && value <= 0x3f) return this.#answer(state.ram[value % RAM_BYTES]!);
    if ((value >= 0x60 && value <= 0x7f) || TAKES_BYTE.has(value)) state.command = value;
    else this.#plainCommand(value);
  }

  #plainCommand(value: number): void {
    switch (value) {
      case COMMAND.TEST_PASSWORD:
        return this.#answer(NO_PASSWORD);
      case COMMAND.DISABLE_AUX:
      case COMMAND.ENABLE_AUX:
        return this.#writeRam(0, COMMAND_BYTE.AUX_DISABLE.put(this.#state.ram[0]!, value === COMMAND.DISABLE_AUX));
      case COMMAND.DISABLE_KBD:
      case COMMAND.ENABLE_KBD:
        return this.#writeRam(0, COMMAND_BYTE.KBD_DISABLE.put(this.#state.ram[0]!, value === COMMAND.DISABLE_KBD));
      case COMMAND.TEST_AUX:
      case COMMAND.TEST_KBD:
        return this.#answer(INTERFACE_PASSED);
      case COMMAND.SELF_TEST:
        this.#state.sys = true;
        return this.#answer(SELF_TEST_PASSED);
      case COMMAND.READ_INPUT_PORT:
        return this.#answer(INPUT_PORT);
      case COMMAND.READ_OUTPUT_PORT:
        return this.#answer(this.#outputPort());
      case COMMAND.READ_TEST_INPUTS:
        return this.#answer(0);
      case COMMAND.DISABLE_A20:
      case COMMAND.ENABLE_A20:
        return this.#writeOutputPort(OUTPUT_PORT.A20.put(this.#state.outputPort, value === COMMAND.ENABLE_A20));
    }
  }

  /** Pulses the lines whose bits are 0, of the low four of the output port; only reset matters. */
  #pulse(value: number): void {
    if (!OUTPUT_PORT.RESET.test(value)) this.#requestReset(COMMAND_PORT);
  }

  #writeRam(index: number, value: number): void {
    this.#state.ram[index] = value;
    if (index !== 0) return;
    this.#state.sys ||= COMMAND_BYTE.SYS.test(value);
    this.#drive();
    this.#fill();
  }

  #writeOutputPort(value: number): void {
    this.#state.outputPort = value;
    this.#setA20(OUTPUT_PORT.A20.test(value));
    if (!OUTPUT_PORT.RESET.test(value)) this.#requestReset(DATA_PORT);
  }

  #writeControl(value: number): void {
    this.#state.systemControl = SYSTEM_CONTROL.RESET.put(value, 0);
    this.#setA20(SYSTEM_CONTROL.A20.test(value));
    if (SYSTEM_CONTROL.RESET.test(value)) this.#requestReset(SYSTEM_CONTROL_PORT);
  }

  /** A byte to a device switches its cable on; its answer goes before codes that waited. */
  #toKeyboard(value: number): void {
    this.keyboard.write(value);
    this.#writeRam(0, COMMAND_BYTE.KBD_DISABLE.put(this.#state.ram[0]!, 0));
  }

  #toMouse(value: number): void {
    if (this.#hasMouse) this.mouse.write(value);
    this.#writeRam(0, COMMAND_BYTE.AUX_DISABLE.put(this.#state.ram[0]!, 0));
  }

  #requestReset(port: number): void {
    if (this.#points.i8042_reset.on) this.#points.i8042_reset.emit(port);
    this.resetRequested();
  }

  #setA20(enabled: boolean): void {
    if (enabled !== this.#state.a20 && this.#points.i8042_a20.on) this.#points.i8042_a20.emit(Number(enabled));
    this.#state.a20 = enabled;
    this.a20.set(enabled);
  }

  /** The controller's own bytes do not overwrite what has not been read; the last of them waits. */
  #answer(value: number, source: Source = KEYBOARD): void {
    this.#state.answer = value;
    this.#state.answerSource = source;
    this.#fill();
  }

  /** Puts the next byte into an empty output buffer: the controller's, the keyboard's, the mouse's. */
  #fill(): void {
    const state = this.#state;
    if (state.outputSource !== NONE) return;
    if (state.answerSource !== NONE) {
      this.#deliver(state.answer, state.answerSource);
      state.answerSource = NONE;
      return;
    }
    const code = COMMAND_BYTE.KBD_DISABLE.test(state.ram[0]!) ? undefined : this.#takeKeyboard();
    if (code !== undefined) return this.#deliver(code, KEYBOARD);
    const report = COMMAND_BYTE.AUX_DISABLE.test(state.ram[0]!) || !this.#hasMouse ? undefined : this.mouse.take();
    if (report !== undefined) this.#deliver(report, AUX);
  }

  #takeKeyboard(): number | undefined {
    const code = this.keyboard.take();
    if (code === undefined || !COMMAND_BYTE.XLATE.test(this.#state.ram[0]!)) return code;
    if (code === 0xf0) {
      this.#state.breakPrefix = true;
      return this.#takeKeyboard();
    }
    const released = this.#state.breakPrefix ? 0x80 : 0;
    this.#state.breakPrefix = false;
    return translate(code) | released;
  }

  #deliver(value: number, source: Source): void {
    this.#state.output = value;
    this.#state.outputSource = source;
    this.#drive();
  }

  #outputPort(): number {
    const { outputPort, outputSource } = this.#state;
    const port = OUTPUT_PORT.KBD_IRQ.put(outputPort, outputSource === KEYBOARD);
    return OUTPUT_PORT.AUX_IRQ.put(port, outputSource === AUX);
  }

  #drive(): void {
    const { ram, outputSource, a20 } = this.#state;
    this.keyboardIrq.set(outputSource === KEYBOARD && COMMAND_BYTE.KBD_INT.test(ram[0]!));
    this.mouseIrq.set(outputSource === AUX && COMMAND_BYTE.AUX_INT.test(ram[0]!));
    this.a20.set(a20);
  }

  #port(name: string, port: number, read: () => number, write: (value: number) => void): Mmio {
    return mmio(name, 1, {
      maxSize: 1,
      read: () => {
        const value = read();
        if (this.#points.i8042_read.on) this.#points.i8042_read.emit(port, value);
        return value;
      },
      write: (_offset, _size, value) => {
        if (this.#points.i8042_write.on) this.#points.i8042_write.emit(port, value);
        write(value);
      },
    });
  }
}

const TAKES_BYTE: ReadonlySet<number> = new Set([
  COMMAND.WRITE_OUTPUT_PORT,
  COMMAND.WRITE_KBD_BUFFER,
  COMMAND.WRITE_AUX_BUFFER,
  COMMAND.WRITE_AUX,
]);
