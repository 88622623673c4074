// The samples of a run by row and emulator, and why some are missing.
import { median } from './statistics.mjs';

/** Collects what tasks measure. */
export class Samples {
  /** One line for each run that failed. */
  failures = [];
  #rows = new Map();
  #tell;

  /** `tell` gets a line for every sample. */
  constructor(tell = () => {}) {
    this.#tell = tell;
  }

  /** Adds a sample: `{ wall, cpu }` in seconds, or `{ value }` in the row's unit. */
  add(row, emulator, sample) {
    const key = `${row}|${emulator}`;
    this.#rows.set(key, [...(this.#rows.get(key) ?? []), sample]);
    const figures = Object.entries(sample).map(([figure, value]) => `${figure} ${value.toPrecision(3)}`);
    this.#tell(`${row}, ${emulator}: ${figures.join(', ')}`);
  }

  /** The median of one figure (`wall`, `cpu`, `value`) of a row; undefined when it was not measured. */
  median(row, emulator, figure) {
    const found = this.#rows.get(`${row}|${emulator}`);
    return found === undefined ? undefined : median(found.map((sample) => sample[figure]));
  }

  /** Time of another emulator over that of Hotsocket: above 1 Hotsocket is faster. Undefined when either is missing. */
  ratio(row, emulator, by) {
    const [theirs, ours] = [this.median(row, emulator, by), this.median(row, 'hotsocket', by)];
    return theirs === undefined || ours === undefined ? undefined : theirs / ours;
  }
}
