import type { AccessSize, MemorySpace } from '@hotsocket/address-space';
import { IrqLine, IrqPin } from '@hotsocket/irq-line';
import type { Pc } from '@hotsocket/machine-pc';
import type { IrqDirection, IrqTap, QtestTarget } from './target.js';

const PAGE = 4096;
/** IrqPins of one chip, by number. */
const PINS = 24;
/** Inputs without a name, as QEMU calls them. */
const UNNAMED = 'unnamed-gpio-in';
/** The board's interrupt 0 arrives at this pin of the I/O APIC; its number on the wire is 0. */
const TIMER_PIN = 2;

interface Chip {
  /** Type of its object, by which a path is recognised. */
  readonly type: string;
  readonly pin?: (number: number) => IrqPin | undefined;
  readonly lines?: readonly IrqLine[];
}

/** Connects qtest to a PC that is not started: its CPUs do not run, and its time moves only by command. */
export class PcQtestTarget implements QtestTarget {
  readonly #pc: Pc;
  readonly #chips: readonly Chip[];
  readonly #driven = new Map<string, IrqLine>();

  constructor(pc: Pc) {
    this.#pc = pc;
    this.#chips = chipsOf(pc);
  }

  readPort(port: number, size: AccessSize): number {
    return this.#pc.readPort(port, size);
  }

  writePort(port: number, size: AccessSize, value: number): void {
    this.#pc.writePort(port, size, value);
  }

  readMemory(gpa: number, size: AccessSize): number {
    return this.#pc.board.mem.read(gpa, size);
  }

  writeMemory(gpa: number, size: AccessSize, value: number): void {
    this.#pc.board.mem.write(gpa, size, value);
  }

  readBytes(gpa: number, into: Uint8Array): void {
    const { mem } = this.#pc.board;
    for (const { at, length, storage } of pieces(mem, 'pageForRead', gpa, into.length)) {
      const piece = into.subarray(at, at + length);
      if (storage) mem.readBytes(gpa + at, piece);
      else readRegisters(mem, gpa + at, piece);
    }
  }

  writeBytes(gpa: number, from: Uint8Array): void {
    const { mem } = this.#pc.board;
    for (const { at, length, storage } of pieces(mem, 'pageForWrite', gpa, from.length)) {
      const piece = from.subarray(at, at + length);
      if (storage) mem.writeBytes(gpa + at, piece);
      else writeRegisters(mem, gpa + at, piece);
    }
  }

  now(): number {
    return this.#pc.board.clock.now();
  }

  nextDeadline(): number {
    return this.#pc.board.clock.nextDeadline();
  }

  advanceTo(ns: number): void {
    const { clock, time } = this.#pc.board;
    for (let next = clock.nextDeadline(); next <= ns; next = clock.nextDeadline()) {
      time.warpTo(next);
      clock.runExpired();
    }
    time.warpTo(ns);
    this.#pc.settle();
  }

  irqs(path: string, direction: IrqDirection): IrqTap | undefined {
    const chip = this.#chip(path);
    if (!chip) return undefined;
    return { device: chip.type, listen: (changed) => (direction === 'in' ? this.#tapInputs(chip, changed) : tapLines(chip, changed)) };
  }

  setIrqIn(path: string, name: string, number: number, high: boolean): boolean {
    const chip = this.#chip(path);
    const pin = name === UNNAMED ? chip?.pin?.(number) : undefined;
    if (!chip || !pin) return false;
    const key = `${chip.type} ${number}`;
    const line = this.#driven.get(key) ?? newLine(pin);
    this.#driven.set(key, line);
    line.set(high);
    return true;
  }

  /** A path of the object tree, or as much of one as names one device: `ioapic`. */
  #chip(path: string): Chip | undefined {
    const type = this.#pc.qom.resolve(path)?.type ?? path.split('/').at(-1);
    return this.#chips.find((chip) => chip.type === type);
  }

  #tapInputs({ pin }: Chip, changed: (number: number, high: boolean) => void): () => void {
    const tap = new Tap(changed);
    const lines = linesOf(this.#pc);
    for (let number = 0; number < PINS; number++) {
      const input = pin?.(number);
      if (input)
        tap.connect(
          number,
          lines.filter((line) => line.pins.includes(input)),
        );
    }
    return tap.open();
  }
}

/** Pins beside those of a chip. Levels that are there when it opens are no changes. */
class Tap {
  readonly #changed: (number: number, high: boolean) => void;
  #listening = false;

  constructor(changed: (number: number, high: boolean) => void) {
    this.#changed = changed;
  }

  /** All `lines` together make the level of wire `number`. */
  connect(number: number, lines: readonly IrqLine[]): void {
    const pin = new IrqPin(`qtest.${number}`, (high) => {
      if (this.#listening) this.#changed(number, high);
    });
    for (const line of lines) line.connect(pin);
  }

  /** Starts listening; returns what ends it. */
  open(): () => void {
    this.#listening = true;
    return () => {
      this.#listening = false;
    };
  }
}

function tapLines({ lines = [] }: Chip, changed: (number: number, high: boolean) => void): () => void {
  const tap = new Tap(changed);
  for (const [number, line] of lines.entries()) tap.connect(number, [line]);
  return tap.open();
}

function newLine(pin: IrqPin): IrqLine {
  const line = new IrqLine(`qtest-${pin.label}`);
  line.connect(pin);
  return line;
}

function chipsOf({ board }: Pc): readonly Chip[] {
  const { ioapic, pic, pit, rtc, keyboard, com1, pm, isaBridge } = board;
  return [
    { type: 'ioapic', pin: (number) => ioApicPin(ioapic, number) },
    { type: 'isa-i8259', pin: (number) => (number < 16 && number !== 2 ? pic.ir(number) : undefined), lines: [pic.intr] },
    { type: pit.typeName, lines: [pit.out0] },
    { type: rtc.typeName, lines: [rtc.irq] },
    { type: keyboard.typeName, lines: [keyboard.keyboardIrq, keyboard.mouseIrq] },
    { type: com1.typeName, lines: [com1.irq] },
    { type: pm.typeName, lines: [pm.sci] },
    { type: isaBridge.typeName, pin: (number) => isaBridge.pirq[number], lines: isaBridge.irq },
  ];
}

/** Inputs are numbered as the interrupts that arrive there: 0 is the timer, and nothing arrives as 2. */
function ioApicPin(ioapic: Pc['board']['ioapic'], number: number): IrqPin | undefined {
  if (number >= PINS || number === TIMER_PIN) return undefined;
  return ioapic.pin(number === 0 ? TIMER_PIN : number);
}

function linesOf({ board }: Pc): readonly IrqLine[] {
  const { pit, rtc, keyboard, com1, pm, isaBridge, pci } = board;
  return [pit.out0, rtc.irq, keyboard.keyboardIrq, keyboard.mouseIrq, com1.irq, pm.sci, ...isaBridge.irq, ...pci.pirq];
}

interface Piece {
  readonly at: number;
  readonly length: number;
  /** Bytes, or nothing at all: there are no registers in it. */
  readonly storage: boolean;
}

/** The pages of a range. */
function* pieces(mem: MemorySpace, page: 'pageForRead' | 'pageForWrite', gpa: number, length: number): Generator<Piece> {
  for (let at = 0; at < length; ) {
    const inPage = (gpa + at) % PAGE;
    const run = Math.min(PAGE - inPage, length - at);
    yield { at, length: run, storage: mem[page](gpa + at - inPage).kind !== 'mmio' };
    at += run;
  }
}

/** The widest access that is aligned and fits. */
function width(gpa: number, left: number): AccessSize {
  if (gpa % 4 === 0 && left >= 4) return 4;
  return gpa % 2 === 0 && left >= 2 ? 2 : 1;
}

function readRegisters(mem: MemorySpace, gpa: number, into: Uint8Array): void {
  for (let at = 0; at < into.length; ) {
    const size = width(gpa + at, into.length - at);
    const value = mem.read(gpa + at, size);
    for (let byte = 0; byte < size; byte++) into[at + byte] = value >>> (8 * byte);
    at += size;
  }
}

function writeRegisters(mem: MemorySpace, gpa: number, from: Uint8Array): void {
  for (let at = 0; at < from.length; ) {
    const size = width(gpa + at, from.length - at);
    let value = 0;
    for (let byte = 0; byte < size; byte++) value |= (from[at + byte] as number) << (8 * byte);
    mem.write(gpa + at, size, value >>> 0);
    at += size;
  }
}
