import type { SavedState } from '@hotsocket/saved-state';

/** A QOM property of a device: typed text for clients, live value by `get`, writable when `set` is there. */
export interface Property {
  readonly type: 'bool' | 'int' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'str' | string;
  get(): number | bigint | boolean | string;
  set?(value: number | bigint | boolean | string): void;
}

/** What every part of a machine offers. Constructors take the services the part needs and its options; there is no half-built device. */
export interface Device {
  /** QOM type name, as QEMU users know it (`mc146818rtc`, `PIIX4_PM`). */
  readonly typeName: string;
  /** Power-on and reset-button state. */
  reset(): void;
  save(): SavedState;
  /** Takes a state of the same kind; throws SavedStateError and changes nothing when it does not fit. */
  restore(saved: SavedState): void;
  /** Properties shown by `qom-list` and `qom-get`. */
  readonly properties?: Readonly<Record<string, Property>>;
}
