/**
 * PC16550D UART as the PC wires it. Characters leave at once and arrive as fast as the guest takes them: the bit rate
 * only sets the receiver's time-out. Not emulated: DMA signals, parity, word length and stop bits (characters
 * are bytes), FCR.DMA.
 */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import type { Device, Property } from '@hotsocket/qom';
import type { SavedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import type { Timer, VirtualClock } from '@hotsocket/virtual-clock';
import { initialState, load, save, type UartState } from './saved-state.js';
import {
  CRYSTAL_HZ,
  FCR,
  FIFO_DEPTH,
  IER,
  IIR,
  INTERRUPT,
  LCR,
  LSR,
  LSR_ERRORS,
  MCR,
  MSR,
  MSR_CHANGES,
  RBR_THR,
  SCR,
  TIMEOUT_CHARACTERS,
  TRIGGER_LEVELS,
  UART_PORTS,
} from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

/** What the UART needs. */
export interface Uart16550Services {
  readonly clock: VirtualClock;
  readonly trace?: Trace;
}

export interface Uart16550Options {
  /** Name in traces and wires; default `uart`. */
  readonly name?: string;
}

/** Levels of the modem's outputs. */
export interface ModemInputs {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly ri: boolean;
  readonly dcd: boolean;
}

const CONNECTED: ModemInputs = { cts: true, dsr: true, ri: false, dcd: true };

/** One serial port. Map `io` at 3F8h and connect `irq` to ISA IRQ 4 for COM1. */
export class Uart16550 implements Device {
  readonly typeName = 'isa-serial';
  readonly name: string;
  readonly #clock: VirtualClock;
  readonly #points: Points<typeof TRACE_POINTS>;
  readonly #timeout: Timer;
  /** INTR, through the PC's driver that OUT2 enables. */
  readonly irq: IrqLine;
  /** Eight ports. Wider accesses are split into bytes. */
  readonly io: Mmio;
  /** Called with each character the guest sends, inside its port write. */
  transmitted: (byte: number) => void = () => {};
  /** Called when the guest starts and ends a break. */
  breakChanged: (on: boolean) => void = () => {};
  /** Called when there is room again after `receive` accepted less than it was offered; may call `receive`. */
  writable: () => void = () => {};
  readonly properties: Readonly<Record<string, Property>> = {
    baudbase: { type: 'uint32', get: () => CRYSTAL_HZ / 16 },
    divisor: { type: 'uint16', get: () => this.#state.divisor },
  };
  #state: UartState = initialState(modemBits(CONNECTED));
  #refused = false;

  constructor(services: Uart16550Services, options: Uart16550Options = {}) {
    this.name = options.name ?? 'uart';
    this.#clock = services.clock;
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.#timeout = services.clock.timer(`${this.name}.timeout`, () => this.#timedOut());
    this.irq = new IrqLine(`${this.name}.irq`);
    this.io = mmio(this.name, UART_PORTS, {
      maxSize: 1,
      read: (offset) => this.#read(offset & 7),
      write: (offset, _size, value) => this.#write(offset & 7, value),
    });
  }

  /** The MR pin. Modem inputs are wires from outside and stay. */
  reset(): void {
    this.#state = initialState(this.#state.modemInputs);
    this.#timeout.disarm();
    this.#driveIrq();
    this.#roomMade();
  }

  /** Characters that `receive` would accept now. */
  get room(): number {
    return MCR.LOOP.test(this.#state.mcr) ? 0 : Math.max(0, this.#capacity() - this.#state.rxCount);
  }

  /** Offers characters from outside; answers how many were accepted. The host keeps the rest until `writable`. */
  receive(bytes: Uint8Array): number {
    const accepted = Math.min(bytes.length, this.room);
    for (let at = 0; at < accepted; at++) this.#push(bytes[at]!, 0);
    this.#refused = accepted < bytes.length;
    if (this.#points.uart_receive.on) this.#points.uart_receive.emit(this.name, bytes.length, accepted);
    if (accepted > 0) this.#arrived();
    return accepted;
  }

  /** A break from outside: one zero character with the break bit. Lost when there is no room. */
  receiveBreak(): void {
    if (this.room === 0) return;
    this.#push(0, LSR.BI.mask);
    this.#arrived();
  }

  /** Sets the modem's outputs; at power-on a modem is connected and ready. */
  setModemInputs(inputs: ModemInputs): void {
    this.#changeModem(() => {
      this.#state.modemInputs = modemBits(inputs);
    });
  }

  save(): SavedState {
    return save(this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = load(saved);
    this.#timeout.disarm();
    if (this.#state.timeoutAtNs > 0) this.#timeout.arm(this.#state.timeoutAtNs);
    this.#driveIrq();
    this.#roomMade();
  }

  #read(offset: number): number {
    const value = this.#readRegister(offset);
    if (this.#points.uart_read.on) this.#points.uart_read.emit(this.name, offset, value);
    return value;
  }

  #readRegister(offset: number): number {
    const state = this.#state;
    const divisor = LCR.DLAB.test(state.lcr);
    switch (offset) {
      case LSR.offset:
        return this.#readLsr();
      case RBR_THR:
        return divisor ? state.divisor & 0xff : this.#readRbr();
      case IER.offset:
        return divisor ? state.divisor >> 8 : state.ier;
      case IIR.offset:
        return this.#readIir();
      case LCR.offset:
        return state.lcr;
      case MCR.offset:
        return state.mcr;
      case MSR.offset:
        return this.#readMsr();
      default:
        return state.scr;
    }
  }

  #readRbr(): number {
    const state = this.#state;
    if (state.rxCount === 0) return 0;
    const value = state.rxData[state.rxHead]!;
    state.rxHead = (state.rxHead + 1) % FIFO_DEPTH;
    state.rxCount--;
    this.#exposeErrors();
    this.#rearmTimeout();
    this.#driveIrq();
    this.#roomMade();
    return value;
  }

  #readIir(): number {
    const id = this.#interruptId();
    if (id === INTERRUPT.TRANSMITTER) {
      this.#state.thrInterrupt = false;
      this.#driveIrq();
    }
    return IIR.FIFOS.put(id, this.#fifos() ? 3 : 0);
  }

  #readLsr(): number {
    const value = this.#lsr();
    if (this.#state.errors !== 0) {
      this.#state.errors = 0;
      this.#driveIrq();
    }
    return value;
  }

  #readMsr(): number {
    const value = this.#modemLevels() | this.#state.modemChanges;
    this.#state.modemChanges = 0;
    this.#driveIrq();
    return value;
  }

  #write(offset: number, value: number): void {
    if (this.#points.uart_write.on) this.#points.uart_write.emit(this.name, offset, value);
    const state = this.#state;
    const divisor = LCR.DLAB.test(state.lcr);
    if (offset === RBR_THR && divisor) state.divisor = (state.divisor & 0xff00) | value;
    else if (offset === RBR_THR) this.#writeThr(value);
    else if (offset === IER.offset && divisor) state.divisor = (state.divisor & 0x00ff) | (value << 8);
    else if (offset === IER.offset) this.#writeIer(value);
    else if (offset === FCR.offset) this.#writeFcr(value);
    else if (offset === LCR.offset) this.#writeLcr(value);
    else if (offset === MCR.offset) this.#writeMcr(value);
    else if (offset === SCR) state.scr = value;
  }

  /** The holding register is empty again at once: the interrupt goes and comes, an edge for each character. */
  #writeThr(value: number): void {
    this.#state.thrInterrupt = false;
    this.#driveIrq();
    if (MCR.LOOP.test(this.#state.mcr)) this.#loopBack(value);
    else this.transmitted(value);
    this.#state.thrInterrupt = true;
    this.#driveIrq();
  }

  #loopBack(value: number): void {
    if (this.#state.rxCount < this.#capacity()) {
      this.#push(value, 0);
      this.#arrived();
    } else {
      this.#state.errors |= LSR.OE.mask;
      if (!this.#fifos()) this.#state.rxData[this.#state.rxHead] = value;
    }
  }

  /** Enabling the transmitter's interrupt while THR is empty, which it always is here, raises it. */
  #writeIer(value: number): void {
    const state = this.#state;
    const before = IER.ETBEI.test(state.ier);
    state.ier = value & IER.writableMask;
    const now = IER.ETBEI.test(state.ier);
    if (now !== before) state.thrInterrupt = now;
    this.#driveIrq();
  }

  /**
   * Without ENABLE the other bits are not programmed; a change of ENABLE clears both FIFOs. QUIRK: clearing the
   * transmitter's, empty as it is, raises its interrupt, as on QEMU 7.2.
   */
  #writeFcr(value: number): void {
    const enable = FCR.ENABLE.test(value);
    const toggled = enable !== this.#fifos();
    this.#state.fcr = enable ? value & (FCR.ENABLE.mask | FCR.TRIGGER.mask) : 0;
    if (toggled || (enable && FCR.RESET_TX.test(value))) this.#state.thrInterrupt = true;
    if (toggled || (enable && FCR.RESET_RX.test(value))) this.#clearReceiver();
    this.#driveIrq();
    this.#roomMade();
  }

  #writeLcr(value: number): void {
    const changed = LCR.BREAK.test(value ^ this.#state.lcr);
    this.#state.lcr = value;
    if (changed) this.breakChanged(LCR.BREAK.test(value));
  }

  #writeMcr(value: number): void {
    const looped = MCR.LOOP.test(this.#state.mcr);
    this.#changeModem(() => {
      this.#state.mcr = value & MCR.writableMask;
    });
    if (looped && !MCR.LOOP.test(value)) this.#roomMade();
  }

  #timedOut(): void {
    this.#state.timeoutAtNs = 0;
    this.#state.timeoutInterrupt = this.#state.rxCount > 0;
    this.#driveIrq();
  }

  #push(byte: number, errors: number): void {
    const state = this.#state;
    const at = (state.rxHead + state.rxCount) % FIFO_DEPTH;
    state.rxData[at] = byte;
    state.rxErrors[at] = errors;
    if (state.rxCount++ === 0) this.#exposeErrors();
  }

  #arrived(): void {
    this.#rearmTimeout();
    this.#driveIrq();
  }

  /** Errors show in LSR when their character is the next to be read. */
  #exposeErrors(): void {
    const state = this.#state;
    if (state.rxCount === 0) return;
    state.errors |= state.rxErrors[state.rxHead]! & LSR_ERRORS;
    state.rxErrors[state.rxHead] = 0;
  }

  #clearReceiver(): void {
    const state = this.#state;
    state.rxCount = 0;
    state.rxHead = 0;
    state.rxErrors.fill(0);
    this.#rearmTimeout();
  }

  /** A read or a new character starts the time-out anew, as long as the FIFO holds any. */
  #rearmTimeout(): void {
    const state = this.#state;
    state.timeoutInterrupt = false;
    const runs = this.#fifos() && state.rxCount > 0;
    state.timeoutAtNs = runs ? this.#clock.now() + this.#timeoutNs() : 0;
    if (runs) this.#timeout.arm(state.timeoutAtNs);
    else this.#timeout.disarm();
  }

  /** Characters are start, data, parity and stop bits; a divisor of 0, which the datasheet does not define, counts as 1. */
  #timeoutNs(): number {
    const { lcr, divisor } = this.#state;
    const bits = 1 + 5 + LCR.WLS.get(lcr) + LCR.PEN.get(lcr) + 1 + LCR.STB.get(lcr);
    return Math.ceil((TIMEOUT_CHARACTERS * bits * 16 * Math.max(divisor, 1) * 1e9) / CRYSTAL_HZ);
  }

  #roomMade(): void {
    if (!this.#refused || this.room === 0) return;
    this.#refused = false;
    this.writable();
  }

  #fifos(): boolean {
    return FCR.ENABLE.test(this.#state.fcr);
  }

  #capacity(): number {
    return this.#fifos() ? FIFO_DEPTH : 1;
  }

  #lsr(): number {
    const { errors, rxCount, rxErrors } = this.#state;
    const waiting = this.#fifos() && (errors !== 0 || rxErrors.some((bits) => bits !== 0));
    return LSR.resetValue | errors | (rxCount > 0 ? LSR.DR.mask : 0) | (waiting ? LSR.FIFO_ERROR.mask : 0);
  }

  /** CTS, DSR, RI and DCD: from outside, or in loop-back RTS, DTR, OUT1 and OUT2. */
  #modemLevels(): number {
    const { mcr, modemInputs } = this.#state;
    if (!MCR.LOOP.test(mcr)) return modemInputs;
    return modemBits({ cts: MCR.RTS.test(mcr), dsr: MCR.DTR.test(mcr), ri: MCR.OUT1.test(mcr), dcd: MCR.OUT2.test(mcr) });
  }

  #changeModem(change: () => void): void {
    const before = this.#modemLevels();
    change();
    const after = this.#modemLevels();
    const rose = MSR.RI.mask & after;
    this.#state.modemChanges |= ((before ^ after) & ~rose) >> 4;
    this.#driveIrq();
  }

  #interruptId(): number {
    const { ier, errors, timeoutInterrupt, thrInterrupt, modemChanges } = this.#state;
    if (IER.ELSI.test(ier) && errors !== 0) return INTERRUPT.LINE_STATUS;
    if (IER.ERBFI.test(ier) && this.#triggered()) return INTERRUPT.DATA;
    if (IER.ERBFI.test(ier) && timeoutInterrupt) return INTERRUPT.TIMEOUT;
    if (IER.ETBEI.test(ier) && thrInterrupt) return INTERRUPT.TRANSMITTER;
    if (IER.EDSSI.test(ier) && (modemChanges & MSR_CHANGES) !== 0) return INTERRUPT.MODEM;
    return INTERRUPT.NONE;
  }

  #triggered(): boolean {
    const { fcr, rxCount } = this.#state;
    return rxCount >= (this.#fifos() ? TRIGGER_LEVELS[FCR.TRIGGER.get(fcr)]! : 1);
  }

  /** In loop-back the chip holds its OUT2 pin inactive, so the PC's driver is off. */
  #driveIrq(): void {
    const { mcr } = this.#state;
    const id = this.#interruptId();
    const high = id !== INTERRUPT.NONE && MCR.OUT2.test(mcr) && !MCR.LOOP.test(mcr);
    if (high !== this.irq.high && this.#points.uart_irq.on) this.#points.uart_irq.emit(this.name, high ? id : INTERRUPT.NONE);
    this.irq.set(high);
  }
}

const modemBits = ({ cts, dsr, ri, dcd }: ModemInputs): number =>
  (cts ? MSR.CTS.mask : 0) | (dsr ? MSR.DSR.mask : 0) | (ri ? MSR.RI.mask : 0) | (dcd ? MSR.DCD.mask : 0);
