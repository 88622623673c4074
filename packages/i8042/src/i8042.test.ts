import { SavedStateError, savedState } from '@hotsocket/saved-state';
import { fuzzRegion, PinRecorder, Random, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { I8042, type I8042Options } from './index.js';
import { i8042Module } from './module.js';

function board(options: I8042Options = {}) {
  const kbc = new I8042({}, options);
  let resets = 0;
  kbc.resetRequested = () => resets++;
  const status = () => kbc.command.read(0, 1);
  const read = () => kbc.data.read(0, 1);
  const drain = (limit = 20) => {
    const bytes: number[] = [];
    while ((status() & 1) !== 0 && bytes.length < limit) bytes.push(read());
    return bytes;
  };
  /** A controller command with its bytes; answers what can be read afterwards. */
  const command = (value: number, ...bytes: number[]) => {
    kbc.command.write(0, 1, value);
    for (const byte of bytes) kbc.data.write(0, 1, byte);
    return drain();
  };
  const toKeyboard = (...bytes: number[]) =>
    bytes.flatMap((byte) => {
      kbc.data.write(0, 1, byte);
      return drain();
    });
  const toMouse = (...bytes: number[]) => bytes.flatMap((byte) => command(0xd4, byte));
  return { kbc, resets: () => resets, status, read, drain, command, toKeyboard, toMouse };
}

describe('controller', () => {
  it('after reset is empty, unlocked and not yet tested', () => {
    const { status, command } = board();
    expect([status(), command(0x20), command(0xd0)]).toEqual([0x18, [0x03], [0xcf]]);
  });

  // Answers as recorded on QEMU 7.2.
  it.each([
    ['self test', [0xaa], [0x55]],
    ['keyboard interface test', [0xab], [0x00]],
    ['mouse interface test', [0xa9], [0x00]],
    ['input port', [0xc0], [0x80]],
    ['keyboard loop-back', [0xd2, 0xa5], [0xa5]],
    ['mouse loop-back', [0xd3, 0x5a], [0x5a]],
    ['unknown command', [0x05], []],
  ])('answers %s', (_, [first, ...rest], answer) => {
    expect(board().command(first!, ...rest.slice(0, 1))).toEqual(answer);
  });

  it('has no password', () => {
    expect(board().command(0xa4)).toEqual([0xf1]);
  });

  it('sets the system flag when it has tested itself', () => {
    const { status, command } = board();
    command(0xaa);
    expect(status()).toBe(0x1c);
  });

  it('tells commands from data in status bit 3', () => {
    const { kbc, status } = board();
    kbc.command.write(0, 1, 0xd3);
    const afterCommand = status();
    kbc.data.write(0, 1, 0x5a);
    expect([afterCommand, status()]).toEqual([0x18, 0x31]);
  });

  it('keeps its command byte and RAM', () => {
    const { command } = board();
    command(0x60, 0x61);
    command(0x7f, 0x77);
    expect([command(0x20), command(0x3f)]).toEqual([[0x61], [0x77]]);
  });

  it.each([
    [0xa7, 0x23],
    [0xad, 0x13],
  ])('command %p sets a disable bit that the next command clears', (disable, value) => {
    const { command } = board();
    command(disable);
    const disabled = command(0x20);
    command(disable + 1);
    expect([disabled, command(0x20)]).toEqual([[value], [0x03]]);
  });

  it('passes the loop-back sequence by which drivers look for a multiplexer', () => {
    const { command } = board();
    expect([0xf0, 0x56, 0xa4, 0xa5].map((byte) => command(0xd3, byte))).toEqual([[0xf0], [0x56], [0xa4], [0xa5]]);
  });

  it('marks bytes of the mouse in status bit 5', () => {
    const { kbc, status } = board();
    kbc.command.write(0, 1, 0xd3);
    kbc.data.write(0, 1, 0x5a);
    expect(status() & 0x21).toBe(0x21);
  });

  it('shows a waiting byte in the output port', () => {
    const { kbc, drain } = board();
    kbc.keyboard.send(Uint8Array.of(0x1c));
    kbc.command.write(0, 1, 0xd0);
    expect(drain()).toEqual([0x1c, 0xdf]);
  });

  it('keeps a byte that has not been read before its own answer', () => {
    const { kbc, drain } = board();
    kbc.keyboard.send(Uint8Array.of(0x1c, 0x1d));
    kbc.command.write(0, 1, 0xaa);
    expect(drain()).toEqual([0x1c, 0x55, 0x1d]);
  });

  it('reads the last byte again when there is none', () => {
    const { read, command } = board();
    command(0xaa);
    expect(read()).toBe(0x55);
  });
});

describe('interrupts', () => {
  it('the keyboard makes an edge for each byte', () => {
    const { kbc, read } = board();
    const pin = new PinRecorder(kbc.keyboardIrq);
    kbc.keyboard.send(Uint8Array.of(0xf0, 0x1c));
    read();
    read();
    expect([pin.levels, kbc.mouseIrq.high]).toEqual([[true, false, true, false], false]);
  });

  it('the mouse has a line of its own', () => {
    const { kbc, drain } = board();
    kbc.command.write(0, 1, 0xd3);
    kbc.data.write(0, 1, 0xa5);
    const raised = [kbc.mouseIrq.high, kbc.keyboardIrq.high];
    drain();
    expect([raised, kbc.mouseIrq.high]).toEqual([[true, false], false]);
  });

  it('stay low when the command byte says so, and follow it', () => {
    const { kbc, command } = board();
    command(0x60, 0x00);
    kbc.keyboard.send(Uint8Array.of(0x1c));
    const masked = kbc.keyboardIrq.high;
    kbc.command.write(0, 1, 0x60);
    kbc.data.write(0, 1, 0x01);
    expect([masked, kbc.keyboardIrq.high]).toEqual([false, true]);
  });
});

describe('A20 and reset', () => {
  it('A20 is on after reset', () => {
    expect(board().kbc.a20.high).toBe(true);
  });

  it('follows the output port', () => {
    const { kbc, command } = board();
    command(0xd1, 0xdd);
    const off = kbc.a20.high;
    command(0xd1, 0xcf);
    expect([off, kbc.a20.high, command(0xd0)]).toEqual([false, true, [0xcf]]);
  });

  it('follows commands DDh and DFh', () => {
    const { kbc, command } = board();
    command(0xdd);
    const off = kbc.a20.high;
    command(0xdf);
    expect([off, kbc.a20.high]).toEqual([false, true]);
  });

  it('follows port 92h, which reads back all but the reset bit', () => {
    const { kbc } = board();
    const levels = [0x00, 0x02, 0xfc, 0x03].map((value) => {
      kbc.systemControl.write(0, 1, value);
      return [kbc.systemControl.read(0, 1), kbc.a20.high];
    });
    expect(levels).toEqual([
      [0x00, false],
      [0x02, true],
      [0xfc, false],
      [0x02, true],
    ]);
  });

  it.each([
    ['pulse command FEh', [0xfe], 1],
    ['pulse command F0h', [0xf0], 1],
    ['pulse command FFh', [0xff], 0],
    ['output port with bit 0 clear', [0xd1, 0xce], 1],
    ['output port with bit 0 set', [0xd1, 0xcf], 0],
  ])('%s requests %p resets', (_, [first, ...rest], count) => {
    const { command, resets } = board();
    command(first!, ...rest);
    expect(resets()).toBe(count);
  });

  it('port 92h bit 0 requests a reset', () => {
    const { kbc, resets } = board();
    for (const value of [0x02, 0x01, 0x00]) kbc.systemControl.write(0, 1, value);
    expect(resets()).toBe(1);
  });
});

describe('keyboard', () => {
  // Answers as recorded on QEMU 7.2.
  it.each([
    ['reset', [0xff], [0xfa, 0xaa]],
    ['identify', [0xf2], [0xfa, 0xab, 0x83]],
    ['echo', [0xee], [0xee]],
    ['lights', [0xed, 0x07], [0xfa, 0xfa]],
    ['typematic', [0xf3, 0x20], [0xfa, 0xfa]],
    ['read scan code set', [0xf0, 0x00], [0xfa, 0xfa, 0x02]],
    ['choose scan code set', [0xf0, 0x01, 0xf0, 0x00], [0xfa, 0xfa, 0xfa, 0xfa, 0x01]],
    ['a set that is not there', [0xf0, 0x04], [0xfa, 0xfe]],
    ['enable', [0xf4], [0xfa]],
    ['disable', [0xf5], [0xfa]],
    ['defaults', [0xf6], [0xfa]],
    ['typematic keys', [0xfa], [0xfa]],
    ['an unknown command', [0xf1], [0xfe]],
    ['resend', [0xf2, 0xfe], [0xfa, 0xab, 0x83, 0x83]],
    ['a command instead of an argument', [0xed, 0xf2], [0xfa, 0xfa, 0xab, 0x83]],
  ])('answers %s', (_, bytes, answer) => {
    expect(board().toKeyboard(...bytes)).toEqual(answer);
  });

  it('passes the set-up of SeaBIOS', () => {
    const { command, toKeyboard } = board();
    const answers = [
      command(0xaa),
      command(0xab),
      toKeyboard(0xff),
      toKeyboard(0xf5),
      toKeyboard(0xf0, 0x02),
      command(0x60, 0x61),
      toKeyboard(0xf4),
    ];
    expect(answers).toEqual([[0x55], [0x00], [0xfa, 0xaa], [0xfa], [0xfa, 0xfa], [], [0xfa]]);
  });

  it('tells the host of its lights', () => {
    const { kbc, toKeyboard } = board();
    const leds: number[] = [];
    kbc.keyboard.ledsChanged = (value) => leds.push(value);
    toKeyboard(0xed, 0xff);
    expect([leds, kbc.keyboard.leds]).toEqual([[0], 0]);
    toKeyboard(0xed, 0x06);
    expect([leds, kbc.keyboard.leds]).toEqual([[0, 6], 6]);
  });

  it('sends scan codes of set 2 as they are without translation', () => {
    const { kbc, drain } = board();
    kbc.keyboard.send(Uint8Array.of(0x1c, 0xf0, 0x1c));
    expect(drain()).toEqual([0x1c, 0xf0, 0x1c]);
  });

  it.each([
    ['A', [0x1c, 0xf0, 0x1c], [0x1e, 0x9e]],
    ['Escape', [0x76, 0xf0, 0x76], [0x01, 0x81]],
    ['F7', [0x83, 0xf0, 0x83], [0x41, 0xc1]],
    ['cursor up', [0xe0, 0x75, 0xe0, 0xf0, 0x75], [0xe0, 0x48, 0xe0, 0xc8]],
    ['Enter', [0x5a], [0x1c]],
    ['space', [0x29], [0x39]],
    ['F12', [0x07], [0x58]],
  ])('is translated to set 1: %s', (_, codes, translated) => {
    const { kbc, command, drain } = board();
    command(0x60, 0x41);
    kbc.keyboard.send(Uint8Array.from(codes));
    expect(drain()).toEqual(translated);
  });

  it('has its answers translated too', () => {
    const { command, toKeyboard } = board();
    command(0x60, 0x40);
    expect([toKeyboard(0xf2), toKeyboard(0xf0, 0x00), toKeyboard(0xee)]).toEqual([[0xfa, 0xab, 0x41], [0xfa, 0xfa, 0x41], [0xee]]);
  });

  it('is not heard while its cable is off, and is when a byte is sent to it', () => {
    const { kbc, command, drain, toKeyboard } = board();
    command(0xad);
    kbc.keyboard.send(Uint8Array.of(0x1c));
    const off = drain();
    expect([off, toKeyboard(0xee), command(0x20)]).toEqual([[], [0xee, 0x1c], [0x03]]);
  });

  it('has scanning on again after defaults', () => {
    const { kbc, drain, toKeyboard } = board();
    toKeyboard(0xf5, 0xf6);
    kbc.keyboard.send(Uint8Array.of(0x1c));
    expect(drain()).toEqual([0x1c]);
  });

  it('loses what is typed while scanning is off', () => {
    const { kbc, drain, toKeyboard } = board();
    toKeyboard(0xf5);
    const taken = kbc.keyboard.send(Uint8Array.of(0x1c));
    toKeyboard(0xf4);
    expect([taken, drain()]).toEqual([true, []]);
  });

  it('takes whole keys only when the guest does not read', () => {
    const { kbc, drain } = board();
    const taken = Array.from({ length: 40 }, () => kbc.keyboard.send(Uint8Array.of(0xf0, 0x1c)));
    const bytes = drain(200);
    expect([taken.filter(Boolean).length, bytes.length, kbc.keyboard.send(new Uint8Array(1000))]).toEqual([32, 64, false]);
  });
});

describe('mouse', () => {
  // Answers as recorded on QEMU 7.2.
  it.each([
    ['reset', [0xff], [0xfa, 0xaa, 0x00]],
    ['identify', [0xf2], [0xfa, 0x00]],
    ['status', [0xe9], [0xfa, 0x00, 0x02, 0x64]],
    ['settings', [0xe8, 3, 0xf3, 100, 0xe7, 0xf4, 0xe9], [0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0x30, 0x03, 0x64]],
    ['defaults', [0xe7, 0xf4, 0xf6, 0xe9], [0xfa, 0xfa, 0xfa, 0xfa, 0x00, 0x02, 0x64]],
    ['scaling 1:1', [0xe7, 0xe6, 0xe9], [0xfa, 0xfa, 0xfa, 0x00, 0x02, 0x64]],
    ['read data', [0xeb], [0xfa, 0x08, 0x00, 0x00]],
    ['wrap mode', [0xee, 0x12, 0xec, 0xf2], [0xfa, 0x12, 0xfa, 0xfa, 0x00]],
    ['remote mode', [0xf0, 0xe9, 0xea], [0xfa, 0xfa, 0x40, 0x02, 0x64, 0xfa]],
    ['an unknown command', [0x00], [0xfe]],
  ])('answers %s', (_, bytes, answer) => {
    expect(board().toMouse(...bytes)).toEqual(answer);
  });

  it('reports movement and buttons when the guest asks for it', () => {
    const { kbc, drain, toMouse } = board();
    kbc.mouse.move({ right: 9 });
    const silent = drain();
    toMouse(0xff, 0xf4);
    kbc.mouse.move({ right: 5, up: -3, buttons: 1 });
    expect([silent, drain(), drain()]).toEqual([[], [0x29, 0x05, 0xfd], []]);
  });

  it('reports a long way in steps', () => {
    const { kbc, drain, toMouse } = board();
    toMouse(0xf4);
    kbc.mouse.move({ right: -300 });
    expect(drain()).toEqual([0x18, 0x01, 0x00, 0x18, 0xd3, 0x00]);
  });

  it('adds up what the guest does not fetch, without end', () => {
    const { kbc, drain, toMouse } = board();
    toMouse(0xf4);
    for (let count = 0; count < 1000; count++) kbc.mouse.move({ right: 1000, up: Number.NaN, buttons: 0xff });
    expect(drain(1000).length).toBe(3 * (1 + Math.ceil(32767 / 255)));
  });

  it('is not heard while its cable is off', () => {
    const { kbc, command, drain, toMouse } = board();
    toMouse(0xf4);
    command(0xa7);
    kbc.mouse.move({ right: 1 });
    const off = drain();
    expect([off, command(0xa8), command(0x20)]).toEqual([[], [0x08, 0x01, 0x00], [0x03]]);
  });

  it('interrupts on IRQ 12 when enabled', () => {
    const { kbc, toMouse } = board();
    toMouse(0xf4);
    kbc.mouse.move({ buttons: 2 });
    expect([kbc.mouseIrq.high, kbc.keyboardIrq.high]).toEqual([true, false]);
  });

  it('absent, does not answer', () => {
    expect(board({ mouse: false }).toMouse(0xff)).toEqual([]);
  });
});

describe('reset and saved state', () => {
  const make = () => new I8042();
  const disturb = (kbc: I8042) => {
    const commands = [0x60, 0x47, 0xd4, 0xf4, 0xd1, 0xcd, 0xd2];
    for (const [index, value] of commands.entries()) (index % 2 === 0 ? kbc.command : kbc.data).write(0, 1, value);
    kbc.data.read(0, 1);
    kbc.data.write(0, 1, 0xed);
    kbc.mouse.move({ right: 700, up: 3, buttons: 4 });
    kbc.keyboard.send(Uint8Array.of(0x1c, 0xf0));
    kbc.systemControl.write(0, 1, 0x10);
  };

  it('reset reaches the initial state and the lines follow', () => {
    const kbc = make();
    disturb(kbc);
    kbc.reset();
    expect([kbc.keyboardIrq.high, kbc.mouseIrq.high, kbc.a20.high]).toEqual([false, false, true]);
    resetReachesInitialState(make, disturb);
  });

  it('save and restore lose nothing', () => {
    saveRestoreIsIdentity(make, disturb);
  });

  it('a restored controller drives its lines and delivers what waited', () => {
    const original = make();
    disturb(original);
    const copy = make();
    copy.restore(original.save());
    const bytes = Array.from({ length: 6 }, () => copy.data.read(0, 1));
    const expected = Array.from({ length: 6 }, () => original.data.read(0, 1));
    expect([copy.a20.high, bytes]).toEqual([false, expected]);
    expect(new Set(bytes).size).toBeGreaterThan(2);
  });

  it('a snapshot does not change with the device', () => {
    const kbc = make();
    const saved = kbc.save();
    disturb(kbc);
    expect(saved).toEqual(make().save());
  });

  type Saved = Record<string, Record<string, unknown>>;
  const state = make().save().data as unknown as Saved;
  it.each([
    ['controller', 'outputSource', 3],
    ['controller', 'ram', new Uint8Array(31)],
    ['keyboard', 'scanCodes', { ring: new Uint8Array(64), head: 64, count: 0 }],
    ['keyboard', 'replies', { ring: new Uint8Array(8), head: 0, count: 9 }],
    ['mouse', 'buttons', 8],
    ['mouse', 'right', 0x1_0000],
  ])('a state with %s.%s = %p is refused and changes nothing', (part, name, value) => {
    const kbc = make();
    const bad = { ...state, [part]: { ...state[part], [name]: value } };
    expect(() => kbc.restore(savedState('i8042', 1, bad))).toThrow(SavedStateError);
    expect(kbc.save()).toEqual(make().save());
  });
});

it('random accesses never throw and never fill up', () => {
  const { kbc } = board();
  const random = new Random(3);
  for (let round = 0; round < 30; round++) {
    fuzzRegion(kbc.data, round + 1, 200);
    fuzzRegion(kbc.command, round + 101, 200);
    fuzzRegion(kbc.systemControl, round + 201, 20);
    kbc.keyboard.send(Uint8Array.from({ length: random.below(9) }, () => random.below(256)));
    kbc.mouse.move({ right: random.below(2000) - 1000, up: random.below(2000) - 1000, buttons: random.below(8) });
  }
  kbc.reset();
  expect(kbc.save()).toEqual(new I8042().save());
});

it('the module makes one controller with its options', () => {
  const container = new Container();
  container.bind(Trace).toConstantValue(new Trace());
  container.load(i8042Module({ mouse: false }));
  expect(container.get(I8042).typeName).toBe('i8042');
});
