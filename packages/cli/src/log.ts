import { closeSync, openSync, writeSync } from 'node:fs';
import type { Trace, TraceRecord } from '@hotsocket/trace';
import { systemText, UsageError } from './usage-error.js';

/** Messages for the user, one a line: `hotsocket: what it is`. */
export class Log {
  readonly #stream: NodeJS.WritableStream;
  timestamps = false;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    stream.on('error', () => {});
  }

  /** Line ends inside a message would make two messages of one. */
  readonly line = (message: string): void => {
    const stamp = this.timestamps ? `${new Date().toISOString()} ` : '';
    this.#stream.write(`${stamp}hotsocket: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
  };

  /** Text that is not a message, such as trace records. */
  readonly raw = (text: string): void => {
    this.#stream.write(text);
  };
}

export interface TraceLogOptions {
  /** The guest's time in nanoseconds. */
  readonly now: () => number;
  readonly log: Log;
  /** File to write to instead of standard error. */
  readonly path: string | undefined;
  /** More lines about a record, or nothing. */
  readonly detail: (record: TraceRecord) => string;
}

/** Writes trace records as lines, collected per turn of the event loop: `0.001234567 rtc_read index=0xb value=0x2`. */
export class TraceLog {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #stop: () => void;
  readonly #detail: (record: TraceRecord) => string;
  #lines: string[] = [];
  #descriptor: number | undefined;

  constructor(trace: Trace, { now, log, path, detail }: TraceLogOptions) {
    if (path !== undefined) this.#descriptor = open(path);
    const descriptor = this.#descriptor;
    this.#write = descriptor === undefined ? log.raw : (text) => void writeSync(descriptor, text);
    this.#now = now;
    this.#detail = detail;
    this.#stop = trace.listen((record) => this.#add(record));
  }

  close(): void {
    this.#stop();
    this.#flush();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }

  #add(record: TraceRecord): void {
    if (this.#lines.length === 0) setImmediate(() => this.#flush());
    this.#lines.push(`${seconds(this.#now())} ${formatRecord(record)}\n${this.#detail(record)}`);
    if (this.#lines.length >= MOST_LINES) this.#flush();
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#write(text);
  }
}

const MOST_LINES = 1000;

const open = (path: string): number => {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`-D ${path}: could not open the file: ${systemText(error)}`);
  }
};

const seconds = (ns: number): string => `${Math.floor(ns / 1e9)}.${String(Math.floor(ns % 1e9)).padStart(9, '0')}`;

/** One record as text: numbers above 9 in hexadecimal. */
export function formatRecord({ name, fields, values }: TraceRecord): string {
  return [name, ...fields.map((field, index) => `${field}=${format(values[index])}`)].join(' ');
}

const format = (value: number | string | undefined): string =>
  typeof value === 'number' && value > 9 ? `0x${value.toString(16)}` : String(value);
