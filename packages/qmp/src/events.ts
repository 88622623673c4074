import type { MachineEvent, OspmStatus } from '@hotsocket/machine/control';
import type { Observable, Subscription } from 'rxjs';
import type { Dialect } from './dialect.js';
import { type JsonOutput, stringify } from './json-value.js';
import { bool, enumeration, int, type Members, optional, type QapiType, str, struct } from './qapi-types.js';
import { offers } from './since.js';

/** An event of the wire, as data. */
export interface EventSpec {
  readonly name: MachineEvent['name'];
  /** First QEMU release that had it. */
  readonly since: string;
  readonly doc: string;
  readonly data?: Members;
  /** At most one a second goes out, and the last one wins: a guest can raise it as often as it likes. */
  readonly throttled?: boolean;
}

const reason = { guest: bool, reason: str };
const panicAction = enumeration('GuestPanicAction', ['pause', 'poweroff', 'run']);
/** An answer of the guest to a hot-plug request. */
export const ostInfo: QapiType<unknown> = struct('ACPIOSTInfo', {
  device: optional(str),
  slot: str,
  'slot-type': enumeration('ACPISlotType', ['DIMM', 'CPU']),
  source: int,
  status: int,
});

/** Every event this server may send. */
export const EVENTS: readonly EventSpec[] = [
  { name: 'STOP', since: '0.12', doc: 'The machine has stopped.' },
  { name: 'RESUME', since: '0.12', doc: 'The machine runs again.' },
  { name: 'RESET', since: '0.12', doc: 'The machine was reset.', data: reason },
  { name: 'SHUTDOWN', since: '0.12', doc: 'The machine has ended or wants to end.', data: reason },
  { name: 'POWERDOWN', since: '0.12', doc: 'The power button was pressed.' },
  { name: 'SUSPEND', since: '1.1', doc: 'The guest sleeps (S3).' },
  { name: 'SUSPEND_DISK', since: '1.2', doc: 'The guest has saved itself (S4).' },
  { name: 'WAKEUP', since: '1.1', doc: 'The guest has woken up.' },
  { name: 'RTC_CHANGE', since: '0.14', doc: 'The guest has set its clock.', data: { offset: int }, throttled: true },
  {
    name: 'GUEST_PANICKED',
    since: '1.5',
    doc: 'The guest has reported a panic.',
    data: { action: panicAction },
  },
  {
    name: 'GUEST_CRASHLOADED',
    since: '5.0',
    doc: 'The guest has reported a panic and loads a crash kernel.',
    data: { action: panicAction },
  },
  {
    name: 'WATCHDOG',
    since: '0.13',
    doc: 'A watchdog has run out.',
    data: { action: enumeration('WatchdogAction', ['reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none', 'inject-nmi']) },
    throttled: true,
  },
  { name: 'DEVICE_DELETED', since: '1.5', doc: 'A device is gone.', data: { device: optional(str), path: str } },
  { name: 'ACPI_DEVICE_OST', since: '2.1', doc: 'The guest has answered a hot-plug request.', data: { info: ostInfo } },
];

/** The events of a dialect. */
export function eventsOf(dialect: Dialect): readonly EventSpec[] {
  return EVENTS.filter(({ since }) => offers(dialect, since));
}

/** An event ready to be sent. */
export interface QmpEvent {
  readonly name: MachineEvent['name'];
  /** JSON text without a line end. */
  readonly text: string;
}

/** Host services of the feed. */
export interface EventServices {
  /** Microseconds since 1970. */
  now(): number;
  /** Runs a task later; returns what cancels it. */
  schedule(ms: number, task: () => void): () => void;
}

const THROTTLE_MS = 1000;

/** Turns the notices of a machine into events of the wire: stamps them at once, slows down those that a guest could flood. */
export class EventFeed {
  readonly #specs: ReadonlyMap<string, EventSpec>;
  readonly #dialect: Dialect;
  readonly #services: EventServices;
  readonly #send: (event: QmpEvent) => void;
  readonly #subscription: Subscription;
  readonly #waiting = new Map<string, { latest: QmpEvent | undefined; cancel: () => void }>();

  constructor(events$: Observable<MachineEvent>, dialect: Dialect, services: EventServices, send: (event: QmpEvent) => void) {
    this.#specs = new Map(eventsOf(dialect).map((spec) => [spec.name, spec]));
    this.#dialect = dialect;
    this.#services = services;
    this.#send = send;
    this.#subscription = events$.subscribe((event) => this.#take(event));
  }

  /** Stops listening; throttled events that wait are dropped. */
  dispose(): void {
    this.#subscription.unsubscribe();
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  #take(event: MachineEvent): void {
    const spec = this.#specs.get(event.name);
    if (spec === undefined) return;
    const stamped = { name: event.name, text: eventText(event, this.#dialect, this.#services.now()) };
    if (spec.throttled) this.#throttle(stamped);
    else this.#send(stamped);
  }

  #throttle(event: QmpEvent): void {
    const waiting = this.#waiting.get(event.name);
    if (waiting !== undefined) waiting.latest = event;
    else {
      this.#openWindow(event.name);
      this.#send(event);
    }
  }

  #openWindow(name: string): void {
    const cancel = this.#services.schedule(THROTTLE_MS, () => this.#closeWindow(name));
    this.#waiting.set(name, { latest: undefined, cancel });
  }

  #closeWindow(name: string): void {
    const latest = this.#waiting.get(name)?.latest;
    this.#waiting.delete(name);
    if (latest === undefined) return;
    this.#openWindow(name);
    this.#send(latest);
  }
}

function eventText(event: MachineEvent, dialect: Dialect, nowUs: number): string {
  const timestamp = { seconds: Math.floor(nowUs / 1e6), microseconds: Math.floor(nowUs % 1e6) };
  return stringify({ timestamp, event: event.name, data: eventData(event, dialect) });
}

/** The same in its wire form. */
export function ostOutput({ device, slot, slotType, source, status }: OspmStatus): JsonOutput {
  return { device, source, status, slot: String(slot), 'slot-type': slotType };
}

function eventData(event: MachineEvent, dialect: Dialect): JsonOutput | undefined {
  switch (event.name) {
    case 'RESET':
    case 'SHUTDOWN':
      if (dialect === '1.5') return undefined;
      return dialect === '3.1' ? { guest: event.guest } : { guest: event.guest, reason: event.reason };
    case 'GUEST_PANICKED':
    case 'GUEST_CRASHLOADED':
    case 'WATCHDOG':
      return { action: event.action };
    case 'RTC_CHANGE':
      return { offset: Math.trunc(event.offsetSeconds) };
    case 'DEVICE_DELETED':
      return { device: event.device, path: event.path };
    case 'ACPI_DEVICE_OST':
      return { info: ostOutput(event.info) };
    default:
      return undefined;
  }
}
