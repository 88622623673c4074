import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { jest } from '@jest/globals';

/** A terminal of the host: `script` of util-linux runs a command on one. */
const hasTerminal = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
})();

const MAIN = join(import.meta.dirname, '../dist/main.js');
const DEMO = '-bios builtin:demo-guest --acpi machine -m 16 -smp 1,maxcpus=2';
jest.setTimeout(60_000);

/** A command on a terminal: what it shows, and keys for it. */
class OnTerminal {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | null>;
  shown = '';
  #changed: () => void = () => {};

  constructor(line: string) {
    const command = `${process.execPath} ${MAIN} ${line}`;
    this.process = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null']);
    this.process.stdout.setEncoding('latin1').on('data', (text: string) => {
      this.shown += text;
      this.#changed();
    });
    this.process.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => this.process.on('close', (status) => resolve(status)));
  }

  /** Types, and waits until what is then shown matches. */
  async type(keys: string, pattern: RegExp): Promise<void> {
    const from = this.shown.length;
    this.process.stdin.write(keys, 'latin1');
    await this.until(pattern, from);
  }

  async until(pattern: RegExp, from = 0): Promise<void> {
    while (!pattern.test(this.shown.slice(from)))
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
  }
}

function tests(name: string, body: () => void): void {
  if (hasTerminal) return describe(name, body);
  describe(name, () => {
    it('HAS NOT RUN: script of util-linux is not installed', () => {
      console.warn(`${name}: NOT TESTED, script of util-linux is not installed`);
      expect(hasTerminal).toBe(false);
    });
  });
}

tests('a terminal', () => {
  it('shows guest and monitor in turn, with every key of Ctrl-A', async () => {
    const terminal = new OnTerminal(`${DEMO} -nographic`);
    await terminal.until(/ready: waiting/);
    await terminal.type('s', /1 CPUs online/);
    await terminal.type('\x01h', /Ctrl-A c {8}switch[\s\S]*Ctrl-A Ctrl-A/);
    await terminal.type('\x01c', /monitor - type 'help'[\s\S]*\(hotsocket\) /);
    await terminal.type('info ver\t', /info version /);
    await terminal.type('\r', /\nHotsocket \d/);
    // the end of the line is typed first, then its start
    await terminal.type('dd 1\x01\x01cpu-a\r', /CPU 1 online, apic id 1/);
    await terminal.type('\x1b[A\r', /it already exists/);
    await terminal.type('\x01c\x01ts', /\[00:00:\d\d\.\d{3}\] +CPU 1: apic id 1/);
    await terminal.type('\x01t\x01b\x01s\x01?', /Ctrl-A Ctrl-A/);
    await terminal.type('\x01x', /hotsocket: Terminated/);
    expect(await terminal.ended).toBe(0);
  });

  it('gives Ctrl-C to the guest when it is shared, and gets its old mode back', async () => {
    const terminal = new OnTerminal(`${DEMO} -nographic; stty -a`);
    await terminal.until(/ready: waiting/);
    await terminal.type('\x03s', /1 CPUs online/);
    await terminal.type('\x01x', /\bopost\b[\s\S]*\bisig icanon iexten echo\b/);
    expect(await terminal.ended).toBe(0);
  });

  it.each([
    ['-monitor stdio', /\(hotsocket\) /],
    ['-serial stdio -monitor none', /ready: waiting/],
  ])('%s: Ctrl-C ends the emulator, status 0', async (devices, ready) => {
    const terminal = new OnTerminal(`${DEMO} -display none ${devices}`);
    await terminal.until(ready);
    await terminal.type('\x03', /hotsocket: terminating on signal 2/);
    expect(await terminal.ended).toBe(0);
  });

  it('is the user’s after the tour', async () => {
    const terminal = new OnTerminal('demo --embedded');
    await terminal.until(/the terminal is yours[\s\S]*Ctrl-A x ends/);
    await terminal.type('\x01ccpu-add 2\r', /CPU 2 online, apic id 2/);
    await terminal.type('\x01x', /Terminated/);
    expect(await terminal.ended).toBe(0);
  });
});
