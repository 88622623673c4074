import type { Pc } from '@hotsocket/machine-pc';
import { ConsoleMux, type Monitor, MonitorSession } from '@hotsocket/monitor';
import type { QmpServer, QmpSession } from '@hotsocket/qmp';
import { ByteBatch } from './char/byte-batch.js';
import { type CharBackend, type CharPeer, OUTPUT_ONLY } from './char/char-backend.js';
import { InputQueue } from './char/input-queue.js';

const MOST_TYPED_AHEAD = 64 << 10;

/** The serial port and whoever talks to it. The port takes only what its FIFO holds; the rest waits on the host. */
export class SerialConsole implements CharPeer {
  readonly #machine: Pc;
  readonly #batch: ByteBatch;
  #resume: () => void = () => {};

  constructor(machine: Pc, output: (bytes: Uint8Array) => void) {
    this.#machine = machine;
    this.#batch = new ByteBatch(output);
    machine.board.com1.transmitted = (byte) => this.#batch.put(byte);
    machine.board.com1.writable = () => this.#resume();
  }

  /** Called when the port has room again. */
  onRoom(resume: () => void): void {
    this.#resume = resume;
  }

  receive(bytes: Uint8Array): number {
    return this.#machine.board.com1.receive(bytes);
  }

  connected(): void {}

  sendBreak(): void {
    this.#machine.board.com1.receiveBreak();
  }

  flush(): void {
    this.#batch.flush();
  }
}

/** Connects the serial port alone to a backend. */
export function attachSerial(machine: Pc, backend: CharBackend): { readonly peer: CharPeer; flush(): void } {
  const serial = new SerialConsole(machine, (bytes) => backend.write(bytes));
  serial.onRoom(() => backend.resume());
  return { peer: serial, flush: () => serial.flush() };
}

export interface SharedTerminalOptions {
  readonly machine: Pc;
  readonly monitor: Monitor;
  readonly backend: CharBackend;
  /** Ctrl-A x. */
  readonly exit: () => void;
}

/** Connects serial port and monitor to one terminal. */
export function attachShared({ machine, monitor, backend, exit }: SharedTerminalOptions): { readonly peer: CharPeer; flush(): void } {
  const serial = new SerialConsole(machine, (bytes) => mux.consoleOutput(bytes));
  const typed = new InputQueue((bytes) => serial.receive(bytes), { pause: () => {}, resume: () => backend.resume() });
  serial.onRoom(() => typed.drain());
  const session = new MonitorSession(monitor, (text) => mux.monitorOutput(text));
  const mux = new ConsoleMux({
    sendToConsole: (bytes) => typed.push(bytes),
    sendToMonitor: (bytes) => session.receive(bytes),
    focusMonitor: () => session.focus(),
    write: (bytes) => backend.write(bytes),
    exit,
    sendBreak: () => serial.sendBreak(),
    now: () => performance.now(),
    name: 'hotsocket',
  });
  return { peer: muxPeer(mux, typed), flush: () => serial.flush() };
}

/** Takes all keys, so that Ctrl-A works while the guest reads nothing; only a large paste has to wait. */
function muxPeer(mux: ConsoleMux, typed: InputQueue): CharPeer {
  return {
    receive(bytes) {
      if (typed.length > MOST_TYPED_AHEAD) return 0;
      mux.receive(bytes);
      return bytes.length;
    },
    connected: () => {},
  };
}

/** Connects a monitor alone; each client gets a prompt. */
export function attachMonitor(monitor: Monitor, backend: CharBackend): CharPeer {
  let session = new MonitorSession(monitor, (text) => backend.write(Buffer.from(text)));
  return {
    receive(bytes) {
      session.receive(bytes);
      return bytes.length;
    },
    connected() {
      session = new MonitorSession(monitor, (text) => backend.write(Buffer.from(text)));
      session.focus();
    },
  };
}

/** Speaks QMP on a backend that is no server socket, such as standard input and output. */
export function attachQmp(server: QmpServer, backend: CharBackend): CharPeer {
  let session: QmpSession | undefined;
  return {
    receive(bytes) {
      session?.receive(bytes);
      return bytes.length;
    },
    connected() {
      if (session !== undefined) server.release(session);
      session = server.connect({ pendingBytes: 0, write: (text) => backend.write(Buffer.from(text, 'latin1')), end: () => {} });
    },
  };
}

/** Connects debug consoles to a backend: both ports, or one. */
export function attachDebugConsole(
  machine: Pc,
  backend: CharBackend,
  port: number | undefined,
): { readonly peer: CharPeer; flush(): void } {
  const batch = new ByteBatch((bytes) => backend.write(bytes));
  const written = (byte: number): void => batch.put(byte);
  if (port !== 0xe9) machine.board.debugConsole.written = written;
  if (port !== 0x402) machine.board.e9Console.written = written;
  return { peer: OUTPUT_ONLY, flush: () => batch.flush() };
}
