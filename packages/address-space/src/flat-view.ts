/** A window as the view needs it: where it lies; the list is in order of priority, highest first. */
export interface Placed {
  readonly gpa: number;
  readonly end: number;
}

/** Addresses `start` to `end` (exclusive), all served by one window, or by none. */
export interface FlatRange<W> {
  readonly start: number;
  readonly end: number;
  readonly window: W | undefined;
}

/** Where the space ends: no address has more bits (SDM, MAXPHYADDR). */
export const SPACE_BYTES: number = 2 ** 52;

/** Overlapping windows cut into ranges that do not overlap and leave no gap, so that an address is found by bisection. */
export class FlatView<W extends Placed> {
  readonly #ranges: readonly FlatRange<W>[];
  #last: FlatRange<W>;

  constructor(windows: readonly W[]) {
    this.#ranges = cut(windows);
    this.#last = this.#ranges[0] as FlatRange<W>;
  }

  /** The range that holds `gpa`; addresses outside the space belong to its last range. */
  at(gpa: number): FlatRange<W> {
    if (gpa >= this.#last.start && gpa < this.#last.end) return this.#last;
    this.#last = this.#bisect(gpa);
    return this.#last;
  }

  #bisect(gpa: number): FlatRange<W> {
    let [low, high] = [0, this.#ranges.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (gpa < (this.#ranges[middle] as FlatRange<W>).end) high = middle;
      else low = middle + 1;
    }
    return this.#ranges[low] as FlatRange<W>;
  }
}

/** Cuts at every edge of a window and joins neighbours that the same window serves. */
function cut<W extends Placed>(windows: readonly W[]): FlatRange<W>[] {
  const edges = [...new Set([0, SPACE_BYTES, ...windows.flatMap(({ gpa, end }) => [gpa, end])])].sort((a, b) => a - b);
  const ranges: FlatRange<W>[] = [];
  for (const [index, start] of edges.slice(0, -1).entries()) {
    const window = windows.find((placed) => placed.gpa <= start && start < placed.end);
    const before = ranges.at(-1);
    const end = edges[index + 1] as number;
    if (before !== undefined && before.window === window) ranges[ranges.length - 1] = { ...before, end };
    else ranges.push({ start, end, window });
  }
  return ranges;
}
