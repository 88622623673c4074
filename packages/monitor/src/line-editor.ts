/** What a line editor needs from its surroundings. */
export interface LineEditorOptions {
  readonly prompt: string;
  /** Writes to the terminal. */
  write(text: string): void;
  /** Takes a line that was entered. */
  submit(line: string): void;
  /** Ways to go on from the last word of a line. */
  complete?(line: string): readonly string[];
}

const MAX_LINE = 4095;
const MAX_HISTORY = 64;

/**
 * Line editor for a terminal that shows what it is sent (VT100 and later): editing, history, completion.
 *
 * Keys: Enter; Backspace; Delete; arrows, Ctrl-B, -F, -P, -N; Home, End, Ctrl-A, -E; Ctrl-K, -U, -W; Ctrl-L; Ctrl-C (drops the line); TAB.
 */
export class LineEditor {
  readonly #options: LineEditorOptions;
  readonly #decoder = new TextDecoder();
  readonly #history: string[] = [];

  #line: string[] = [];
  #cursor = 0;
  #historyAt = 0;
  #unsent = '';
  #sequence: string | undefined;
  #afterReturn = false;

  constructor(options: LineEditorOptions) {
    this.#options = options;
  }

  /** The line as it stands. */
  get text(): string {
    return this.#line.join('');
  }

  /** Shows the prompt and the line. */
  show(): void {
    this.#options.write(`\r${this.#options.prompt}${this.text}\x1b[K${left(this.#line.length - this.#cursor)}`);
  }

  /** Takes bytes of the keyboard, UTF-8. */
  receive(bytes: Uint8Array): void {
    for (const char of this.#decoder.decode(bytes, { stream: true })) this.#take(char);
  }

  #take(char: string): void {
    const secondOfPair = char === '\n' && this.#afterReturn;
    this.#afterReturn = char === '\r';
    if (secondOfPair) return;
    if (this.#sequence !== undefined && char >= ' ') return this.#escape(char);
    this.#sequence = undefined;
    const key = KEYS[char];
    if (key !== undefined) return this.#press(key);
    if (char >= ' ' && char !== '\x7f') this.#insert([char]);
  }

  #escape(char: string): void {
    const sequence = `${this.#sequence}${char}`;
    const open = sequence === '[' || sequence === 'O' || /^\[[0-9;]{0,8}$/.test(sequence);
    this.#sequence = open ? sequence : undefined;
    const key = open ? undefined : SEQUENCES[sequence];
    if (key !== undefined) this.#press(key);
  }

  #press(key: Key): void {
    switch (key) {
      case 'escape':
        this.#sequence = '';
        return;
      case 'enter':
        return this.#enter();
      case 'tab':
        return this.#completeWord();
      case 'cancel':
        return this.#cancel();
      case 'clear':
        this.#options.write('\x1b[2J\x1b[H');
        return this.show();
      case 'up':
        return this.#recall(this.#historyAt - 1);
      case 'down':
        return this.#recall(this.#historyAt + 1);
      default:
        return this.#edit(key);
    }
  }

  #edit(key: EditKey): void {
    const { length } = this.#line;
    switch (key) {
      case 'left':
        return this.#moveTo(this.#cursor - 1);
      case 'right':
        return this.#moveTo(this.#cursor + 1);
      case 'home':
        return this.#moveTo(0);
      case 'end':
        return this.#moveTo(length);
      case 'backspace':
        return this.#remove(this.#cursor - 1, this.#cursor);
      case 'delete':
        return this.#remove(this.#cursor, this.#cursor + 1);
      case 'kill-end':
        return this.#remove(this.#cursor, length);
      case 'kill-start':
        return this.#remove(0, this.#cursor);
      case 'kill-word':
        return this.#remove(this.#wordStart(), this.#cursor);
    }
  }

  #insert(chars: readonly string[]): void {
    if (this.#line.length + chars.length > MAX_LINE) return this.#options.write('\x07');
    const atEnd = this.#cursor === this.#line.length;
    this.#line.splice(this.#cursor, 0, ...chars);
    this.#cursor += chars.length;
    if (atEnd) this.#options.write(chars.join(''));
    else this.show();
  }

  #remove(from: number, to: number): void {
    if (from < 0 || to > this.#line.length || from >= to) return;
    this.#line.splice(from, to - from);
    this.#cursor = from;
    this.show();
  }

  #moveTo(position: number): void {
    if (position < 0 || position > this.#line.length || position === this.#cursor) return;
    this.#cursor = position;
    this.show();
  }

  #wordStart(): number {
    const before = this.#line.slice(0, this.#cursor).join('');
    return [...before.replace(/\S+\s*$/, '')].length;
  }

  #enter(): void {
    const line = this.text;
    this.#options.write('\r\n');
    if (line.trim() !== '' && this.#history.at(-1) !== line) this.#history.push(line);
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
    this.#replace('');
    this.#historyAt = this.#history.length;
    this.#options.submit(line);
  }

  #cancel(): void {
    this.#replace('');
    this.#historyAt = this.#history.length;
    this.#options.write('^C\r\n');
    this.show();
  }

  #recall(position: number): void {
    if (position < 0 || position > this.#history.length) return;
    if (this.#historyAt === this.#history.length) this.#unsent = this.text;
    this.#historyAt = position;
    this.#replace(this.#history[position] ?? this.#unsent);
    this.show();
  }

  #replace(text: string): void {
    this.#line = [...text];
    this.#cursor = this.#line.length;
  }

  #completeWord(): void {
    const before = this.#line.slice(0, this.#cursor).join('');
    const word = /\S*$/.exec(before)?.[0] ?? '';
    const ways = this.#options.complete?.(before) ?? [];
    const [first] = ways;
    if (first === undefined) return;
    const common = ways.length === 1 ? `${first} ` : commonStart(ways);
    if (common.length > word.length) this.#insert([...common.slice(word.length)]);
    else this.#list(ways);
  }

  #list(ways: readonly string[]): void {
    this.#options.write(`\r\n${ways.join('  ')}\r\n`);
    this.show();
  }
}

type EditKey = 'left' | 'right' | 'home' | 'end' | 'backspace' | 'delete' | 'kill-end' | 'kill-start' | 'kill-word';
type Key = EditKey | 'escape' | 'enter' | 'tab' | 'cancel' | 'clear' | 'up' | 'down';

const KEYS: Readonly<Record<string, Key>> = {
  '\x01': 'home',
  '\x02': 'left',
  '\x03': 'cancel',
  '\x04': 'delete',
  '\x05': 'end',
  '\x06': 'right',
  '\x08': 'backspace',
  '\t': 'tab',
  '\n': 'enter',
  '\x0b': 'kill-end',
  '\x0c': 'clear',
  '\r': 'enter',
  '\x0e': 'down',
  '\x10': 'up',
  '\x15': 'kill-start',
  '\x17': 'kill-word',
  '\x1b': 'escape',
  '\x7f': 'backspace',
};

const SEQUENCES: Readonly<Record<string, Key>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  '[1~': 'home',
  '[7~': 'home',
  '[4~': 'end',
  '[8~': 'end',
  '[3~': 'delete',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  OH: 'home',
  OF: 'end',
};

function left(columns: number): string {
  return columns === 0 ? '' : `\x1b[${columns}D`;
}

function commonStart(words: readonly string[]): string {
  const [first = '', ...rest] = words;
  const differs = [...first].findIndex((char, index) => rest.some((word) => word[index] !== char));
  return differs === -1 ? first : first.slice(0, differs);
}
