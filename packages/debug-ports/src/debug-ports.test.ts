import { IoSpace } from '@hotsocket/address-space';
import { SavedStateError, savedState } from '@hotsocket/saved-state';
import { fuzzRegion, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { DebugConsole, DebugExit, PostCode } from './index.js';
import { debugConsoleModule, debugExitModule, postCodeModule } from './module.js';

describe('debug console', () => {
  it('reads E9h and prints what is written', () => {
    const [io, console402] = [new IoSpace(), new DebugConsole()];
    let text = '';
    console402.written = (byte) => {
      text += String.fromCharCode(byte);
    };
    io.map(0x402, console402.io);
    for (const char of 'SeaBIOS\n') io.write(0x402, 1, char.charCodeAt(0));
    expect([io.read(0x402, 1), text]).toEqual([0xe9, 'SeaBIOS\n']);
  });

  it('prints the low byte of a wide write, which is all that reaches the port', () => {
    const [io, hack] = [new IoSpace(), new DebugConsole()];
    const bytes: number[] = [];
    hack.written = (byte) => bytes.push(byte);
    io.map(0xe9, hack.io);
    io.write(0xe9, 4, 0x4443_4241);
    expect(bytes).toEqual([0x41]);
  });

  it('can hide from guests that look for it', () => {
    expect(new DebugConsole({ readback: 0x1ff }).io.read(0, 1)).toBe(0xff);
  });

  it('takes a state of its kind only', () => {
    saveRestoreIsIdentity(
      () => new DebugConsole(),
      (device) => device.io.write(0, 1, 1),
    );
    expect(() => new DebugConsole().restore(savedState('post-code', 1, {}))).toThrow(SavedStateError);
  });
});

describe('POST code', () => {
  const make = () => new PostCode();
  const write = (device: PostCode, ...codes: number[]) => {
    for (const code of codes) device.io.write(0, 1, code);
  };

  it('reads back the last code', () => {
    const device = make();
    write(device, 0x12, 0x34);
    expect([device.last, device.io.read(0, 1)]).toEqual([0x34, 0x34]);
  });

  it('remembers changes, oldest first', () => {
    const device = make();
    write(device, 0x00, 0x00, 0x12, 0x12, 0x12, 0x00);
    expect(device.history()).toEqual([0x00, 0x12, 0x00]);
  });

  it('forgets all but the last 64', () => {
    const device = make();
    write(device, ...Array.from({ length: 100 }, (_, index) => index));
    expect(device.history()).toEqual(Array.from({ length: 64 }, (_, index) => 36 + index));
  });

  it('keeps the history over a reset', () => {
    const device = make();
    write(device, 0x12);
    device.reset();
    expect([device.last, device.history()]).toEqual([0, [0x12]]);
    resetReachesInitialState(make, (other) => write(other, 1, 2), ['codes', 'next', 'count']);
  });

  it('save and restore lose nothing', () => {
    saveRestoreIsIdentity(make, (device) => write(device, ...Array.from({ length: 70 }, (_, index) => index)));
  });

  it.each([
    ['next', 64],
    ['count', 65],
    ['last', 256],
    ['codes', new Uint8Array(65)],
  ])('a state with %s = %p is refused and changes nothing', (name, value) => {
    const device = make();
    expect(() => device.restore(savedState('post-code', 1, { ...make().save().data, [name]: value }))).toThrow(SavedStateError);
    expect(device.save()).toEqual(make().save());
  });
});

describe('debug exit', () => {
  it.each([
    [0x00, 1],
    [0x10, 33],
    [0x31, 99],
    [0x80, 1],
    [0xffff_ffff, 255],
  ])('value %p exits with status %p', (value, status) => {
    const [io, exit] = [new IoSpace(), new DebugExit({}, { iobase: 0xf4, iosize: 4 })];
    const seen: number[] = [];
    exit.exitRequested = (code) => seen.push(code);
    io.map(exit.iobase, exit.io);
    io.write(0xf4, 4, value);
    expect(seen).toEqual([status]);
  });

  it('lies at 501h with two ports that read 0 unless told otherwise', () => {
    const exit = new DebugExit();
    const smallest = new DebugExit({}, { iobase: 0, iosize: 1 });
    expect([smallest.iobase, smallest.io.length]).toEqual([0, 1]);
    expect([exit.iobase, exit.io.length, exit.io.read(1, 1), exit.properties.iosize?.get()]).toEqual([0x501, 2, 0, 2]);
  });

  it.each([
    [0xffff, 2],
    [-1, 1],
    [0xf4, 0],
    [0.5, 1],
  ])('from port %p with %p ports is refused', (iobase, iosize) => {
    expect(() => new DebugExit({}, { iobase, iosize })).toThrow(RangeError);
  });

  it('takes a state of its kind only', () => {
    saveRestoreIsIdentity(
      () => new DebugExit(),
      (device) => device.io.write(0, 1, 1),
    );
    expect(() => new DebugExit().restore(savedState('post-code', 1, {}))).toThrow(SavedStateError);
  });
});

it('random accesses never throw', () => {
  const [console402, postCode, exit] = [new DebugConsole(), new PostCode(), new DebugExit()];
  for (const [index, region] of [console402.io, postCode.io, exit.io].entries()) fuzzRegion(region, index + 1, 2000);
  expect(postCode.history().length).toBe(64);
});

it('the modules make one of each', () => {
  const container = new Container();
  container.bind(Trace).toConstantValue(new Trace());
  container.load(debugConsoleModule({ readback: 0 }), postCodeModule, debugExitModule({ iobase: 0xf4 }));
  expect([container.get(DebugConsole).io.read(0, 1), container.get(PostCode).last, container.get(DebugExit).iobase]).toEqual([0, 0, 0xf4]);
});
