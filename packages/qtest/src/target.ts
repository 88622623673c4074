import type { AccessSize } from '@hotsocket/address-space';

/** What a qtest session drives: a machine whose CPUs do not run and whose time stands still. */
export interface QtestTarget {
  /** Reads an I/O port, side effects included; unsigned. */
  readPort(port: number, size: AccessSize): number;
  writePort(port: number, size: AccessSize, value: number): void;
  /** One access to guest physical memory, device registers included; unsigned. */
  readMemory(gpa: number, size: AccessSize): number;
  writeMemory(gpa: number, size: AccessSize, value: number): void;
  /** Copies memory as a bus master would: RAM at once, device registers in naturally aligned accesses. */
  readBytes(gpa: number, into: Uint8Array): void;
  writeBytes(gpa: number, from: Uint8Array): void;
  /** Guest time in nanoseconds since power-on. */
  now(): number;
  /** When the next timer fires, or infinity. */
  nextDeadline(): number;
  /** Moves guest time on to `ns` (never back); every timer fires at its own deadline. */
  advanceTo(ns: number): void;
  /** The wires into or out of the device that `path` names; undefined when there is no such device. */
  irqs(path: string, direction: IrqDirection): IrqTap | undefined;
  /** Drives an input of a device by hand. False when there is no such device or input. */
  setIrqIn(path: string, name: string, number: number, high: boolean): boolean;
}

export type IrqDirection = 'in' | 'out';

/** Wires that can be listened to. */
export interface IrqTap {
  /** Canonical name of the device: two paths to one device have one. */
  readonly device: string;
  /** Hears every change of level from now on; returns what ends it. */
  listen(changed: (number: number, high: boolean) => void): () => void;
}
