/** The machine's end of a character device: a serial port, a monitor, or the two sharing a terminal. */
export interface CharPeer {
  /** Takes input; answers how many bytes. The backend keeps the rest, and holds its source back, until `resume`. */
  receive(bytes: Uint8Array): number;
  /** Somebody has come to the other end. */
  connected(): void;
}

/** The host's end of a character device. */
export interface CharBackend {
  /** Opens it; resolves when output has somewhere to go, with `wait=on` when the first client has come. Rejects with UsageError. */
  open(peer: CharPeer): Promise<void>;
  /** Never blocks the guest; what nobody reads is dropped at a limit. */
  write(bytes: Uint8Array): void;
  /** The peer has room again. */
  resume(): void;
  close(): Promise<void>;
}

/** A peer that only writes: what comes in is dropped. */
export const OUTPUT_ONLY: CharPeer = { receive: (bytes) => bytes.length, connected: () => {} };

/** Output that goes nowhere. */
export class NullBackend implements CharBackend {
  async open(peer: CharPeer): Promise<void> {
    peer.connected();
  }

  write(): void {}

  resume(): void {}

  async close(): Promise<void> {}
}
