import { IccBus } from '@hotsocket/icc-bus';
import { saveRestoreIsIdentity } from '@hotsocket/testbench';
import { ManualClock, VirtualClock } from '@hotsocket/virtual-clock';
import { type ApicCpu, LocalApic, type LocalApicOptions, NO_CPU } from './index.js';

interface Rig {
  readonly clock: ManualClock;
  readonly apic: LocalApic;
  /** Guest times at which the timer interrupted; each is acknowledged and ended at once. */
  readonly firedNs: number[];
}

function rig(options: Partial<LocalApicOptions> = {}, cpu: Partial<ApicCpu> = {}): Rig {
  const clock = new ManualClock(5_000);
  const apic = new LocalApic({ clock, bus: new IccBus() }, { id: 0, bootstrap: true, ...options });
  const firedNs: number[] = [];
  const interruptPending = (pending: boolean): void => {
    if (!pending) return;
    firedNs.push(clock.now() - 5_000);
    apic.acknowledge();
    apic.writeRegister(0x0b, 0);
  };
  apic.writeRegister(0x0f, 0x1ff);
  apic.cpu = { ...NO_CPU, ...cpu, interruptPending };
  return { clock, apic, firedNs };
}

/** Divide by 16, as Linux programs it. */
function start({ apic }: Pick<Rig, 'apic'>, lvt: number, count: number, divide = 3): void {
  apic.writeRegister(0x3e, divide);
  apic.writeRegister(0x32, lvt);
  apic.writeRegister(0x38, count);
}

describe('APIC timer, one-shot', () => {
  it('interrupts once, after count × divider nanoseconds at 1 GHz', () => {
    const made = rig();
    start(made, 0xec, 1000);
    made.clock.advance(15_999);
    expect(made.firedNs).toEqual([]);
    made.clock.advance(1_000_000);
    expect([made.firedNs, made.apic.readRegister(0x39), made.apic.readRegister(0x1f)]).toEqual([[16_000], 0, 0]);
  });

  it('the current count falls by one per divided tick', () => {
    const made = rig();
    start(made, 0xec, 1000);
    made.clock.advance(16 * 10 + 15);
    expect([made.apic.readRegister(0x39), made.apic.readRegister(0x38)]).toEqual([990, 1000]);
  });

  it.each([
    [0x0, 2],
    [0x1, 4],
    [0x2, 8],
    [0x3, 16],
    [0x8, 32],
    [0x9, 64],
    [0xa, 128],
    [0xb, 1],
  ])('divide configuration %i divides by %i', (divide, divider) => {
    const made = rig();
    start(made, 0xec, 100, divide);
    made.clock.advance(1_000_000);
    expect(made.firedNs).toEqual([100 * divider]);
  });

  it('an initial count of 0 stops it', () => {
    const made = rig();
    start(made, 0xec, 1000);
    made.apic.writeRegister(0x38, 0);
    made.clock.advance(1_000_000);
    expect([made.firedNs, made.clock.nextDeadline()]).toEqual([[], Number.POSITIVE_INFINITY]);
  });

  it('writing the initial count starts it anew', () => {
    const made = rig();
    start(made, 0xec, 1000);
    made.clock.advance(15_000);
    made.apic.writeRegister(0x38, 1000);
    made.clock.advance(1_000_000);
    expect(made.firedNs).toEqual([31_000]);
  });

  it('counts while masked, without an alarm, and an expiry while masked is lost', () => {
    const made = rig();
    start(made, 0x1_00ec, 1000);
    expect(made.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    made.clock.advance(8_000);
    expect(made.apic.readRegister(0x39)).toBe(500);
    made.clock.advance(8_000);
    made.apic.writeRegister(0x32, 0xec);
    made.clock.advance(1_000_000);
    expect(made.firedNs).toEqual([]);
  });

  it('unmasked before its end it interrupts at its end', () => {
    const made = rig();
    start(made, 0x1_00ec, 1000);
    made.clock.advance(8_000);
    made.apic.writeRegister(0x32, 0xec);
    made.clock.advance(1_000_000);
    expect(made.firedNs).toEqual([16_000]);
  });

  it('a changed divider goes on from the present count', () => {
    const made = rig();
    start(made, 0xec, 1000);
    made.clock.advance(8_000);
    made.apic.writeRegister(0x3e, 0xb);
    expect(made.apic.readRegister(0x39)).toBe(500);
    made.clock.advance(1_000_000);
    expect(made.firedNs).toEqual([8_500]);
  });

  it('the longest countdown fires exactly', () => {
    const made = rig();
    start(made, 0xec, 0xffff_ffff, 0xa);
    made.clock.advance(0xffff_ffff * 128 + 1);
    expect(made.firedNs).toEqual([0xffff_ffff * 128]);
  });
});

describe('APIC timer, periodic', () => {
  it('interrupts at every multiple of the period', () => {
    const made = rig();
    start(made, 0x2_00ec, 1000);
    made.clock.advance(50_000);
    expect([made.firedNs, made.apic.readRegister(0x39)]).toEqual([[16_000, 32_000, 48_000], 875]);
  });

  it('masked it counts on, as Linux calibrates with it', () => {
    const made = rig();
    start(made, 0x3_00ec, 1000);
    made.clock.advance(16_000 * 3 + 160);
    expect([made.firedNs, made.apic.readRegister(0x39)]).toEqual([[], 990]);
  });

  it('an expiry that is late keeps the phase and is delivered once', () => {
    let nowNs = 5_000;
    const clock = new VirtualClock(() => nowNs);
    const apic = new LocalApic({ clock, bus: new IccBus() }, { id: 0, bootstrap: true });
    let fired = 0;
    apic.cpu = { ...NO_CPU, interruptPending: (pending) => void (fired += Number(pending)) };
    apic.writeRegister(0x0f, 0x1ff);
    start({ apic }, 0x2_00ec, 1000);
    nowNs += 70_000;
    clock.runExpired();
    expect([fired, clock.nextDeadline() - 5_000]).toEqual([1, 80_000]);
  });

  it('periods below 10 µs are delivered at that distance; the count runs on', () => {
    const made = rig();
    start(made, 0x2_00ec, 1, 0xb);
    made.clock.advance(100_000);
    expect([made.firedNs.length, made.apic.readRegister(0x39)]).toEqual([10, 1]);
  });

  it('a new initial count starts a new period', () => {
    const made = rig();
    start(made, 0x2_00ec, 1000);
    made.clock.advance(20_000);
    made.apic.writeRegister(0x38, 2000);
    made.clock.advance(70_000);
    expect(made.firedNs).toEqual([16_000, 52_000, 84_000]);
  });

  it('switched to one-shot it ends with the running period', () => {
    const made = rig();
    start(made, 0x2_00ec, 1000);
    made.clock.advance(20_000);
    made.apic.writeRegister(0x32, 0xec);
    made.clock.advance(100_000);
    expect(made.firedNs).toEqual([16_000, 32_000]);
  });

  it('at its end the count is the initial count again', () => {
    const made = rig();
    start(made, 0x3_00ec, 1000);
    made.clock.advance(16_000);
    expect(made.apic.readRegister(0x39)).toBe(1000);
    made.clock.advance(16);
    expect(made.apic.readRegister(0x39)).toBe(999);
  });

  it('masked, with a divider changed within a period, it counts on from there', () => {
    const made = rig();
    start(made, 0x3_00ec, 1000);
    made.clock.advance(4_000);
    made.apic.writeRegister(0x3e, 0xb);
    made.clock.advance(750 + 10);
    expect(made.apic.readRegister(0x39)).toBe(990);
  });

  it('a divider changed within a period does not change the following ones', () => {
    const made = rig();
    start(made, 0x2_00ec, 1000);
    made.clock.advance(8_000);
    made.apic.writeRegister(0x3e, 0x8);
    made.clock.advance(90_000);
    expect(made.firedNs).toEqual([24_000, 56_000, 88_000]);
  });

  it('one-shot switched to periodic after its end stays stopped', () => {
    const made = rig();
    start(made, 0xec, 1000);
    made.clock.advance(20_000);
    made.apic.writeRegister(0x32, 0x2_00ec);
    made.clock.advance(100_000);
    expect(made.firedNs).toEqual([16_000]);
  });
});

describe('APIC timer, noticed late', () => {
  it.each([
    ['the vector', 0x32, 0xed],
    ['the mask', 0x32, 0x1_00ec],
    ['the count', 0x38, 5000],
    ['the divider', 0x3e, 0xb],
  ])('an expiry that is due comes before a write that changes %s', (_what, index, value) => {
    let nowNs = 0;
    const clock = new VirtualClock(() => nowNs);
    const apic = new LocalApic({ clock, bus: new IccBus() }, { id: 0, bootstrap: true });
    apic.writeRegister(0x0f, 0x1ff);
    start({ apic }, 0xec, 1000);
    nowNs = 16_001;
    apic.writeRegister(index, value);
    expect(apic.acknowledge()).toBe(0xec);
  });
});

describe('APIC timer, TSC deadline', () => {
  it('interrupts when the counter reaches the deadline, once, and the MSR reads 0 then', () => {
    const made = rig({ tscHz: 2_000_000_000 });
    made.apic.writeRegister(0x32, 0x4_00ec);
    made.apic.writeTscDeadline(0, 20_000);
    expect(made.apic.tscDeadline).toEqual({ hi: 0, lo: 20_000 });
    made.clock.advance(100_000);
    expect([made.firedNs, made.apic.tscDeadline]).toEqual([[5_000], { hi: 0, lo: 0 }]);
  });

  it('a deadline in the past interrupts at once, 0 disarms', () => {
    const made = rig();
    made.apic.writeRegister(0x32, 0x4_00ec);
    made.apic.writeTscDeadline(0, 1);
    made.clock.advance(0);
    made.apic.writeTscDeadline(0, 50_000);
    made.apic.writeTscDeadline(0, 0);
    made.clock.advance(100_000);
    expect(made.firedNs).toEqual([0]);
  });

  it('follows the CPU’s own counter, also when it jumps', () => {
    let offset = 1_000;
    const made: Rig = rig({}, { tsc: () => made.clock.now() + offset });
    made.apic.writeRegister(0x32, 0x4_00ec);
    made.apic.writeTscDeadline(0, 46_000);
    expect(made.clock.nextDeadline()).toBe(45_000);
    offset = 21_000;
    made.apic.tscChanged();
    made.clock.advance(100_000);
    expect(made.firedNs).toEqual([20_000]);
  });

  it('both halves of the deadline count', () => {
    const made = rig();
    made.apic.writeRegister(0x32, 0x4_00ec);
    made.apic.writeTscDeadline(1, 6_000);
    made.clock.advance(5_000_000_000);
    expect(made.firedNs).toEqual([0x1_0000_0000 + 1_000]);
  });

  it('a deadline beyond all time never fires', () => {
    const made = rig();
    made.apic.writeRegister(0x32, 0x4_00ec);
    made.apic.writeTscDeadline(0xffff_ffff, 0xffff_ffff);
    expect(made.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('counts and the MSR are dead in each other’s mode, and changing over stops both', () => {
    const made = rig();
    start(made, 0xec, 1000);
    made.apic.writeTscDeadline(0, 10_000);
    expect(made.apic.tscDeadline).toEqual({ hi: 0, lo: 0 });
    made.apic.writeRegister(0x32, 0x4_00ec);
    made.apic.writeRegister(0x38, 55);
    made.apic.writeRegister(0x32, 0xec);
    expect(made.apic.readRegister(0x39)).toBe(0);
    made.clock.advance(100_000);
    expect([made.firedNs, made.apic.readRegister(0x39), made.apic.readRegister(0x38)]).toEqual([[], 0, 1000]);
  });
});

describe('APIC timer, saved', () => {
  it('a restored timer interrupts when the original would', () => {
    const made = rig();
    start(made, 0x2_00ec, 1000);
    made.clock.advance(20_000);
    const other = rig();
    other.clock.advance(20_000);
    other.apic.restore(made.apic.save());
    other.clock.advance(30_000);
    expect(other.firedNs).toEqual([32_000, 48_000]);
  });

  it('keeps a masked countdown', () => {
    saveRestoreIsIdentity(
      () => rig().apic,
      (apic) => {
        apic.writeRegister(0x32, 0x3_00ec);
        apic.writeRegister(0x38, 77);
      },
    );
  });

  it('a running countdown from nothing does not stop the clock', () => {
    const made = rig();
    const saved = made.apic.save();
    const timer = { ...(saved.data.timer as object), running: true };
    made.apic.restore({ ...saved, data: { ...saved.data, lvt: [0x2_00ec, 0, 0, 0, 0, 0], timer } });
    made.clock.advance(100_000);
    expect([made.firedNs, made.apic.readRegister(0x39)]).toEqual([[], 0]);
  });
});
