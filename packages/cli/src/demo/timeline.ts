import type { Pc } from '@hotsocket/machine-pc';
import type { TraceRecord } from '@hotsocket/trace';

/** Ports and cells of the hot-plug interface, and the pin of the SCI. */
const CPU_COUNT_CELL = 0x5f;
const SCI_PIN = 9;
const DELIVERY_INIT = 5;
const DELIVERY_STARTUP = 6;
const POINTS = ['piix4_cpu', 'piix4_sci', 'ioapic_deliver', 'icc_message'];

/** One thing that happened: who, what, and when in the guest's time. */
export interface Happening {
  readonly ns: number;
  readonly who: string;
  readonly what: string;
}

/** Follows one hot-add through the machine: notices, trace points, and what the tour adds itself. */
export class Timeline {
  readonly #machine: Pc;
  readonly #show: (happening: Happening) => void;
  readonly #stops: (() => void)[] = [];
  readonly #seen = new Set<string>();
  #running = false;

  constructor(machine: Pc, show: (happening: Happening) => void) {
    this.#machine = machine;
    this.#show = show;
  }

  start(): void {
    const { cpus, trace, rtc } = this.#machine.board;
    this.#running = true;
    for (const point of POINTS) trace.enable(point);
    this.#stops.push(trace.listen((record) => this.#record(record)));
    const notice = cpus.notify(() =>
      this.add('RTC', `CMOS ${hex(CPU_COUNT_CELL)} = ${rtc.cell(CPU_COUNT_CELL)}, the number of CPUs less one`),
    );
    this.#stops.push(() => notice.unsubscribe());
  }

  stop(): void {
    this.#running = false;
    for (const stop of this.#stops.splice(0)) stop();
    for (const point of POINTS) this.#machine.board.trace.disable(point);
  }

  add(who: string, what: string): void {
    if (this.#running) this.#show({ ns: this.#machine.board.clock.now(), who, what });
  }

  #record({ name, fields, values }: TraceRecord): void {
    const value = (field: string): number | string => values[fields.indexOf(field)] ?? 0;
    if (name === 'piix4_sci')
      this.#once(
        `sci ${value('level')}`,
        'SCI',
        value('level') ? 'interrupt 9 is raised' : 'interrupt 9 falls: the guest has cleared GPE0_STS',
      );
    if (name === 'ioapic_deliver' && value('pin') === SCI_PIN)
      this.#once('vector', 'I/O APIC', `pin 9 becomes vector ${hex(value('vector'))}`);
    if (name === 'piix4_cpu' && value('what') === 'insert') this.#inserted(value('apic_id'));
    if (name === 'piix4_cpu' && value('what') === 'noticed')
      this.#once('bitmap', 'guest', `the bitmap is read: it shows APIC id ${value('apic_id')}`);
    if (name === 'icc_message') this.#message(Number(value('mode')), value('destination'), Number(value('vector')), Number(value('level')));
  }

  /** PIIX4 is the first to hear the notice. */
  #inserted(apicId: number | string): void {
    this.add('notifier', `the CPU with APIC id ${apicId} is realized, its local APIC is on the bus: PIIX4 and RTC are told`);
    this.add('PIIX4', `bit ${apicId} of the bitmap at port AF00h and GPE0_STS bit 2 are set`);
  }

  #message(mode: number, destination: number | string, vector: number, level: number): void {
    if (mode === DELIVERY_INIT) this.#once(`init ${level}`, 'guest', `INIT to APIC id ${destination}`);
    if (mode === DELIVERY_STARTUP) this.#once('sipi', 'guest', `STARTUP to APIC id ${destination}: begin at ${hex(vector << 12)}`);
  }

  /** A step that repeats is shown the first time. */
  #once(key: string, who: string, what: string): void {
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.add(who, what);
  }
}

const hex = (value: number | string): string => `${Number(value).toString(16).toUpperCase()}h`;
