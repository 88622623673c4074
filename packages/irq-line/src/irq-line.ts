/**
 * The controller's end of wires. Several lines may drive one pin; it is high while any of them is (wired-OR).
 * The handler hears changes of the pin's level only.
 */
export class IrqPin {
  readonly label: string;
  readonly #changed: (high: boolean) => void;
  #drivers = 0;

  constructor(label: string, changed: (high: boolean) => void) {
    this.label = label;
    this.#changed = changed;
  }

  get high(): boolean {
    return this.#drivers > 0;
  }

  /** Called by a line whose level changed; a line calls it once per change. */
  drive(high: boolean): void {
    this.#drivers += high ? 1 : -1;
    if (this.#drivers === Number(high)) this.#changed(high);
  }
}

/** The device's end of a wire: a level, synchronous. Lines start low. A pin's handler must not set a line that drives the pin. */
export class IrqLine {
  readonly label: string;
  readonly #pins: IrqPin[] = [];
  #high = false;

  constructor(label: string) {
    this.label = label;
  }

  get high(): boolean {
    return this.#high;
  }

  /** The pins this line drives, for net lists. */
  get pins(): readonly IrqPin[] {
    return this.#pins;
  }

  /** Solders the line to a pin; a line that is high raises the pin at once. */
  connect(pin: IrqPin): void {
    this.#pins.push(pin);
    if (this.#high) pin.drive(true);
  }

  set(high: boolean): void {
    if (high === this.#high) return;
    this.#high = high;
    for (const pin of this.#pins) pin.drive(high);
  }

  raise(): void {
    this.set(true);
  }

  lower(): void {
    this.set(false);
  }

  /** A rising edge: low, high, low. */
  pulse(): void {
    this.set(true);
    this.set(false);
  }
}
