import type { AccessSize } from '@hotsocket/address-space';
import type { QtestTarget } from './target.js';

const ones = (size: AccessSize): number => 2 ** (8 * size) - 1;

/** A machine with nothing in it (`-machine none`): reads are all ones, writes are lost, only time can be moved. */
export class EmptyQtestTarget implements QtestTarget {
  #now = 0;

  readPort(_port: number, size: AccessSize): number {
    return ones(size);
  }

  writePort(): void {}

  readMemory(_gpa: number, size: AccessSize): number {
    return ones(size);
  }

  writeMemory(): void {}

  readBytes(_gpa: number, into: Uint8Array): void {
    into.fill(0xff);
  }

  writeBytes(): void {}

  now(): number {
    return this.#now;
  }

  nextDeadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advanceTo(ns: number): void {
    this.#now = Math.max(this.#now, ns);
  }

  irqs(): undefined {
    return undefined;
  }

  setIrqIn(): boolean {
    return false;
  }
}
