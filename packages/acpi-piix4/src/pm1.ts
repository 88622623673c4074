/** PM1 event and control registers and the power management timer. */
import { type AccessSize, type Mmio, mmio } from '@hotsocket/address-space';
import type { Register } from '@hotsocket/registers';
import { Crystal, type Timer, type VirtualClock } from '@hotsocket/virtual-clock';
import { PM_LENGTH, PM_TIMER_COUNTS, PM_TIMER_HALF, PM_TIMER_HZ, PM_TMR, PM1_CNT, PM1_EN, PM1_SCI_EVENTS, PM1_STS } from './spec.js';

const CRYSTAL = new Crystal(PM_TIMER_HZ);

/** What the block holds. */
export interface Pm1State {
  /** PM1_STS; its TMR bit is brought up to date when somebody looks. */
  sts: number;
  en: number;
  cnt: number;
  /** Tick of the timer, counted from power-on without end, at which TMR_STS is set next. */
  overflowTick: number;
}

/** What the block tells its owner. */
export interface Pm1Notices {
  /** An event or its enable may have changed: the SCI follows. */
  changed(): void;
  /** The guest wrote SLP_EN. */
  sleep(type: number): void;
}

/** PM1 registers at the datasheet's offsets in a window of 64 ports; the rest of it reads as ones. */
export class Pm1 {
  readonly region: Mmio;
  state: Pm1State;
  readonly #clock: VirtualClock;
  readonly #timer: Timer;
  readonly #notices: Pm1Notices;

  constructor(clock: VirtualClock, notices: Pm1Notices) {
    this.#clock = clock;
    this.#notices = notices;
    this.#timer = clock.timer('acpi-piix4.pm-timer', () => this.#changed());
    this.state = this.#initialState();
    this.region = mmio('acpi-piix4.pm', PM_LENGTH, {
      read: (offset, size) => this.#read(offset, size),
      write: (offset, size, value) => this.#write(offset, size, value),
    });
  }

  reset(): void {
    this.state = this.#initialState();
    this.#timer.disarm();
  }

  /** Re-arms the timer from a state that was put in from outside. */
  restored(): void {
    this.#arm();
  }

  /** Whether an event that raises the SCI is pending and enabled. SCI_EN is no part of it: the wire is the same for SMIs. */
  get pending(): boolean {
    return (this.#status() & this.state.en & PM1_SCI_EVENTS) !== 0;
  }

  /** Sets status bits from the hardware's side. */
  raise(status: number): void {
    this.state.sts |= status;
    this.#changed();
  }

  /** SCI_EN, which APM commands set and clear. */
  set sciEnabled(enabled: boolean) {
    this.state.cnt = PM1_CNT.SCI_EN.put(this.state.cnt, enabled);
  }

  #initialState(): Pm1State {
    return { sts: 0, en: 0, cnt: 0, overflowTick: this.#nextOverflow() };
  }

  #read(offset: number, size: AccessSize): number {
    if (offset === PM_TMR && size === 4) return this.#count();
    let value = 0;
    for (let at = 0; at < size; at++) value |= this.#readByte(offset + at) << (8 * at);
    return value >>> 0;
  }

  #readByte(offset: number): number {
    const shift = 8 * (offset & 1);
    if (offset < PM1_EN.offset) return (this.#status() >>> shift) & 0xff;
    if (offset < PM1_CNT.offset) return (this.state.en >>> shift) & 0xff;
    if (offset < PM1_CNT.offset + 2) return (this.state.cnt >>> shift) & 0xff;
    if (offset < PM_TMR || offset >= PM_TMR + 4) return 0xff;
    return (this.#count() >>> (8 * (offset - PM_TMR))) & 0xff;
  }

  /** The timer as the guest reads it. */
  #count(): number {
    return CRYSTAL.ticksAt(this.#clock.now()) % PM_TIMER_COUNTS;
  }

  #write(offset: number, size: AccessSize, value: number): void {
    const write = lanes(offset, size, value);
    const [sts, en, cnt] = [write(PM1_STS), write(PM1_EN), write(PM1_CNT)];
    if (sts.covered !== 0) this.#writeStatus(sts.value);
    if (en.covered !== 0) this.state.en = PM1_EN.write(this.state.en, merge(this.state.en, en));
    if (sts.covered !== 0 || en.covered !== 0) this.#changed();
    if (cnt.covered !== 0) this.#writeControl(cnt);
  }

  #writeStatus(written: number): void {
    const cleared = PM1_STS.TMR.test(this.#status() & written);
    this.state.sts = PM1_STS.write(this.state.sts, written);
    if (cleared) this.state.overflowTick = this.#nextOverflow();
  }

  #writeControl(write: Lanes): void {
    const written = merge(this.state.cnt, write);
    this.state.cnt = PM1_CNT.write(this.state.cnt, written);
    if (PM1_CNT.SLP_EN.test(write.value)) this.#notices.sleep(PM1_CNT.SLP_TYP.get(written));
  }

  /** PM1_STS now. */
  #status(): number {
    if (CRYSTAL.ticksAt(this.#clock.now()) >= this.state.overflowTick) this.state.sts |= PM1_STS.TMR.mask;
    return this.state.sts;
  }

  #changed(): void {
    this.#arm();
    this.#notices.changed();
  }

  /** The timer's event is awaited only while it would raise the SCI. */
  #arm(): void {
    const awaited = PM1_EN.TMR.test(this.state.en) && !PM1_STS.TMR.test(this.#status());
    if (awaited) this.#timer.arm(CRYSTAL.nsAt(this.state.overflowTick));
    else this.#timer.disarm();
  }

  /** The next tick at which bit 23 of the timer changes. */
  #nextOverflow(): number {
    return (Math.floor(CRYSTAL.ticksAt(this.#clock.now()) / PM_TIMER_HALF) + 1) * PM_TIMER_HALF;
  }
}

/** The part of a write that meets one register: which bits, and what they say. */
interface Lanes {
  readonly covered: number;
  readonly value: number;
}

/** How a write of `size` bytes at `offset` meets 16-bit registers. */
function lanes(offset: number, size: AccessSize, value: number): (register: Register) => Lanes {
  return (register) => {
    const bytes = [0, 1].map((at) => register.offset + at - offset);
    const covered = bytes.map((at) => (at >= 0 && at < size ? 0xff : 0));
    const parts = bytes.map((at, index) => (value >>> (8 * at)) & (covered[index] ?? 0));
    return { covered: (covered[0] ?? 0) | ((covered[1] ?? 0) << 8), value: (parts[0] ?? 0) | ((parts[1] ?? 0) << 8) };
  };
}

const merge = (current: number, { covered, value }: Lanes): number => (current & ~covered) | value;
