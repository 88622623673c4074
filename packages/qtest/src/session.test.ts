import type { AccessSize } from '@hotsocket/address-space';
import { Random } from '@hotsocket/testbench';
import { QtestSession, type QtestSessionOptions } from './session.js';
import type { IrqTap, QtestTarget } from './target.js';

/** 64 KiB of memory, ports that are bytes, a timer every 1000 ns, and one device with wires. */
class FakeTarget implements QtestTarget {
  readonly memory = new Uint8Array(0x1_0000);
  readonly ports = new Uint8Array(0x1_0000);
  readonly inputs: [number, boolean][] = [];
  time = 0;
  listening: ((number: number, high: boolean) => void) | undefined;

  readPort(port: number, size: AccessSize): number {
    return this.#read(this.ports, port, size);
  }

  writePort(port: number, size: AccessSize, value: number): void {
    this.#write(this.ports, port, size, value);
  }

  readMemory(gpa: number, size: AccessSize): number {
    return this.#read(this.memory, gpa, size);
  }

  writeMemory(gpa: number, size: AccessSize, value: number): void {
    this.#write(this.memory, gpa, size, value);
  }

  readBytes(gpa: number, into: Uint8Array): void {
    into.set(this.memory.subarray(gpa, gpa + into.length));
  }

  writeBytes(gpa: number, from: Uint8Array): void {
    this.memory.set(from, gpa);
  }

  now(): number {
    return this.time;
  }

  nextDeadline(): number {
    return Math.floor(this.time / 1000 + 1) * 1000;
  }

  advanceTo(ns: number): void {
    for (let next = this.nextDeadline(); next <= ns; next = this.nextDeadline()) {
      this.time = next;
      this.listening?.(8, (next / 1000) % 2 === 1);
    }
    this.time = Math.max(this.time, ns);
  }

  irqs(path: string, direction: 'in' | 'out'): IrqTap | undefined {
    if (path !== 'chip' && path !== '/machine/chip' && path !== 'other') return undefined;
    const listen = (changed: (number: number, high: boolean) => void): (() => void) => {
      this.listening = direction === 'in' ? changed : undefined;
      return () => {
        this.listening = undefined;
      };
    };
    return { device: path === 'other' ? 'other' : 'chip', listen };
  }

  setIrqIn(path: string, _name: string, number: number, high: boolean): boolean {
    if (path !== 'chip') return false;
    this.inputs.push([number, high]);
    return true;
  }

  #read(bytes: Uint8Array, at: number, size: AccessSize): number {
    let value = 0;
    for (let byte = 0; byte < size; byte++) value |= (bytes[(at + byte) & 0xffff] as number) << (8 * byte);
    return value >>> 0;
  }

  #write(bytes: Uint8Array, at: number, size: AccessSize, value: number): void {
    for (let byte = 0; byte < size; byte++) bytes[(at + byte) & 0xffff] = value >>> (8 * byte);
  }
}

function open(options: QtestSessionOptions = {}): { target: FakeTarget; session: QtestSession; ask: (...commands: string[]) => string[] } {
  const target = new FakeTarget();
  let lines: string[] = [];
  const session = new QtestSession(target, (text) => lines.push(text.slice(0, -1)), options);
  const ask = (...commands: string[]): string[] => {
    lines = [];
    session.receive(commands.map((command) => `${command}\n`).join(''));
    return lines;
  };
  return { target, session, ask };
}

describe('answers are those that QEMU 7.2 was seen to give', () => {
  it.each([
    ['endianness', 'OK little'],
    ['inb 0x20', 'OK 0x0000'],
    ['inb 0x20 extra', 'OK 0x0000'],
    ['outb 0x20 0x113', 'OK'],
    ['readb 0x0', 'OK 0x0000000000000000'],
    ['writel 0x1000 0x12345678', 'OK'],
    ['read 0x1000 2', 'OK 0x0000'],
    ['b64read 0x1000 0x0', 'OK '],
    ['b64read 0x1000 8', 'OK AAAAAAAAAAA='],
    ['memset 0x1000 0x0 0x55', 'OK'],
    ['irq_intercept_in nosuch', 'FAIL Unknown device'],
    ['set_irq_in nosuch x 1 1', 'FAIL Unknown device'],
    ['foo bar', "FAIL Unknown command 'foo'"],
    ['FOO bar baz', "FAIL Unknown command 'FOO'"],
    ['rtas a 1 2 3 4', "FAIL Unknown command 'rtas'"],
  ])('%s -> %s', (command, answer) => {
    expect(open().ask(command)).toEqual([answer]);
  });

  it('a value wider than its access loses the upper bits', () => {
    expect(open().ask('outb 0x20 0x113', 'inw 0x20', 'memset 0x10 2 0x1ff', 'readl 0x10')).toEqual([
      'OK',
      'OK 0x0013',
      'OK',
      'OK 0x000000000000ffff',
    ]);
  });

  it.each([
    ['0xde', 'de00000044332211'],
    ['0x123', '1200000044332211'],
    ['0x112233445566', '1122334444332211'],
    ['12345678', '3456780044332211'],
  ])('write of 4 bytes with data %s leaves %s', (data, bytes) => {
    const answers = open().ask('writeq 0x1000 0x1122334455667788', `write 0x1000 0x4 ${data}`, 'read 0x1000 0x8');
    expect(answers).toEqual(['OK', 'OK', `OK 0x${bytes}`]);
  });

  it('quads, ranges and base64 see the same bytes, lowest first', () => {
    const answers = open().ask(
      'writeq 0x10 0x1122334455667788',
      'readq 0x10',
      'read 0x10 0x8',
      'b64write 0x10 0x4 AQIDBA==',
      'b64read 0x10 0x8',
    );
    expect(answers).toEqual(['OK', 'OK 0x1122334455667788', 'OK 0x8877665544332211', 'OK', 'OK AQIDBEQzIhE=']);
  });
});

describe('what makes QEMU abort is answered with FAIL', () => {
  it.each([
    '',
    ' inb 0x20',
    'inb',
    'inb  0x20',
    'inb zz',
    'inb -1',
    'inb 0x10000',
    'inb 4294967296',
    'inb 089',
    'outb 0x20',
    'outb 0x20 0x1ffffffffffffffff',
    'read 0x1000',
    'read 0x1000 0x1000001',
    'read 0xfffffffffffff 2',
    'readb 0x10000000000000',
    'write 0x1000 0x4',
    'write 0x1000 0x4 0xzz',
    'write 0x1000 0xffffffffffffffff 0x00',
    'b64write 0x1000 0x4 !!!!',
    'memset 0x1000 4',
    'clock_step abc',
    'clock_step -5',
    'clock_step 9007199254740993',
    'clock_set',
    'irq_intercept_in',
    'set_irq_in chip x 1',
    'set_irq_in chip x 99999999999 1',
    `inb ${'9'.repeat(100_000)}`,
    `${'x'.repeat(100_000)}`,
  ])('%.40p', (command) => {
    const { ask, target } = open();
    const [answer, ...more] = ask(command);
    expect([answer?.startsWith('FAIL '), (answer?.length ?? 0) < 200, more, target.memory.every((byte) => byte === 0)]).toEqual([
      true,
      true,
      [],
      true,
    ]);
  });
});

describe('time', () => {
  it('clock_step without an argument goes to the next timer and answers the time', () => {
    expect(open().ask('clock_step', 'clock_step 10', 'clock_step', 'clock_step 0x10')).toEqual([
      'OK 1000',
      'OK 1010',
      'OK 2000',
      'OK 2016',
    ]);
  });

  it('clock_set never goes back', () => {
    expect(open().ask('clock_set 5000', 'clock_set 10', 'clock_step 0')).toEqual(['OK 5000', 'OK 5000', 'OK 5000']);
  });

  it('a target that refuses to move makes FAIL, not an exception', () => {
    const { target, ask } = open();
    target.advanceTo = () => {
      throw new Error('stuck\nfor good');
    };
    expect(ask('clock_step 1', 'inb 0x20')).toEqual(['FAIL Internal error: Error: stuck for good', 'OK 0x0000']);
  });
});

describe('interception', () => {
  it('interrupts come before the reply of the command that caused them', () => {
    expect(open().ask('irq_intercept_in chip', 'clock_step 2000')).toEqual(['OK', 'IRQ raise 8', 'IRQ lower 8', 'OK 2000']);
  });

  it('the same device again is fine by any path, another one is refused', () => {
    expect(
      open().ask('irq_intercept_in chip', 'irq_intercept_in /machine/chip', 'irq_intercept_in other', 'irq_intercept_out chip'),
    ).toEqual(['OK', 'OK', 'FAIL IRQ intercept already enabled', 'FAIL IRQ intercept already enabled']);
  });

  it('ends with the client', () => {
    const { session, ask, target } = open();
    ask('irq_intercept_in chip');
    session.end();
    expect(target.listening).toBeUndefined();
  });

  it('set_irq_in drives an input', () => {
    const { ask, target } = open();
    ask('set_irq_in chip unnamed-gpio-in 3 1', 'set_irq_in chip unnamed-gpio-in 3 0');
    expect(target.inputs).toEqual([
      [3, true],
      [3, false],
    ]);
  });
});

describe('lines', () => {
  it('may come byte by byte, many at once, and with CR', () => {
    const { session, ask } = open();
    for (const byte of Buffer.from('outb 0x20 7\r\ninb 0x2')) session.receive(Uint8Array.of(byte));
    expect(ask('0', 'inb 0x20')).toEqual(['OK 0x0007', 'OK 0x0007']);
  });

  it('that are too long are skipped with one FAIL, the next one is obeyed', () => {
    const { session, ask } = open({ limits: { line: 100, range: 100 } });
    for (let piece = 0; piece < 10; piece++) session.receive('a'.repeat(60));
    expect(ask('', 'inb 0x20', 'read 0 101')).toEqual(['FAIL Line too long', 'OK 0x0000', "FAIL Invalid argument 'size': '101'"]);
  });

  it('are logged in both directions', () => {
    const log: string[] = [];
    open({ log: (direction, line) => log.push(`${direction} ${line}`) }).ask('inb 0x20');
    expect(log).toEqual(['R inb 0x20', 'S OK 0x0000']);
  });

  it('of noise are answered one for one and nothing is thrown', () => {
    const random = new Random(1);
    const noise = Uint8Array.from({ length: 200_000 }, () => random.below(256));
    const { session, ask } = open();
    session.receive(noise);
    const replies = ask('');
    const newlines = noise.reduce((count, byte) => count + Number(byte === 10), 0);
    expect([replies.length, newlines > 500]).toEqual([1, true]);
  });

  it('that are almost commands are answered one for one', () => {
    const { ask } = open();
    const words = [
      'inb',
      'outl',
      'read',
      'write',
      'memset',
      'b64write',
      'readq',
      'clock_set',
      '0x20',
      '4',
      '-1',
      'zz',
      '0xffffffffffffffff',
      '',
      'chip',
    ];
    const random = new Random(7);
    const commands = Array.from({ length: 20_000 }, () => Array.from({ length: 1 + random.below(4) }, () => random.pick(words)).join(' '));
    const replies = ask(...commands);
    expect([replies.length, replies.filter((line) => !/^(?:OK|OK .*|FAIL .+)$/.test(line))]).toEqual([20_000, []]);
  });
});
