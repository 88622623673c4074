import { GuestTime } from './guest-time.js';

describe('GuestTime', () => {
  it('counts finished slices and the instructions of the present one', () => {
    let executed = 0;
    const time = new GuestTime({ drive: 'icount', nsPerInstruction: 32 }, () => executed);
    executed = 10;
    expect(time.now()).toBe(320);
    executed = 0;
    time.account(100, 5000);
    expect(time.now()).toBe(3200);
    expect(time.instructions).toBe(100);
  });

  it('never goes back', () => {
    const time = new GuestTime({ drive: 'icount', nsPerInstruction: 32 }, () => 0);
    time.warpTo(1000);
    time.warpTo(500);
    expect(time.now()).toBe(1000);
  });

  it.each([
    [0, 1],
    [32, 1],
    [33, 2],
    [3200, 100],
  ])('rounds up to the instruction that reaches %i ns', (ns, instructions) => {
    const time = new GuestTime({ drive: 'icount', nsPerInstruction: 32 }, () => 0);
    expect(time.instructionsUntil(ns)).toBe(instructions);
  });
});
