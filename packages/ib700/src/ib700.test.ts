import { fuzzRegion } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { Container } from 'inversify';
import { Ib700 } from './ib700.js';
import { ib700Module } from './module.js';

const SECOND = 1_000_000_000;

class Bench {
  #ns = 0;
  readonly clock = new VirtualClock(() => this.#ns);
  readonly device = new Ib700({ clock: this.clock });
  expired = 0;

  constructor() {
    this.device.expired = () => void this.expired++;
  }

  advance(seconds: number): number {
    this.#ns += seconds * SECOND;
    this.clock.runExpired();
    return this.expired;
  }

  /** By the board's ports. */
  outb(port: number, value: number): void {
    this.device.io.write(port - 0x441, 1, value);
  }
}

describe('Ib700', () => {
  it('is stopped at power-on', () => {
    expect(new Bench().advance(1000)).toBe(0);
  });

  it.each([
    [0x00, 30],
    [0x01, 28],
    [0x0d, 4],
    [0x0e, 2],
    [0x0f, 0],
    [0xfe, 2],
  ])('started with %i it runs out after %i seconds, once', (value, seconds) => {
    const bench = new Bench();
    bench.outb(0x443, value);
    expect([bench.advance(Math.max(seconds - 1, 0)), bench.advance(1), bench.advance(100)]).toEqual([seconds === 0 ? 1 : 0, 1, 1]);
  });

  it('starts anew each time it is written', () => {
    const bench = new Bench();
    for (let second = 0; second < 10; second++) {
      bench.outb(0x443, 14);
      bench.advance(1);
    }
    expect([bench.expired, bench.advance(1)]).toEqual([0, 1]);
  });

  it.each([0x441, 0x442])('a write to port %i stops it', (port) => {
    const bench = new Bench();
    bench.outb(0x443, 14);
    bench.outb(port, 0);
    expect(bench.advance(100)).toBe(0);
  });

  it('is stopped by a reset', () => {
    const bench = new Bench();
    bench.outb(0x443, 14);
    bench.device.reset();
    expect(bench.advance(100)).toBe(0);
  });

  it('goes on after save and restore, and stays stopped if it was', () => {
    const [bench, other] = [new Bench(), new Bench()];
    other.device.restore(bench.device.save());
    expect(other.advance(100)).toBe(0);
    bench.outb(0x443, 13);
    const third = new Bench();
    third.device.restore(bench.device.save());
    expect([third.advance(3), third.advance(1)]).toEqual([0, 1]);
  });

  it('answers every access', () => {
    fuzzRegion(new Bench().device.io, 4, 1000);
  });

  it('is bound by its module', () => {
    const container = new Container();
    container.bind(Trace).toConstantValue(new Trace());
    container.bind(VirtualClock).toConstantValue(new VirtualClock(() => 0));
    container.load(ib700Module);
    expect(container.get(Ib700).typeName).toBe('ib700');
  });
});
