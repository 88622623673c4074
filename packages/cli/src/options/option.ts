import type { Draft } from '../command-line.js';

/** A text that is asked for instead of a machine: it goes to standard output, and the exit status is 0. */
export class Information {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export const GROUPS = [
  'Machine',
  'Boot',
  'Console and monitors',
  'Devices',
  'Running',
  'In test runs',
  'Tracing',
  'Other',
  'Accepted, change nothing',
] as const;

/** One option. Options without `argument` take none. */
export interface Option {
  /** The first is the one that help shows. Without dashes. */
  readonly names: readonly string[];
  readonly argument?: string;
  readonly group: (typeof GROUPS)[number];
  readonly help: string;
  /** Takes the option into the draft. May answer with a text instead. Throws UsageError. */
  apply(draft: Draft, value: string): Information | undefined;
}
