import { closeSync, openSync, writeSync } from 'node:fs';
import { systemText, UsageError } from '../usage-error.js';
import type { CharBackend, CharPeer } from './char-backend.js';

/** Output into a file. Written at once, so that nothing is lost when the process ends. */
export class FileBackend implements CharBackend {
  readonly #label: string;
  readonly #path: string;
  readonly #append: boolean;
  #descriptor: number | undefined;

  constructor(label: string, path: string, append: boolean) {
    this.#label = label;
    this.#path = path;
    this.#append = append;
  }

  async open(peer: CharPeer): Promise<void> {
    try {
      this.#descriptor = openSync(this.#path, this.#append ? 'a' : 'w');
    } catch (error) {
      throw new UsageError(`${this.#label}: could not open '${this.#path}': ${systemText(error)}`);
    }
    peer.connected();
  }

  /** Stops writing when the disk is full: a guest that talks is no reason to end. */
  write(bytes: Uint8Array): void {
    try {
      if (this.#descriptor !== undefined) writeSync(this.#descriptor, bytes);
    } catch {
      this.#shut();
    }
  }

  resume(): void {}

  async close(): Promise<void> {
    this.#shut();
  }

  #shut(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
