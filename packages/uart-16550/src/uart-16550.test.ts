import { SavedStateError, savedState } from '@hotsocket/saved-state';
import { fuzzRegion, ManualClock, PinRecorder, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { Container } from 'inversify';
import { Uart16550 } from './index.js';
import { uart16550Module } from './module.js';

const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function port() {
  const clock = new ManualClock();
  const uart = new Uart16550({ clock }, { name: 'com1' });
  const sent: number[] = [];
  uart.transmitted = (byte) => sent.push(byte);
  const read = (offset: number) => uart.io.read(offset, 1);
  const write = (offset: number, value: number) => uart.io.write(offset, 1, value);
  return { clock, uart, sent, read, write };
}

/** FIFOs on with trigger `fcr`, all interrupts enabled as `ier`, OUT2 set. */
function enabled(ier: number, fcr = 0x01) {
  const made = port();
  made.write(4, 0x0b);
  made.read(6);
  made.write(2, fcr);
  made.write(1, ier);
  return made;
}

describe('registers', () => {
  it('after reset hold the values of the datasheet', () => {
    const { read } = port();
    expect([1, 2, 3, 4, 5, 6].map(read)).toEqual([0x00, 0x01, 0x00, 0x00, 0x60, 0xb0]);
  });

  it('keep only the bits they have', () => {
    const { read, write } = port();
    for (const offset of [1, 3, 4, 7]) write(offset, 0x7f);
    expect([1, 3, 4, 7].map(read)).toEqual([0x0f, 0x7f, 0x1f, 0x7f]);
  });

  it('0 and 1 are the divisor while DLAB is set', () => {
    const { read, write, sent } = port();
    write(3, 0x83);
    write(0, 0x34);
    write(1, 0x12);
    const divisor = [read(0), read(1)];
    write(3, 0x03);
    expect([divisor, read(1), sent]).toEqual([[0x34, 0x12], 0, []]);
  });

  it('LSR and MSR ignore writes', () => {
    const { read, write } = port();
    write(5, 0xff);
    write(6, 0xff);
    expect([read(5), read(6)]).toEqual([0x60, 0xb0]);
  });

  it('IIR shows FIFOs in bits 7:6, also under the EFR probe with LCR = BFh', () => {
    const { read, write } = port();
    write(2, 0x01);
    const on = read(2);
    write(3, 0xbf);
    const probe = read(2);
    write(2, 0x00);
    expect([on, probe, read(2)]).toEqual([0xc1, 0xc1, 0x01]);
  });
});

describe('transmitter', () => {
  it('sends each character at once and stays empty', () => {
    const { read, write, sent } = port();
    for (const byte of bytes('ok')) write(0, byte);
    expect([sent, read(5)]).toEqual([[0x6f, 0x6b], 0x60]);
  });

  it('raises its interrupt when it is enabled, and reading IIR takes it back', () => {
    const { uart, read } = enabled(0x02);
    const before = uart.irq.high;
    expect([before, read(2), uart.irq.high, read(2)]).toEqual([true, 0xc2, false, 0xc1]);
  });

  it('raises its interrupt again when it is disabled and enabled', () => {
    const { uart, read, write } = enabled(0x02);
    read(2);
    write(1, 0x00);
    write(1, 0x02);
    expect([uart.irq.high, read(2)]).toEqual([true, 0xc2]);
  });

  it('does not raise its interrupt when enable is written without a change', () => {
    const { uart, read, write } = enabled(0x02);
    read(2);
    write(1, 0x03);
    expect(uart.irq.high).toBe(false);
  });

  it('has no interrupt after reset', () => {
    const { uart } = enabled(0x02);
    uart.reset();
    uart.io.write(4, 1, 0x08);
    expect([uart.irq.high, uart.save().data.thrInterrupt]).toEqual([false, false]);
  });

  it('makes an edge for every character', () => {
    const { uart, read, write } = enabled(0x02);
    read(2);
    const pin = new PinRecorder(uart.irq);
    write(0, 0x41);
    write(0, 0x42);
    expect(pin.levels).toEqual([true, false, true]);
  });

  it('keeps its interrupt when IIR names another', () => {
    const { uart, read } = enabled(0x03);
    uart.receive(bytes('x'));
    const ids = [read(2), read(2)];
    read(0);
    expect([...ids, read(2)]).toEqual([0xc4, 0xc4, 0xc2]);
  });

  it.each([
    ['clears its FIFO', 0x05, 0xc2],
    ['switches FIFOs off', 0x00, 0x02],
    ['changes the trigger', 0x41, 0xc1],
  ])('has an interrupt or not after FCR %s: %p gives IIR %p', (_, fcr, iir) => {
    const { read, write } = enabled(0x02);
    read(2);
    write(2, fcr);
    expect(read(2)).toBe(iir);
  });

  it('tells the start and the end of a break once', () => {
    const { uart, write } = port();
    const breaks: boolean[] = [];
    uart.breakChanged = (on) => breaks.push(on);
    for (const value of [0x43, 0x43, 0x03]) write(3, value);
    expect(breaks).toEqual([true, false]);
  });
});

describe('receiver', () => {
  it('without FIFO takes one character at a time', () => {
    const { uart, read } = port();
    const accepted = uart.receive(bytes('ab'));
    expect([accepted, read(5), read(0), read(5), read(0)]).toEqual([1, 0x61, 0x61, 0x60, 0]);
  });

  it('with FIFO takes 16 and gives them back in order', () => {
    const { uart, read } = enabled(0);
    const accepted = uart.receive(bytes('0123456789abcdefgh'));
    const first = String.fromCharCode(...Array.from({ length: 16 }, () => read(0)));
    expect([accepted, first, read(5)]).toEqual([16, '0123456789abcdef', 0x60]);
  });

  it('tells the host of room once after it was refused', () => {
    const { uart, read } = enabled(0);
    let told = 0;
    uart.writable = () => told++;
    uart.receive(bytes('0123456789abcdef'));
    read(0);
    uart.receive(bytes('gh'));
    expect(told).toBe(0);
    read(0);
    read(0);
    expect(told).toBe(1);
  });

  it('takes a long text from a host that refills it', () => {
    const { uart, read } = enabled(0);
    const text = 'the quick brown fox jumps over the lazy dog'.repeat(100);
    const rest = [...bytes(text)];
    const feed = () => rest.splice(0, uart.receive(Uint8Array.from(rest)));
    uart.writable = feed;
    feed();
    let seen = '';
    while ((read(5) & 1) !== 0) seen += String.fromCharCode(read(0));
    expect(seen).toBe(text);
  });

  it.each([
    [0x01, 1],
    [0x41, 4],
    [0x81, 8],
    [0xc1, 14],
  ])('with FCR = %p interrupts at %p characters', (fcr, level) => {
    const { uart, read } = enabled(0x01, fcr);
    uart.receive(new Uint8Array(level - 1));
    const below = uart.irq.high;
    uart.receive(new Uint8Array(1));
    const at = [uart.irq.high, read(2)];
    read(0);
    expect([below, ...at, uart.irq.high]).toEqual([false, true, 0xc4, false]);
  });

  it('times out four character times after the last character', () => {
    const { clock, uart, read, write } = enabled(0x01, 0xc1);
    write(3, 0x83);
    write(0, 1);
    write(1, 0);
    write(3, 0x03);
    uart.receive(bytes('x'));
    // 4 x 10 bits at 115200 baud
    clock.advance(347_222);
    const before = uart.irq.high;
    clock.advance(2);
    expect([before, uart.irq.high, read(2)]).toEqual([false, true, 0xcc]);
  });

  it('starts the time-out anew with each read and ends it with the last', () => {
    const { clock, uart, read } = enabled(0x01, 0xc1);
    uart.receive(bytes('xy'));
    clock.advance(50_000_000);
    const first = read(2);
    read(0);
    const after = [read(2), uart.irq.high];
    clock.advance(50_000_000);
    const second = read(2);
    read(0);
    clock.advance(50_000_000);
    expect([first, ...after, second, read(2)]).toEqual([0xcc, 0xc1, false, 0xcc, 0xc1]);
  });

  it.each([
    ['the divisor of the chip at reset', 12, 0x03, 4_166_667],
    ['a divisor of zero', 0, 0x03, 347_223],
    ['the largest divisor, parity and two stop bits', 0xffff, 0x0f, 27_306_250_000],
  ])('with %s has a finite time-out', (_, divisor, lcr, timeoutNs) => {
    const { clock, uart, write } = enabled(0x01, 0xc1);
    write(3, 0x80);
    write(0, divisor & 0xff);
    write(1, divisor >> 8);
    write(3, lcr);
    uart.receive(bytes('x'));
    clock.advance(timeoutNs - 1);
    const before = uart.irq.high;
    clock.advance(1);
    expect([before, uart.irq.high]).toEqual([false, true]);
  });

  it('shows a break with its character and clears it when LSR is read', () => {
    const { uart, read } = enabled(0x04);
    uart.receive(bytes('a'));
    uart.receiveBreak();
    const early = [read(5), uart.irq.high];
    read(0);
    const raised = uart.irq.high;
    expect([early, raised, read(2), read(5), read(5), uart.irq.high, read(0)]).toEqual([[0xe1, false], true, 0xc6, 0xf1, 0x61, false, 0]);
  });

  it('is emptied by FCR bit 1 and by a change of FCR bit 0', () => {
    const { uart, read, write } = enabled(0);
    uart.receive(bytes('abc'));
    write(2, 0x03);
    const reset = read(5);
    uart.receive(bytes('abc'));
    write(2, 0x00);
    const off = read(5);
    expect([reset, off]).toEqual([0x60, 0x60]);
  });

  it('is not emptied by FCR bit 2, nor by bit 1 without bit 0', () => {
    const { uart, read, write } = port();
    uart.receive(bytes('a'));
    write(2, 0x06);
    expect(read(5)).toBe(0x61);
  });

  it('has room again for the host after it was emptied', () => {
    const { uart, write } = enabled(0);
    uart.receive(new Uint8Array(20));
    let told = 0;
    uart.writable = () => told++;
    write(2, 0x03);
    expect([told, uart.room]).toEqual([1, 16]);
  });
});

describe('modem', () => {
  it('loop-back connects outputs to inputs', () => {
    const { read, write } = port();
    const levels = [0x10, 0x11, 0x12, 0x14, 0x18, 0x1a].map((mcr) => {
      write(4, mcr);
      return read(6) & 0xf0;
    });
    expect(levels).toEqual([0x00, 0x20, 0x10, 0x40, 0x80, 0x90]);
  });

  it('tells changes until they are read; RI only when it ends', () => {
    const { read, write } = port();
    write(4, 0x14);
    read(6);
    write(4, 0x17);
    const rose = read(6);
    const again = read(6);
    write(4, 0x13);
    expect([rose, again, read(6)]).toEqual([0x73, 0x70, 0x34]);
  });

  it('interrupts on a change from outside', () => {
    const { uart, read } = enabled(0x08);
    uart.setModemInputs({ cts: false, dsr: true, ri: false, dcd: true });
    const raised = uart.irq.high;
    expect([raised, read(2), read(6), uart.irq.high]).toEqual([true, 0xc0, 0xa1, false]);
  });

  it('loop-back returns characters and sends none', () => {
    const { read, sent, write } = port();
    write(4, 0x10);
    write(0, 0x5a);
    expect([read(5), read(0), sent]).toEqual([0x61, 0x5a, []]);
  });

  it('loop-back overruns a full receiver: the FIFO keeps what it has', () => {
    const { read, write } = port();
    write(2, 0x01);
    write(4, 0x10);
    for (let byte = 0; byte < 17; byte++) write(0, byte);
    expect([read(5), read(5), read(0)]).toEqual([0xe3, 0x61, 0]);
  });

  it('loop-back without FIFO overruns with the newer character', () => {
    const { read, write } = port();
    write(4, 0x10);
    write(0, 1);
    write(0, 2);
    expect([read(5), read(0)]).toEqual([0x63, 2]);
  });

  it('loop-back keeps characters from outside waiting', () => {
    const { uart, write } = port();
    let told = 0;
    uart.writable = () => told++;
    write(4, 0x10);
    const accepted = uart.receive(bytes('a'));
    write(4, 0x00);
    expect([accepted, told, uart.receive(bytes('a'))]).toEqual([0, 1, 1]);
  });

  it.each([
    [0x00, false],
    [0x08, true],
    [0x18, false],
  ])('MCR = %p lets the interrupt through: %p', (mcr, high) => {
    const { uart, write } = port();
    write(1, 0x02);
    write(4, mcr);
    expect(uart.irq.high).toBe(high);
  });
});

it('interrupts come in the order of the datasheet', () => {
  const { uart, read } = enabled(0x0f);
  uart.receiveBreak();
  uart.setModemInputs({ cts: false, dsr: false, ri: false, dcd: false });
  const ids = [read(2)];
  read(5);
  ids.push(read(2));
  read(0);
  ids.push(read(2), read(2));
  read(6);
  expect([...ids, read(2)]).toEqual([0xc6, 0xc4, 0xc2, 0xc0, 0xc1]);
});

describe('reset and saved state', () => {
  const make = () => new Uart16550({ clock: new ManualClock() });
  const disturb = (uart: Uart16550) => {
    for (const [offset, value] of [
      [3, 0x83],
      [0, 1],
      [1, 2],
      [3, 0x1b],
      [2, 0xc1],
      [4, 0x0b],
      [1, 0x0f],
      [7, 0x5a],
      [0, 0x41],
    ] as const)
      uart.io.write(offset, 1, value);
    uart.receive(bytes('abc'));
    uart.receiveBreak();
    uart.io.read(0, 1);
  };

  it('reset reaches the initial state and lowers the interrupt', () => {
    const uart = make();
    disturb(uart);
    const before = uart.irq.high;
    uart.reset();
    expect([before, uart.irq.high]).toEqual([true, false]);
    resetReachesInitialState(make, disturb);
  });

  it('save and restore lose nothing', () => {
    saveRestoreIsIdentity(make, disturb);
  });

  it('a restored port raises its interrupt and times out at the same moment', () => {
    const original = enabled(0x01, 0xc1);
    original.uart.receive(bytes('xy'));
    const copy = port();
    copy.uart.restore(original.uart.save());
    copy.clock.advance(4_166_666 * 2);
    expect([copy.uart.irq.high, copy.read(2), copy.read(0), copy.read(0)]).toEqual([true, 0xcc, 0x78, 0x79]);
  });

  const state = make().save().data;
  it.each([
    ['rxCount', 17],
    ['rxHead', 16],
    ['mcr', 0x20],
    ['errors', 0x01],
    ['modemInputs', 0x0f],
    ['divisor', -1],
    ['timeoutAtNs', 0.5],
    ['rxData', new Uint8Array(17)],
  ])('a state with %s = %p is refused and changes nothing', (name, value) => {
    const uart = make();
    expect(() => uart.restore(savedState('16550A', 1, { ...state, [name]: value }))).toThrow(SavedStateError);
    expect(uart.save().data).toEqual(state);
  });

  it('a restored port without a time-out running stays quiet', () => {
    const { clock, uart } = port();
    uart.restore(savedState('16550A', 1, { ...state, ier: 1, mcr: 8, fcr: 0xc1, rxCount: 1 }));
    clock.advance(1_000_000_000);
    expect(uart.irq.high).toBe(false);
  });

  it('a state that holds more characters than its mode allows works', () => {
    const uart = make();
    uart.restore(savedState('16550A', 1, { ...state, rxCount: 16, rxHead: 9 }));
    expect([uart.room, uart.receive(bytes('a')), uart.io.read(5, 1)]).toEqual([0, 0, 0x61]);
  });
});

it('random accesses never throw', () => {
  const { clock, uart } = port();
  uart.writable = () => uart.receive(bytes('more'));
  for (let round = 0; round < 20; round++) {
    fuzzRegion(uart.io, round + 1, 500);
    uart.receive(bytes('some characters'));
    clock.advance(1_000_000_000);
  }
  uart.reset();
  expect(uart.io.read(5, 1) & 0x60).toBe(0x60);
});

it('the module makes one port with its name', () => {
  const container = new Container();
  container.bind(VirtualClock).toConstantValue(new ManualClock());
  container.bind(Trace).toConstantValue(new Trace());
  container.load(uart16550Module({ name: 'com1' }));
  expect(container.get(Uart16550).irq.label).toBe('com1.irq');
});
