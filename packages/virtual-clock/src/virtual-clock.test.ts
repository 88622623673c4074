import fc from 'fast-check';
import { ManualClock, VirtualClock } from './index.js';

/** A clock and what its timers did, as `label@now`. */
function bench(): { clock: ManualClock; fired: string[]; timer: (label: string) => ReturnType<VirtualClock['timer']> } {
  const clock = new ManualClock();
  const fired: string[] = [];
  return { clock, fired, timer: (label) => clock.timer(label, () => fired.push(`${label}@${clock.now()}`)) };
}

describe('Timer', () => {
  it('starts disarmed', () => {
    const { timer } = bench();
    expect(timer('a')).toMatchObject({ label: 'a', armed: false, deadlineNs: Number.POSITIVE_INFINITY });
  });

  it('fires once at its deadline', () => {
    const { clock, fired, timer } = bench();
    const a = timer('a');
    a.arm(100);
    clock.advance(99);
    expect(fired).toEqual([]);
    clock.advance(1000);
    expect([fired, a.armed]).toEqual([['a@100'], false]);
  });

  it('keeps only its last deadline', () => {
    const { clock, fired, timer } = bench();
    const a = timer('a');
    a.arm(100);
    a.arm(200);
    clock.advance(1000);
    expect(fired).toEqual(['a@200']);
  });

  it('does not fire when it was disarmed', () => {
    const { clock, fired, timer } = bench();
    const a = timer('a');
    a.arm(100);
    a.disarm();
    clock.advance(1000);
    expect(fired).toEqual([]);
  });

  it('fires at the next opportunity when its deadline is past', () => {
    const { clock, fired, timer } = bench();
    clock.advance(500);
    timer('a').arm(100);
    clock.advance(0);
    expect(fired).toEqual(['a@500']);
  });

  it('may be armed again by its own callback', () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const periodic = clock.timer('periodic', () => {
      fired.push(clock.now());
      periodic.arm(clock.now() + 10);
    });
    periodic.arm(10);
    clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
  });

  it('is not fired when an earlier one of the same moment put it off', () => {
    const { clock, fired, timer } = bench();
    const late = timer('late');
    const early = clock.timer('early', () => late.disarm());
    late.arm(100);
    early.arm(90);
    clock.runExpired();
    clock.advanceTo(100);
    expect(fired).toEqual([]);
  });
});

describe('VirtualClock', () => {
  it('fires what is due in order of deadline', () => {
    const { clock, fired, timer } = bench();
    for (const [label, deadlineNs] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
    ] as const)
      timer(label).arm(deadlineNs);
    clock.advance(100);
    expect(fired).toEqual(['a@10', 'b@20', 'c@30']);
  });

  it('fires late timers of a clock that jumped, earliest first', () => {
    const time = { nowNs: 0 };
    const clock = new VirtualClock(() => time.nowNs);
    const fired: string[] = [];
    for (const [label, deadlineNs] of [
      ['b', 20],
      ['a', 10],
      ['later', 200],
    ] as const)
      clock.timer(label, () => fired.push(label)).arm(deadlineNs);
    time.nowNs = 100;
    clock.runExpired();
    expect([fired, clock.nextDeadline()]).toEqual([['a', 'b'], 200]);
  });

  it('tells the run loop about deadlines before all others only', () => {
    const { clock, timer } = bench();
    const heard: number[] = [];
    clock.onEarlierDeadline((deadlineNs) => heard.push(deadlineNs));
    const [a, b] = [timer('a'), timer('b')];
    a.arm(100);
    b.arm(200);
    b.arm(50);
    a.arm(300);
    b.disarm();
    a.arm(250);
    expect(heard).toEqual([100, 50, 250]);
  });

  it('forgets a timer that was removed', () => {
    const { clock, fired, timer } = bench();
    const a = timer('a');
    a.arm(100);
    clock.remove(a);
    clock.remove(a);
    a.arm(50);
    clock.advance(1000);
    expect([fired, clock.nextDeadline()]).toEqual([[], Number.POSITIVE_INFINITY]);
  });

  it('knows the earliest deadline after any sequence of changes', () => {
    const change = fc.record({ timer: fc.nat(3), deadlineNs: fc.option(fc.nat(1000)) });
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const clock = new ManualClock();
        const timers = [0, 1, 2, 3].map((label) => clock.timer(String(label), () => {}));
        for (const { timer, deadlineNs } of changes) {
          if (deadlineNs === null) timers[timer]?.disarm();
          else timers[timer]?.arm(deadlineNs);
          expect(clock.nextDeadline()).toBe(Math.min(...timers.map((each) => each.deadlineNs)));
        }
      }),
    );
  });
});

describe('ManualClock', () => {
  it('starts where it is told and never goes back', () => {
    const clock = new ManualClock(500);
    clock.advanceTo(100);
    expect(clock.now()).toBe(500);
  });

  it('fires every deadline exactly once and in order, whatever the steps', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { maxLength: 20 }), fc.array(fc.nat(100), { maxLength: 20 }), (deadlines, steps) => {
        const clock = new ManualClock();
        const fired: number[] = [];
        for (const [index, deadlineNs] of deadlines.entries()) clock.timer(String(index), () => fired.push(clock.now())).arm(deadlineNs);
        for (const step of steps) clock.advance(step);
        const due = deadlines.filter((deadlineNs) => deadlineNs <= clock.now() && steps.length > 0);
        expect(fired).toEqual(due.sort((a, b) => a - b));
      }),
    );
  });
});
