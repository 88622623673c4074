import { fuzzRegion, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { pvpanicModule } from './module.js';
import { Pvpanic, type PvpanicOptions } from './pvpanic.js';

function withEvents(options?: PvpanicOptions): { device: Pvpanic; heard: string[] } {
  const device = new Pvpanic({}, options);
  const heard: string[] = [];
  device.panicked = () => void heard.push('panicked');
  device.crashLoaded = () => void heard.push('crash loaded');
  return { device, heard };
}

describe('Pvpanic', () => {
  it('is at port 505h and takes two events', () => {
    const { device } = withEvents();
    expect([device.ioport, device.io.read(0, 1)]).toEqual([0x505, 0x03]);
  });

  it.each([
    [0x01, ['panicked']],
    [0x02, ['crash loaded']],
    [0x03, ['panicked']],
    [0x00, []],
    [0xfc, []],
  ])('a write of %i is told as %j', (value, expected) => {
    const { device, heard } = withEvents();
    device.io.write(0, 1, value);
    expect(heard).toEqual(expected);
  });

  it('hears only the events that it offers', () => {
    const { device, heard } = withEvents({ events: 1 });
    device.io.write(0, 1, 0x02);
    expect([device.io.read(0, 1), heard]).toEqual([1, []]);
  });

  it('shows its port and its events as properties', () => {
    const { ioport, events } = withEvents({ ioport: 0x600, events: 2 }).device.properties;
    expect([ioport?.get(), events?.get()]).toEqual([0x600, 2]);
  });

  it.each([{ ioport: 0x1_0000 }, { ioport: -1 }, { ioport: 1.5 }, { events: 4 }])('%j is refused', (options) => {
    expect(() => new Pvpanic({}, options)).toThrow(RangeError);
  });

  it('remembers nothing: reset, save and restore change nothing', () => {
    const { device } = withEvents();
    device.reset();
    saveRestoreIsIdentity(
      () => new Pvpanic(),
      (other) => other.io.write(0, 1, 1),
    );
    expect(device.io.read(0, 1)).toBe(3);
  });

  it('answers every access', () => {
    fuzzRegion(new Pvpanic().io, 1, 1000);
  });

  it('is bound by its module', () => {
    const container = new Container();
    container.bind(Trace).toConstantValue(new Trace());
    container.load(pvpanicModule({ events: 1 }));
    expect(container.get(Pvpanic).events).toBe(1);
  });
});
