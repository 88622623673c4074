import { type IrqLine, IrqPin } from '@hotsocket/irq-line';

/** A pin that remembers the levels it was driven to. */
export class PinRecorder {
  readonly pin: IrqPin;
  /** Changes of level since the start or the last `clear`, oldest first. */
  readonly levels: boolean[] = [];

  constructor(...lines: readonly IrqLine[]) {
    this.pin = new IrqPin('recorder', (high) => this.levels.push(high));
    for (const line of lines) line.connect(this.pin);
  }

  get high(): boolean {
    return this.pin.high;
  }

  /** How often the pin went from low to high. */
  get rises(): number {
    return this.levels.filter((high) => high).length;
  }

  /** Forgets the history; the level stays. */
  clear(): void {
    this.levels.length = 0;
  }
}
