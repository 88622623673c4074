import { type Mmio, mmio } from '@hotsocket/address-space';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { POST_CODES } from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

const KIND = 'post-code';
const VERSION = 1;

interface PostCodeState {
  /** The byte last written since reset. */
  last: number;
  /** Codes before, a ring: `count` of them up to, and without, index `next`. */
  readonly codes: Uint8Array;
  next: number;
  count: number;
}

const initialState = (): PostCodeState => ({ last: 0, codes: new Uint8Array(POST_CODES), next: 0, count: 0 });

/** Port 80h: progress codes of firmware. Reads back; remembers the last 64 changes, also over resets. */
export class PostCode implements Device {
  readonly typeName: string = KIND;
  /** One port; wider accesses are split into bytes. */
  readonly io: Mmio;
  readonly #points: Points<typeof TRACE_POINTS>;
  #state: PostCodeState = initialState();

  constructor(services: { readonly trace?: Trace } = {}) {
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.io = mmio(KIND, 1, { maxSize: 1, read: () => this.#state.last, write: (_offset, _size, value) => this.#write(value) });
  }

  /** The byte last written since reset. */
  get last(): number {
    return this.#state.last;
  }

  /** The last codes, oldest first; the same code twice in a row counts once, because guests write here to wait. */
  history(): number[] {
    const { codes, next, count } = this.#state;
    return Array.from({ length: count }, (_, index) => codes[(next + POST_CODES - count + index) % POST_CODES]!);
  }

  reset(): void {
    this.#state.last = 0;
  }

  save(): SavedState {
    return savedState(KIND, VERSION, this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = restoreLike(saved, KIND, VERSION, initialState(), { last: 0xff, next: POST_CODES - 1, count: POST_CODES });
  }

  #write(value: number): void {
    const state = this.#state;
    state.last = value;
    if (this.#points.post_code.on) this.#points.post_code.emit(value);
    if (state.count > 0 && state.codes[(state.next + POST_CODES - 1) % POST_CODES] === value) return;
    state.codes[state.next] = value;
    state.next = (state.next + 1) % POST_CODES;
    state.count = Math.min(state.count + 1, POST_CODES);
  }
}
