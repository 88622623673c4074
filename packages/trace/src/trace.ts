/** Names of trace points and of their arguments: `{ rtc_read: ['index', 'value'] }`. */
export type PointDefinitions = Readonly<Record<string, readonly string[]>>;
/** The points of one definition, by name. */
export type Points<D extends PointDefinitions> = { readonly [K in keyof D]: TracePoint };

/** One hit of a trace point. */
export interface TraceRecord {
  readonly name: string;
  readonly fields: readonly string[];
  readonly values: readonly (number | string)[];
}

/** Where records go. */
export type TraceSink = (record: TraceRecord) => void;

/** One named point. Callers test `on` first, so that a point that is off costs one load. */
export class TracePoint {
  readonly name: string;
  readonly fields: readonly string[];
  on = false;
  readonly #sink: TraceSink;

  constructor(name: string, fields: readonly string[], sink: TraceSink) {
    this.name = name;
    this.fields = fields;
    this.#sink = sink;
  }

  emit(...values: (number | string)[]): void {
    this.#sink({ name: this.name, fields: this.fields, values });
  }
}

/** The trace points of one machine: devices define them, frontends switch them on by pattern. */
export class Trace {
  readonly #points = new Map<string, TracePoint[]>();
  /** What was switched, oldest first: the last match decides. */
  readonly #switches: { readonly matcher: RegExp; readonly on: boolean }[] = [];
  readonly #sinks = new Set<TraceSink>();
  readonly #watchers = new Map<string, (on: boolean) => void>();

  /** Makes the points of a device. Two devices of one kind share the names. */
  points<const D extends PointDefinitions>(definitions: D): Points<D> {
    const made = Object.entries(definitions).map(([name, fields]) => [name, this.#define(name, fields)] as const);
    return Object.fromEntries(made) as Points<D>;
  }

  /** Switches on all points that match a pattern with `*`, also those defined later. Returns how many names match now. */
  enable(pattern: string): number {
    return this.#switch(pattern, true);
  }

  /** Switches them off again. */
  disable(pattern: string): number {
    return this.#switch(pattern, false);
  }

  /** Tells whether a point is on, now and at each change: for a point whose records cost something to prepare. One watcher a point. */
  watch(name: string, switched: (on: boolean) => void): void {
    this.#watchers.set(name, switched);
    switched(this.#points.get(name)?.some(({ on }) => on) ?? false);
  }

  /** Adds a listener of all records; returns its removal. */
  listen(sink: TraceSink): () => void {
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  /** All names, sorted. */
  names(): string[] {
    return [...this.#points.keys()].sort();
  }

  #switch(pattern: string, on: boolean): number {
    const matcher = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
    this.#switches.push({ matcher, on });
    const names = this.names().filter((name) => matcher.test(name));
    for (const name of names) {
      for (const point of this.#points.get(name) ?? []) point.on = on;
      this.#watchers.get(name)?.(on);
    }
    return names.length;
  }

  #define(name: string, fields: readonly string[]): TracePoint {
    const point = new TracePoint(name, fields, (record) => this.#deliver(record));
    point.on = this.#switches.findLast(({ matcher }) => matcher.test(name))?.on ?? false;
    this.#points.set(name, [...(this.#points.get(name) ?? []), point]);
    return point;
  }

  #deliver(record: TraceRecord): void {
    for (const sink of this.#sinks) sink(record);
  }
}
