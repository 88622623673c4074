/**
 * MC146818A real-time clock with 128 bytes of battery-backed RAM, as the PC/AT wires it: index port, data port, one
 * interrupt. Not emulated: the SQW pin, daylight saving (B.DSE is a plain bit), a weekday that disagrees with the date.
 */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import type { Device, Property } from '@hotsocket/qom';
import type { SavedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { Crystal, type Timer, type VirtualClock } from '@hotsocket/virtual-clock';
import { type Observable, Subject } from 'rxjs';
import { load, type RtcState, save } from './saved-state.js';
import {
  A,
  B,
  B_CLEARED_BY_RESET,
  C,
  C_SOURCES,
  CELLS,
  CENTURY,
  CENTURY_PS2,
  CPU_COUNT,
  CRYSTAL_HZ,
  D,
  DATA_PORT,
  DV_RESET,
  DV_RUNNING,
  INDEX_MASK,
  INDEX_PORT,
  PERIOD_CYCLES,
  SHUTDOWN_RESUME,
  SHUTDOWN_STATUS,
  UIP_LEAD_NS,
} from './spec.js';
import { ALARM_REGISTERS, parseTime, renderTime, secondsUntilAlarm, TIME_REGISTERS } from './time-registers.js';
import { TRACE_POINTS } from './trace-points.js';

const SECOND_NS = 1_000_000_000;
const CRYSTAL = new Crystal(CRYSTAL_HZ);

/** What the clock shows at power-on. */
export interface RtcCmosOptions {
  /** Milliseconds since 1970-01-01T00:00:00, shown without any time zone, at the clock's present time. */
  readonly startDate: number;
}

/** What the clock needs. Its time is the virtual clock's. */
export interface RtcCmosServices {
  readonly clock: VirtualClock;
  readonly trace?: Trace;
}

/** A CPU has been added; `present` counts all CPUs, it included. */
export interface CpuAdded {
  readonly apicId: number;
  readonly present: number;
}

/** The guest has set the clock, which is now `offsetSeconds` ahead of a clock that nobody touched. */
export interface TimeSet {
  readonly offsetSeconds: number;
}

/** The PC's real-time clock and CMOS RAM. Construct it, map `io` at port 0x70 and connect `irq` to ISA IRQ 8. */
export class RtcCmos implements Device {
  readonly typeName = 'mc146818rtc';
  readonly #untouched: { readonly baseSeconds: number; readonly edgeNs: number };

  readonly #clock: VirtualClock;
  readonly #trace: Points<typeof TRACE_POINTS>;
  readonly #updateTimer: Timer;
  readonly #periodicTimer: Timer;

  /** The IRQ pin (active high here): high while C.IRQF is set. */
  readonly irq: IrqLine = new IrqLine('rtc-cmos.irq');
  /** Index and data port. Wider accesses are split into bytes. */
  readonly io: Mmio;
  readonly #timeSet = new Subject<TimeSet>();
  readonly timeSet$: Observable<TimeSet> = this.#timeSet.asObservable();

  readonly properties: Readonly<Record<string, Property>> = {
    date: { type: 'str', get: () => new Date(this.#seconds() * 1000).toISOString() },
  };
  #state: RtcState;
  #updateDueNs = 0;

  constructor(services: RtcCmosServices, options: RtcCmosOptions) {
    this.#clock = services.clock;
    this.#trace = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.#updateTimer = services.clock.timer('rtc-cmos.update', () => this.#updateEnded());
    this.#periodicTimer = services.clock.timer('rtc-cmos.periodic', () => this.#periodElapsed());
    this.io = mmio('rtc-cmos', 2, {
      maxSize: 1,
      read: (offset) => (offset === DATA_PORT ? this.#readData() : 0xff),
      write: (offset, _size, value) => this.#writePort(offset, value),
    });
    this.#state = initialState(options.startDate, services.clock.now());
    this.#untouched = { ...this.#state };
    this.#armUpdate();
  }

  /** The RESET pin: interrupts off, flags clear. Time and RAM live on the battery and stay. */
  reset(): void {
    this.#setRegister(B.offset, this.#register(B.offset) & ~B_CLEARED_BY_RESET);
    this.#setRegister(C.offset, 0);
    this.#driveIrq();
    this.#periodicTimer.disarm();
    this.#armUpdate();
  }

  /** What the guest would read from a cell, without the side effect of reading register C. For the board and for monitors. */
  cell(index: number): number {
    checkIndex(index);
    if (index === A.offset) return A.UIP.put(this.#register(A.offset), this.#updateInProgress());
    if (this.#running() && TIME_REGISTERS.has(index)) renderTime(this.#seconds(), this.#state.cells);
    return this.#register(index);
  }

  /** Puts a byte into a RAM cell, 0x0e to 0x7f but not the century. For the board, which describes itself to the firmware there. */
  setCell(index: number, value: number): void {
    checkIndex(index);
    if (index <= D.offset || TIME_REGISTERS.has(index)) throw new RangeError(`cell ${index} belongs to the clock`);
    this.#setRegister(index, value);
  }

  #readData(): number {
    const index = this.#selected();
    const value = this.cell(index);
    if (index === C.offset) this.#flagsRead();
    if (this.#trace.rtc_read.on) this.#trace.rtc_read.emit(index, value);
    return value;
  }

  #flagsRead(): void {
    this.#setRegister(C.offset, 0);
    this.irq.lower();
    this.#armUpdate();
  }

  #writePort(offset: number, value: number): void {
    if (offset === INDEX_PORT) this.#state.index = value & INDEX_MASK;
    else this.#writeData(this.#selected(), value);
  }

  #writeData(index: number, value: number): void {
    if (this.#trace.rtc_write.on) this.#trace.rtc_write.emit(index, value);
    if (index === A.offset) this.#writeA(value);
    else if (index === B.offset) this.#writeB(value);
    else if (index === C.offset || index === D.offset) return;
    else if (TIME_REGISTERS.has(index)) this.#writeTime(index, value);
    else this.#writeRam(index, value);
  }

  #writeA(value: number): void {
    const period = this.#periodCycles();
    this.#reconfigure(A.offset, A.write(this.#register(A.offset), value));
    if (this.#periodCycles() !== period) this.#changePeriod(period);
    this.#armUpdate();
  }

  #writeB(value: number): void {
    const period = this.#periodCycles();
    this.#reconfigure(B.offset, B.SET.test(value) ? B.UIE.put(value, 0) : value);
    if (this.#periodCycles() !== period) this.#changePeriod(period);
    this.#driveIrq();
    this.#armUpdate();
  }

  /** Changes register A or B: stops the clock with its time in the bytes, or starts it from them. */
  #reconfigure(index: number, value: number): void {
    const wasRunning = this.#running();
    const wasHeld = this.#dividerHeld();
    if (wasRunning) renderTime(this.#seconds(), this.#state.cells);
    this.#setRegister(index, value);
    // Data sheet, "Divider Control": the first update comes half a second after the divider's reset is removed.
    if (wasHeld && !this.#dividerHeld()) this.#state.edgeNs = this.#clock.now() - SECOND_NS / 2;
    if (!wasRunning && this.#running()) this.#startFromCells();
  }

  #writeTime(index: number, value: number): void {
    if (this.#running()) renderTime(this.#seconds(), this.#state.cells);
    this.#setRegister(index, value);
    if (!this.#running()) return;
    this.#startFromCells();
    this.#armUpdate();
  }

  #writeRam(index: number, value: number): void {
    this.#setRegister(index, value);
    if (ALARM_REGISTERS.has(index)) this.#armUpdate();
  }

  #updateEnded(): void {
    this.#setFlags(C.UF.mask | (this.#alarmCame() ? C.AF.mask : 0));
    this.#armUpdate();
  }

  #periodElapsed(): void {
    this.#setFlags(C.PF.mask);
    this.#armPeriodic(this.#state.nextPeriodicCycle);
  }

  /** A CPU has been added: the firmware's count of CPUs follows from the fact, so that hearing it twice changes nothing. */
  readonly cpuAdded = ({ present }: CpuAdded): void => this.setCell(CPU_COUNT, present > 0xff ? 0 : present - 1);

  /** The machine suspends to RAM: the firmware shall resume instead of booting. */
  readonly suspended = (): void => this.setCell(SHUTDOWN_STATUS, SHUTDOWN_RESUME);

  save(): SavedState {
    return save(this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = load(saved, this.#state);
    this.irq.set(C.IRQF.test(this.#register(C.offset)));
    this.#armUpdate();
    if (this.#periodCycles() > 0) this.#periodicTimer.arm(CRYSTAL.nsAt(this.#state.nextPeriodicCycle));
    else this.#periodicTimer.disarm();
  }

  #register(index: number): number {
    return this.#state.cells[index] ?? 0;
  }

  #setRegister(index: number, value: number): void {
    this.#state.cells[index] = value;
  }

  /** The selected cell. Touching the PS/2's century selects the PC/AT's. */
  #selected(): number {
    if (this.#state.index === CENTURY_PS2) this.#state.index = CENTURY;
    return this.#state.index;
  }

  #running(): boolean {
    return !B.SET.test(this.#register(B.offset)) && A.DV.get(this.#register(A.offset)) <= DV_RUNNING;
  }

  #dividerHeld(): boolean {
    return A.DV.get(this.#register(A.offset)) >= DV_RESET;
  }

  #seconds(): number {
    return this.#running() ? secondsAt(this.#state, this.#clock.now()) : parseTime(this.#state.cells);
  }

  /** Shows the bytes' time from now on; the next update keeps its place within the second. */
  #startFromCells(): void {
    this.#state.baseSeconds = parseTime(this.#state.cells);
    this.#state.edgeNs = this.#nextEdgeNs() - SECOND_NS;
    this.#timeSet.next({ offsetSeconds: this.#seconds() - secondsAt(this.#untouched, this.#clock.now()) });
  }

  #nextEdgeNs(): number {
    const { edgeNs } = this.#state;
    return edgeNs + (Math.floor((this.#clock.now() - edgeNs) / SECOND_NS) + 1) * SECOND_NS;
  }

  #updateInProgress(): boolean {
    return this.#running() && this.#clock.now() >= this.#nextEdgeNs() - UIP_LEAD_NS;
  }

  #setFlags(flags: number): void {
    this.#setRegister(C.offset, this.#register(C.offset) | flags);
    this.#driveIrq();
    if (this.#trace.rtc_flags.on) this.#trace.rtc_flags.emit(flags, this.#register(C.offset));
  }

  /** IRQF is set while a flag and its enable are (data sheet, "Interrupts"). */
  #driveIrq(): void {
    const flags = this.#register(C.offset) & C_SOURCES;
    const high = (flags & this.#register(B.offset)) !== 0;
    this.#setRegister(C.offset, C.IRQF.put(flags, high));
    this.irq.set(high);
  }

  /** Arms the timer for the next update that changes a flag. QUIRK: while SET is set updates still set UF, as in QEMU 7.2; only the time stands. */
  #armUpdate(): void {
    const flags = this.#register(C.offset);
    this.#updateDueNs = this.#nextEdgeNs();
    if (C.UF.test(flags)) this.#updateDueNs += (this.#secondsUntilAlarm() - 1) * SECOND_NS;
    if (this.#dividerHeld() || C.AF.test(flags)) this.#updateTimer.disarm();
    else this.#updateTimer.arm(this.#updateDueNs);
  }

  #secondsUntilAlarm(): number {
    return this.#running() ? secondsUntilAlarm(this.#seconds(), this.#state.cells) : Number.POSITIVE_INFINITY;
  }

  /** Whether the time passed the alarm at the update that was due or since; timers may fire late. */
  #alarmCame(): boolean {
    if (!this.#running()) return false;
    const passed = Math.floor((this.#clock.now() - this.#updateDueNs) / SECOND_NS) + 1;
    return secondsUntilAlarm(this.#seconds() - passed, this.#state.cells) <= passed;
  }

  /** QUIRK: PF is set only while PIE is. The chip sets it always; guests that poll it set PIE, and idle machines stay idle. */
  #periodCycles(): number {
    if (!B.PIE.test(this.#register(B.offset))) return 0;
    return PERIOD_CYCLES[A.RS.get(this.#register(A.offset))] ?? 0;
  }

  /** The last interrupt, or else now, stays the start of the period that began with the rate of `previous` cycles. */
  #changePeriod(previous: number): void {
    this.#armPeriodic(previous === 0 ? CRYSTAL.ticksAt(this.#clock.now()) : this.#state.nextPeriodicCycle - previous);
  }

  #armPeriodic(startCycle: number): void {
    const period = this.#periodCycles();
    if (period === 0) return this.#periodicTimer.disarm();
    this.#state.nextPeriodicCycle = Math.max(CRYSTAL.ticksAt(this.#clock.now()), startCycle + period);
    this.#periodicTimer.arm(CRYSTAL.nsAt(this.#state.nextPeriodicCycle));
  }
}

function initialState(startDate: number, nowNs: number): RtcState {
  const baseSeconds = Math.floor(startDate / 1000);
  const cells = new Uint8Array(CELLS);
  for (const { offset, resetValue } of [A, B, C, D]) cells[offset] = resetValue;
  renderTime(baseSeconds, cells);
  return { index: 0, cells, baseSeconds, edgeNs: nowNs - Math.round((startDate - baseSeconds * 1000) * 1_000_000), nextPeriodicCycle: 0 };
}

/** What a clock shows that runs since `edgeNs` from `baseSeconds`. */
const secondsAt = ({ baseSeconds, edgeNs }: Pick<RtcState, 'baseSeconds' | 'edgeNs'>, nowNs: number): number =>
  baseSeconds + Math.floor((nowNs - edgeNs) / SECOND_NS);

function checkIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= CELLS) throw new RangeError(`no cell ${index}`);
}
