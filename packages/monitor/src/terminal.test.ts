import { FakeMachine } from '@hotsocket/qmp/testing';
import fc from 'fast-check';
import { ConsoleMux } from './console-mux.js';
import { LineEditor } from './line-editor.js';
import { Monitor } from './monitor.js';
import { MonitorSession } from './monitor-session.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const UP = '\x1b[A';
const DOWN = '\x1bOB';
const LEFT = '\x1b[D';
const RIGHT = '\x1b[C';
const HOME = '\x1b[1~';
const END = '\x1b[F';
const DELETE = '\x1b[3~';

const TOKENS = new RegExp(`${String.fromCharCode(0x1b)}\\[(\\d*)([KDJH])|[\\s\\S]`, 'gu');

/** The smallest terminal that can tell whether the editor's output shows what the editor holds. */
class Screen {
  readonly lines: string[][] = [[]];
  column = 0;

  write(text: string): void {
    for (const [token] of text.matchAll(TOKENS)) this.#token(token);
  }

  get last(): string {
    return this.lines.at(-1)!.join('');
  }

  #token(token: string): void {
    const row = this.lines.at(-1)!;
    if (token === '\r') this.column = 0;
    else if (token === '\n') this.lines.push([]);
    else if (token.endsWith('K') && token.length > 1) row.length = Math.min(row.length, this.column);
    else if (token.endsWith('D') && token.length > 1) this.column -= Number(token.slice(2, -1) || 1);
    else if (token.length <= 2 && token >= ' ') row[this.column++] = token;
  }
}

function editor(words: readonly string[] = []): { screen: Screen; submitted: string[]; type: (text: string) => void; edit: LineEditor } {
  const screen = new Screen();
  const submitted: string[] = [];
  const edit = new LineEditor({
    prompt: '> ',
    write: (text) => screen.write(text),
    submit: (line) => {
      submitted.push(line);
      edit.show();
    },
    complete: (line) => words.filter((word) => word.startsWith(/\S*$/.exec(line)?.[0] ?? '')),
  });
  edit.show();
  return { screen, submitted, edit, type: (text) => edit.receive(utf8(text)) };
}

describe('LineEditor', () => {
  it.each([
    ['abc\r', 'abc'],
    ['abc\n', 'abc'],
    ['abc\r\n', 'abc'],
    ['abd\x7fc\r', 'abc'],
    ['abd\bc\r', 'abc'],
    [`bc${HOME}a\r`, 'abc'],
    ['bc\x01a\r', 'abc'],
    [`ac${LEFT}b${RIGHT}d\r`, 'abcd'],
    ['ac\x02b\x06d\r', 'abcd'],
    [`abX${LEFT}${DELETE}c\r`, 'abc'],
    [`Xabc\x01\x04\r`, 'abc'],
    [`abXX${LEFT}${LEFT}\x0bc\r`, 'abc'],
    ['xyz\x15abc\r', 'abc'],
    ['ab zz \x17c\r', 'ab c'],
    [`ab zz cd${LEFT}${LEFT}${LEFT}\x17x\r`, 'ab x cd'],
    [`abXcd${LEFT}${LEFT}\x7f\r`, 'abcd'],
    [`bc${HOME}a${END}d\r`, 'abcd'],
    ['junk\x03abc\r', 'abc'],
    ['a\x1b[99;99Qbc\r', 'abc'],
    ['a\x00\x07\x1eb\x0cc\r', 'abc'],
    ['é😀\x7fü\r', 'éü'],
  ])('%j enters %j', (keys, line) => {
    const { submitted, type } = editor();
    type(keys);
    expect(submitted).toEqual([line]);
  });

  it('takes UTF-8 that is split between portions', () => {
    const { submitted, edit } = editor();
    for (const byte of utf8('é😀\r')) edit.receive(Uint8Array.of(byte));
    expect(submitted).toEqual(['é😀']);
  });

  it('takes a newline as the first key', () => {
    const { submitted, type } = editor();
    type('\n');
    expect(submitted).toEqual(['']);
  });

  it('enters two empty lines for two returns', () => {
    const { submitted, type } = editor();
    type('\r\r\n\n');
    expect(submitted).toEqual(['', '', '']);
  });

  it('walks through the history and comes back to the line that was begun', () => {
    const { submitted, type, edit } = editor();
    type('one\rtwo\rtwo\r  \rthr');
    type(UP);
    expect(edit.text).toBe('two');
    type(UP + UP + UP);
    expect(edit.text).toBe('one');
    type(DOWN + DOWN + DOWN);
    expect(edit.text).toBe('thr');
    type('\x10\x10\x0e\r');
    expect(submitted.at(-1)).toBe('two');
  });

  it('keeps 64 lines of history', () => {
    const { type, edit } = editor();
    for (let line = 0; line < 100; line++) type(`line ${line}\r`);
    type(UP.repeat(200));
    expect(edit.text).toBe('line 36');
  });

  it('completes one way, extends to the common start, and lists several ways', () => {
    const { screen, type, edit } = editor(['system_reset', 'system_powerdown', 'stop']);
    type('sto\t');
    expect(edit.text).toBe('stop ');
    type('\x15sy\t');
    expect(edit.text).toBe('system_');
    type('\t');
    expect(screen.lines.at(-2)!.join('')).toBe('system_reset  system_powerdown');
    expect(screen.last).toBe('> system_');
    type('x\t');
    expect(edit.text).toBe('system_x');
  });

  it('refuses to grow without end', () => {
    const { type, edit } = editor();
    type('x'.repeat(10_000));
    expect(edit.text).toHaveLength(4095);
  });

  it('shows what it holds, with the cursor at its place, whatever is typed', () => {
    const keys = fc.array(
      fc.constantFrom(
        'a',
        'b',
        ' ',
        'é',
        UP,
        DOWN,
        LEFT,
        RIGHT,
        HOME,
        END,
        DELETE,
        '\x7f',
        '\x17',
        '\x0b',
        '\x15',
        '\t',
        '\r',
        '\x03',
        '\x1b',
        '[',
        '~',
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(keys, (typed) => {
        const { screen, type, edit } = editor(['alpha', 'album', 'beta']);
        for (const key of typed) type(key);
        expect(screen.last.trimEnd()).toBe(`> ${edit.text}`.trimEnd());
        const before = screen.column - 2;
        type('\x1b[0Q|');
        expect([...edit.text].indexOf('|')).toBe(before);
      }),
      { numRuns: 500 },
    );
  });
});

function terminal(): {
  machine: FakeMachine;
  mux: ConsoleMux;
  console: number[];
  calls: string[];
  shown: () => string;
  type: (text: string) => void;
  clock: { now: number };
} {
  const machine = new FakeMachine();
  const console: number[] = [];
  const calls: string[] = [];
  const out: number[] = [];
  const clock = { now: 5000 };
  const mux = new ConsoleMux({
    sendToConsole: (sent) => console.push(...sent),
    sendToMonitor: (sent) => session.receive(sent),
    focusMonitor: () => session.focus(),
    write: (sent) => out.push(...sent),
    exit: () => calls.push('exit'),
    sendBreak: () => calls.push('break'),
    commit: () => {
      calls.push('commit');
      return 'nothing to write';
    },
    now: () => clock.now,
  });
  const session = new MonitorSession(new Monitor({ machine, version: 'hotsocket 0.1.0' }), (text) => mux.monitorOutput(text));
  const shown = (): string => String.fromCharCode(...out.splice(0));
  return { machine, mux, console, calls, clock, shown, type: (text) => mux.receive(bytes(text)) };
}

describe('ConsoleMux', () => {
  it('gives all keys but Ctrl-A to the console at first, Ctrl-C too', () => {
    const { type, console, mux } = terminal();
    type('ls\r\x03\x1b[A\xff');
    expect(console).toEqual([...bytes('ls\r\x03\x1b[A\xff')]);
    expect(mux.monitorHasFocus).toBe(false);
  });

  it('Ctrl-A Ctrl-A sends one Ctrl-A to the side that has the focus', () => {
    const { type, console } = terminal();
    type('a\x01\x01b');
    expect(console).toEqual([...bytes('a\x01b')]);
  });

  it('Ctrl-A h and ? show help that names every key', () => {
    const { type, shown } = terminal();
    type('\x01h');
    const help = shown();
    for (const key of ['h', 'x', 's', 't', 'b', 'c', 'Ctrl-A']) expect(help).toContain(`\r\nCtrl-A ${key} `);
    type('\x01?');
    expect(shown()).toBe(help);
  });

  it('Ctrl-A x says farewell and ends', () => {
    const { type, calls, shown } = terminal();
    type('\x01x');
    expect(calls).toEqual(['exit']);
    expect(shown()).toBe('Hotsocket: Terminated\r\n');
  });

  it('Ctrl-A b sends a break, Ctrl-A s commits and reports', () => {
    const { type, calls, shown, console } = terminal();
    type('\x01b\x01s');
    expect(calls).toEqual(['break', 'commit']);
    expect(shown()).toBe('\r\nnothing to write\r\n');
    expect(console).toEqual([]);
  });

  it('swallows a key that means nothing', () => {
    const { type, console, calls } = terminal();
    type('\x01zok');
    expect(console).toEqual([...bytes('ok')]);
    expect(calls).toEqual([]);
  });

  it('Ctrl-A c switches to the monitor and back; the banner comes once', () => {
    const { type, shown, console, machine } = terminal();
    type('\x01cinfo status\r');
    expect(shown()).toBe(
      "\r\nhotsocket 0.1.0 monitor - type 'help' for more information\r\n\r(hotsocket) \x1b[Kinfo status\r\nVM status: running\r\n\r(hotsocket) \x1b[K",
    );
    type('cpu-a\t1\r');
    expect(machine.cpus).toHaveLength(2);
    type('\x01cdate\r');
    expect(console).toEqual([...bytes('date\r')]);
    shown();
    type('\x01c');
    expect(shown()).toBe('\r\n\r(hotsocket) \x1b[K');
  });

  it('works when sequences are split between portions', () => {
    const { type, mux } = terminal();
    type('\x01');
    type('c');
    expect(mux.monitorHasFocus).toBe(true);
  });

  it('shows the console while the monitor has the focus', () => {
    const { type, mux, shown } = terminal();
    type('\x01c');
    shown();
    mux.consoleOutput(bytes('kernel: hello\r\n'));
    expect(shown()).toBe('kernel: hello\r\n');
  });

  it('Ctrl-A t stamps each line of the console with the time since it was pressed', () => {
    const { type, mux, clock, shown } = terminal();
    mux.consoleOutput(bytes('half a '));
    type('\x01t');
    clock.now += 3_723_004;
    mux.consoleOutput(bytes('line\nnext\n'));
    mux.consoleOutput(bytes('la'));
    mux.consoleOutput(bytes('st\n'));
    type('\x01t');
    mux.consoleOutput(bytes('plain\n'));
    expect(shown()).toBe('half a line\n[01:02:03.004] next\n[01:02:03.004] last\nplain\n');
  });

  it('takes another escape key', () => {
    const sent: number[] = [];
    const ignore = (): void => {};
    let help = '';
    const mux = new ConsoleMux({
      sendToConsole: (data) => sent.push(...data),
      sendToMonitor: ignore,
      focusMonitor: ignore,
      write: (data) => (help += String.fromCharCode(...data)),
      exit: ignore,
      sendBreak: ignore,
      now: () => 0,
      escape: 0x14,
    });
    mux.receive(bytes('\x01\x14\x14\x14h\x14s'));
    expect(sent).toEqual([1, 0x14]);
    expect(help).toContain('Ctrl-T h');
  });

  it('loses and invents no key, however the bytes are cut', () => {
    const keys = fc.uint8Array({ max: 0xff, maxLength: 80 }).map((data) => data.map((byte) => (byte % 5 === 0 ? 1 : byte)));
    fc.assert(
      fc.property(keys, (data) => {
        const whole = terminal();
        const parts = terminal();
        whole.mux.receive(data);
        for (const byte of data) parts.mux.receive(Uint8Array.of(byte));
        expect([parts.console, parts.calls, parts.shown()]).toEqual([whole.console, whole.calls, whole.shown()]);
      }),
      { numRuns: 300 },
    );
  });
});
