import type { MachineEvent } from '@hotsocket/machine/control';
import type { Pc } from '@hotsocket/machine-pc';

/** Characters of a line without an end after which it is told all the same. */
const LONGEST_LINE = 4096;

/** What happens to a machine, as JSON objects, one a line; `time` is the guest's, in seconds. */
export class JsonLines {
  readonly #stream: NodeJS.WritableStream;
  #machine: Pc | undefined;
  #line = '';

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  /** The machine whose events and times are told. */
  follow(machine: Pc): void {
    this.#machine = machine;
    machine.events$.subscribe(({ name, ...data }: MachineEvent) => this.#put({ type: 'event', name, ...data }));
  }

  /** What the guest prints, in whole lines. */
  serial(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#put({ type: 'serial', line: line.replace(/\r$/, '') });
    if (this.#line.length > LONGEST_LINE) this.#flush();
  }

  step(index: number, what: string): void {
    this.#put({ type: 'step', step: index + 1, what });
  }

  /** The last line. */
  end(status: number, reason: string): void {
    this.#flush();
    this.#put({ type: 'end', status, reason, instructions: this.#machine?.instructions ?? 0 });
  }

  #flush(): void {
    if (this.#line !== '') this.#put({ type: 'serial', line: this.#line });
    this.#line = '';
  }

  #put({ type, ...data }: Readonly<Record<string, unknown>>): void {
    this.#stream.write(`${JSON.stringify({ type, time: (this.#machine?.board.clock.now() ?? 0) / 1e9, ...data })}\n`);
  }
}
