import type { Pc } from '@hotsocket/machine-pc';
import type { TraceRecord } from '@hotsocket/trace';

/** Ports that belong to hot-add: PM1 event block, CMOS, CPU bitmap and GPE0. Not the PM timer, which is read all the time. */
const PORTS: readonly (readonly [first: number, last: number])[] = [
  [0x70, 0x71],
  [0xaf00, 0xaf1f],
  [0xafe0, 0xafe3],
  [0xb000, 0xb003],
];
const NAMES: Readonly<Record<number, string>> = {
  2: 'ID',
  8: 'TPR',
  13: 'LDR',
  14: 'DFR',
  15: 'SVR',
  25: 'TMR1',
  40: 'ESR',
  48: 'ICR_LO',
  49: 'ICR_HI',
  50: 'TIMER',
  53: 'LINT0',
  54: 'LINT1',
  55: 'ERROR',
  62: 'DIVIDE',
};
const SIZES: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'd' };
const POINTS = ['io_read', 'io_write', 'apic_read', 'apic_write', 'apic_acknowledge', 'apic_eoi'];

/** One event on the wire. */
export interface WireEvent {
  readonly text: string;
  /** Guest time. */
  readonly ns: number;
}

/** The accesses of a hot-add in order, one line each: `cpu0 in afe0 b -> 4`, `cpu0 wr ICR_LO <- c500`, `cpu0 vector 21`. */
export class WireLog {
  readonly events: WireEvent[] = [];
  readonly #pc: Pc;
  readonly #stop: () => void;

  constructor(pc: Pc) {
    this.#pc = pc;
    const { trace } = pc.board;
    for (const name of POINTS) trace.enable(name);
    const remove = trace.listen((record) => this.#take(record));
    this.#stop = () => {
      for (const name of POINTS) trace.disable(name);
      remove();
    };
  }

  stop(): void {
    this.#stop();
  }

  /** Texts of the events that match, in order. */
  lines(pattern: RegExp = /^/): string[] {
    return this.events.filter(({ text }) => pattern.test(text)).map(({ text }) => text);
  }

  #take({ name, values }: TraceRecord): void {
    const text = name.startsWith('io_') ? this.#port(name, values as number[]) : apicText(name, values as number[]);
    if (text !== undefined) this.events.push({ text, ns: this.#pc.board.clock.now() });
  }

  #port(name: string, values: number[]): string | undefined {
    const [port = 0, size = 1, value = 0] = values;
    const { running } = this.#pc.board.executor;
    if (!running || !PORTS.some(([first, last]) => port >= first && port <= last)) return undefined;
    const place = `${hex(port).padStart(4, '0')} ${SIZES[size]}`;
    return name === 'io_read' ? `cpu${running.index} in ${place} -> ${hex(value)}` : `cpu${running.index} out ${place} <- ${hex(value)}`;
  }
}

const hex = (value: number): string => (value >>> 0).toString(16);

function apicText(name: string, values: number[]): string | undefined {
  const [id, what = 0, value = 0] = values;
  if (name === 'apic_acknowledge') return `cpu${id} vector ${hex(what)}`;
  if (name === 'apic_eoi') return `cpu${id} eoi ${hex(what)}`;
  const register = NAMES[what];
  if (register === undefined) return undefined;
  return name === 'apic_read' ? `cpu${id} rd ${register} -> ${hex(value)}` : `cpu${id} wr ${register} <- ${hex(value)}`;
}
