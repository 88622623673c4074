import { type Observable, Subject } from 'rxjs';
import { PcError } from './pc-error.js';

/** Events that an iterator keeps for a reader who is slow. */
const MOST_WAITING = 4096;

/**
 * Facts in order, as an Observable and as an AsyncIterable. They are delivered between two turns of the guest, after what caused them is
 * complete, so a subscriber may call the machine; what a subscriber throws concerns no other.
 */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #subject = new Subject<T>();
  readonly #queue: T[] = [];
  readonly events$: Observable<T> = this.#subject.asObservable();
  #ended = false;

  push(event: T): void {
    if (this.#ended) return;
    if (this.#queue.push(event) === 1) queueMicrotask(() => this.#deliver());
  }

  /** Delivers what waits, then completes. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deliver();
    this.#subject.complete();
  }

  #deliver(): void {
    for (const event of this.#queue.splice(0)) this.#subject.next(event);
  }

  /** Everything from now on. A reader who is more than 4096 events behind gets PcError `EVENTS_LOST`. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new EventIterator(this.events$);
  }
}

class EventIterator<T> implements AsyncIterator<T, undefined> {
  readonly #waiting: T[] = [];
  readonly #subscription: { unsubscribe(): void };
  #readers: (() => void)[] = [];
  #ended = false;
  #lost = false;

  constructor(events$: Observable<T>) {
    this.#subscription = events$.subscribe({ next: (event) => this.#heard(event), complete: () => this.#end() });
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#waiting.length === 0 && !this.#ended) await new Promise<void>((heard) => this.#readers.push(heard));
    const event = this.#waiting.shift();
    if (event !== undefined) return { done: false, value: event };
    if (this.#lost) throw new PcError('EVENTS_LOST', `the reader of events was more than ${MOST_WAITING} behind`);
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#waiting.length = 0;
    this.#lost = false;
    this.#end();
    return { done: true, value: undefined };
  }

  #heard(event: T): void {
    this.#lost = this.#waiting.length >= MOST_WAITING;
    if (this.#lost) return this.#end();
    this.#waiting.push(event);
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#subscription?.unsubscribe();
    this.#wake();
  }

  #wake(): void {
    for (const reader of this.#readers.splice(0)) reader();
  }
}
