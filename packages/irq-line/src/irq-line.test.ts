import { IrqLine, IrqPin } from './index.js';

/** A pin and the levels its handler heard. */
function recorder(): { pin: IrqPin; heard: boolean[] } {
  const heard: boolean[] = [];
  return { pin: new IrqPin('pin', (high) => heard.push(high)), heard };
}

function wired(label = 'line'): { line: IrqLine; pin: IrqPin; heard: boolean[] } {
  const line = new IrqLine(label);
  const { pin, heard } = recorder();
  line.connect(pin);
  return { line, pin, heard };
}

describe('IrqLine', () => {
  it('starts low and tells its pin each change of level once', () => {
    const { line, heard } = wired();
    for (const level of [false, true, true, false, false]) line.set(level);
    expect(heard).toEqual([true, false]);
  });

  it('pulses as a rising and a falling edge', () => {
    const { line, heard } = wired();
    line.pulse();
    expect(heard).toEqual([true, false]);
  });

  it('falls at the end of a pulse that began high', () => {
    const { line, heard } = wired();
    line.raise();
    line.pulse();
    expect([heard, line.high]).toEqual([[true, false], false]);
  });

  it('raises a pin at once when it is high already', () => {
    const line = new IrqLine('line');
    line.raise();
    const { pin, heard } = recorder();
    line.connect(pin);
    expect([pin.high, heard]).toEqual([true, [true]]);
  });

  it('drives all its pins, in the order of their connection', () => {
    const order: string[] = [];
    const line = new IrqLine('line');
    const pins = ['pic', 'ioapic'].map((name) => new IrqPin(name, () => order.push(name)));
    for (const pin of pins) line.connect(pin);
    line.raise();
    expect([order, line.pins]).toEqual([['pic', 'ioapic'], pins]);
  });

  it('works unconnected', () => {
    const line = new IrqLine('loose');
    line.raise();
    expect([line.high, line.label]).toEqual([true, 'loose']);
  });
});

describe('IrqPin', () => {
  it('is high while any of its lines is', () => {
    const { line, pin, heard } = wired('a');
    const other = new IrqLine('b');
    other.connect(pin);
    line.raise();
    other.raise();
    line.lower();
    expect([pin.high, heard]).toEqual([true, [true]]);
    other.lower();
    expect([pin.high, heard]).toEqual([false, [true, false]]);
  });
});
