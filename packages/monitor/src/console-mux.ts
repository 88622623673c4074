/** The two sides and the keys of a multiplexed terminal. */
export interface ConsoleMuxOptions {
  /** Bytes for the guest's console. */
  sendToConsole(bytes: Uint8Array): void;
  /** Bytes for the monitor. */
  sendToMonitor(bytes: Uint8Array): void;
  /** The user has switched to the monitor. */
  focusMonitor(): void;
  /** Bytes for the terminal. */
  write(bytes: Uint8Array): void;
  /** Key x: end the emulator. */
  exit(): void;
  /** Key b: a break on the console's line. */
  sendBreak(): void;
  /** Key s: write disk changes back. Returns what to tell the user, or nothing. */
  commit?(): string | undefined;
  /** Milliseconds of any clock that does not jump, for time stamps. */
  now(): number;
  /** The byte that starts a key sequence; Ctrl-A by default. */
  readonly escape?: number;
  /** Program name for the farewell. */
  readonly name?: string;
}

const CTRL_A = 1;
const NEWLINE = 0x0a;

/**
 * Console and monitor on one terminal (`-nographic`, `-serial mon:stdio`). All keys go to the side that has the focus, except sequences that
 * begin with Ctrl-A; output of both sides goes to the terminal. A pure state machine: it holds no stream and no timer.
 */
export class ConsoleMux {
  readonly #options: ConsoleMuxOptions;
  readonly #escape: number;
  readonly #keys: ReadonlyMap<number, () => void>;
  #monitorHasFocus = false;
  #escaped = false;
  #stampsSince: number | undefined;
  #lineStart = true;

  constructor(options: ConsoleMuxOptions) {
    this.#options = options;
    this.#escape = options.escape ?? CTRL_A;
    this.#keys = new Map<number, () => void>([
      [key('h'), () => this.#help()],
      [key('?'), () => this.#help()],
      [key('x'), () => this.#exit()],
      [key('s'), () => this.#commit()],
      [key('t'), () => this.#toggleStamps()],
      [key('b'), () => options.sendBreak()],
      [key('c'), () => this.#switch()],
    ]);
  }

  /** True when the keyboard belongs to the monitor. */
  get monitorHasFocus(): boolean {
    return this.#monitorHasFocus;
  }

  /** Takes bytes of the keyboard. */
  receive(bytes: Uint8Array): void {
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (!this.#escaped && bytes[at] !== this.#escape) continue;
      this.#forward(bytes.subarray(start, at));
      start = at + 1;
      if (this.#escaped) this.#press(bytes[at]!);
      else this.#escaped = true;
    }
    this.#forward(bytes.subarray(start));
  }

  /** Takes output of the guest's console. */
  consoleOutput(bytes: Uint8Array): void {
    this.#options.write(this.#stampsSince === undefined ? bytes : this.#stamp(bytes, this.#stampsSince));
    if (bytes.length > 0) this.#lineStart = bytes.at(-1) === NEWLINE;
  }

  /** Takes output of the monitor. */
  monitorOutput(text: string): void {
    this.#write(text);
  }

  #forward(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#monitorHasFocus) this.#options.sendToMonitor(bytes);
    else this.#options.sendToConsole(bytes);
  }

  /** A key that means nothing is swallowed, as in the reference. */
  #press(byte: number): void {
    this.#escaped = false;
    if (byte === this.#escape) this.#forward(Uint8Array.of(byte));
    else this.#keys.get(byte)?.();
  }

  #help(): void {
    const name = this.#escape <= 26 ? `Ctrl-${String.fromCharCode(this.#escape + 64)}` : `0x${this.#escape.toString(16)}`;
    const rows = HELP.map(([letter, text]) => `${`${name} ${letter === '' ? name : letter}`.padEnd(16)}${text}`);
    this.#write(`\r\n${rows.join('\r\n')}\r\n`);
  }

  #exit(): void {
    this.#write(`${this.#options.name ?? 'Hotsocket'}: Terminated\r\n`);
    this.#options.exit();
  }

  #commit(): void {
    const text = this.#options.commit?.() ?? '';
    if (text !== '') this.#write(`\r\n${text}\r\n`);
  }

  #toggleStamps(): void {
    this.#stampsSince = this.#stampsSince === undefined ? this.#options.now() : undefined;
  }

  #switch(): void {
    this.#monitorHasFocus = !this.#monitorHasFocus;
    this.#write('\r\n');
    if (this.#monitorHasFocus) this.#options.focusMonitor();
  }

  #stamp(bytes: Uint8Array, since: number): Uint8Array {
    const stamp = new TextEncoder().encode(`[${clock(this.#options.now() - since)}] `);
    const out: number[] = [];
    let lineStart = this.#lineStart;
    for (const byte of bytes) {
      if (lineStart) out.push(...stamp);
      lineStart = byte === NEWLINE;
      out.push(byte);
    }
    return Uint8Array.from(out);
  }

  #write(text: string): void {
    this.#options.write(new TextEncoder().encode(text));
  }
}

const HELP: readonly (readonly [string, string])[] = [
  ['h', 'show this help'],
  ['x', 'end the emulator'],
  ['s', 'write disk changes back to the image (with -snapshot)'],
  ['t', 'time stamps on the console, on or off'],
  ['b', 'send a break (magic SysRq)'],
  ['c', 'switch between console and monitor'],
  ['', 'send the key itself'],
];

function key(letter: string): number {
  return letter.charCodeAt(0);
}

function clock(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const rest = String(Math.floor(ms % 1000)).padStart(3, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${rest}`;
}
