import type { LocalApic, LocalApicState } from '@hotsocket/apic';
import type { I8259Pair, I8259PairState, I8259State } from '@hotsocket/i8259';
import type { IoApic, IoApicState } from '@hotsocket/ioapic';
import type { SavedState } from '@hotsocket/saved-state';

const hex = (value: number, digits: number): string => (value >>> 0).toString(16).padStart(digits, '0');
const bit = (value: number, place: number): boolean => ((value >>> place) & 1) !== 0;

/** What a device saves is a plain record of the state type that its package exports. */
const stateOf = <State>(device: { save(): SavedState }): State => device.save().data as unknown as State;

/** Both 8259s, a line each: registers and pins in hexadecimal, first the input of the highest priority, then modes that are on. */
export function picText(pic: I8259Pair): string {
  const { master, slave } = stateOf<I8259PairState>(pic);
  return `master: ${chipText(master)}\nslave:  ${chipText(slave)}\n`;
}

function chipText(chip: I8259State): string {
  const { irr, imr, isr, inputs, elcr, vectorBase, lowest } = chip;
  const registers = Object.entries({ irr, imr, isr, inputs, elcr }).map(([name, value]) => `${name}=${hex(value, 2)}`);
  const vectors = `vectors=${hex(vectorBase, 2)}-${hex(vectorBase + 7, 2)}`;
  return [...registers, vectors, `first=ir${(lowest + 1) & 7}`, ...chipModes(chip)].join(' ');
}

function chipModes({ awaitedIcw, autoEoi, rotateOnAutoEoi, specialFullyNested, specialMask, ltim, poll }: I8259State): string[] {
  const modes = { autoEoi, rotateOnAutoEoi, specialFullyNested, specialMask, level: ltim, poll };
  const on = Object.entries(modes).flatMap(([name, value]) =>
    value ? [name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] : [],
  );
  return awaitedIcw > 0 ? [`awaits-icw${awaitedIcw}`, ...on] : on;
}

const LVT_NAMES = ['TIMER', 'THERMAL', 'PERFORMANCE', 'LINT0', 'LINT1', 'ERROR'] as const;
const DELIVERY_MODES = ['fixed', 'lowest', 'SMI', 'reserved', 'NMI', 'INIT', 'startup', 'ExtINT'] as const;
const TIMER_MODES = ['one-shot', 'periodic', 'tsc-deadline', 'reserved'] as const;
const DIVIDERS = [2, 4, 8, 16, 32, 64, 128, 1];

/** Bits that redirection entries and entries of the local vector table have in common, as words. */
function entryWords(entry: number): string[] {
  const polarity = bit(entry, 13) ? 'active-low' : 'active-high';
  return [DELIVERY_MODES[(entry >>> 8) & 7]!, bit(entry, 15) ? 'level' : 'edge', polarity, ...(bit(entry, 16) ? ['masked'] : [])];
}

/** A local APIC: entries of the local vector table, timer, registers, and the vectors in service and requested. */
export function localApicText(apic: LocalApic, cpuIndex: number): string {
  const state = stateOf<LocalApicState>(apic);
  const { id, baseHigh, baseLow, svr, lvt, icrHigh, icrLow, tpr, ldr, dfr, esr } = state;
  const base = `${baseHigh === 0 ? '' : hex(baseHigh, 1)}${hex(baseLow & 0xffff_f000, 8)}`;
  const enabled = bit(svr, 8) ? 'enabled' : 'disabled';
  return [
    `local APIC of CPU ${cpuIndex}: id ${id}, base ${base}, ${enabled}, spurious vector ${hex(svr & 0xff, 2)}`,
    ...lvt.map(
      (entry, n) => `  ${LVT_NAMES[n]!.padEnd(12)}${hex(entry, 8)}  vector ${hex(entry & 0xff, 2)}  ${lvtWords(entry, n).join(' ')}`,
    ),
    `  ${timerText(state)}`,
    `  icr ${hex(icrHigh, 8)} ${hex(icrLow, 8)}  tpr ${hex(tpr, 2)}  ldr ${hex(ldr, 8)}  dfr ${hex(dfr, 8)}  esr ${hex(esr, 2)}`,
    ...(['isr', 'irr', 'tmr'] as const).map((name) => `  ${name} ${vectorsText(state[name])}`),
    ...(state.waitsForSipi ? ['  waits for a startup message'] : []),
    '',
  ].join('\n');
}

const lvtWords = (entry: number, n: number): string[] =>
  LVT_NAMES[n] === 'TIMER' ? [TIMER_MODES[(entry >>> 17) & 3]!, ...(bit(entry, 16) ? ['masked'] : [])] : entryWords(entry);

function timerText({ timer: { divide, initialCount, running } }: LocalApicState): string {
  const divider = DIVIDERS[(divide & 3) | ((divide >>> 1) & 4)]!;
  return `timer: divides by ${divider}, initial count ${initialCount}, ${running ? 'runs' : 'stands'}`;
}

function vectorsText(set: readonly number[]): string {
  const vectors = set.flatMap((word, n) => Array.from({ length: 32 }, (_, place) => (bit(word, place) ? hex(32 * n + place, 2) : '')));
  return vectors.filter((vector) => vector !== '').join(' ') || 'none';
}

/** The I/O APIC: a line for each redirection entry. */
export function ioApicText(ioapic: IoApic): string {
  const { id, select, low, high, inputs } = stateOf<IoApicState>(ioapic);
  const pins = low.map((entry, pin) => {
    const destination = `${bit(entry, 11) ? 'logical' : 'physical'} ${hex(high[pin]! >>> 24, 2)}`;
    const words = [...entryWords(entry), ...(bit(entry, 14) ? ['remote-irr'] : []), ...(bit(inputs, pin) ? ['pin-high'] : [])];
    return `  pin ${String(pin).padEnd(3)}${hex(high[pin]!, 8)}${hex(entry, 8)}  vector ${hex(entry & 0xff, 2)}  ${destination}  ${words.join(' ')}`;
  });
  return [`I/O APIC: id ${id}, register ${hex(select, 2)} selected`, ...pins, ''].join('\n');
}
