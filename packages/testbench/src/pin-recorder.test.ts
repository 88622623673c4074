import { IrqLine } from '@hotsocket/irq-line';
import { PinRecorder } from './pin-recorder.js';

describe('PinRecorder', () => {
  it('records changes of the wired-OR level of its lines', () => {
    const [a, b] = [new IrqLine('a'), new IrqLine('b')];
    const recorder = new PinRecorder(a, b);
    a.raise();
    b.raise();
    a.lower();
    b.pulse();
    expect(recorder).toMatchObject({ levels: [true, false], rises: 1, high: false });
  });

  it('keeps the level when the history is cleared', () => {
    const line = new IrqLine('a');
    const recorder = new PinRecorder(line);
    line.raise();
    recorder.clear();
    expect(recorder).toMatchObject({ levels: [], high: true });
  });
});
