import { createServer, type Server, type Socket } from 'node:net';
import { boundAddress, type ListenOptions, type QmpAddress, startListening } from '@hotsocket/qmp/node';
import type { Description } from './registers.js';
import type { GdbServer } from './server.js';

export { QmpListenError as GdbListenError } from '@hotsocket/qmp/node';

/** Where a gdb server listens: a Unix socket or a TCP port, where 0 lets the system choose. */
export type GdbAddress = QmpAddress;

/** The value of `-gdb`. */
export interface GdbEndpoint {
  readonly address: GdbAddress;
  readonly description: Description;
  readonly onDisconnect: 'pause' | 'continue';
}

/** The value of `-gdb` cannot be understood; `message` is one line for the user. */
export class GdbEndpointError extends Error {
  readonly code = 'GDB_ENDPOINT';
}

/** What `-s` stands for. */
export const DEFAULT_GDB_ENDPOINT = 'tcp::1234';

/** Options with their values. */
const VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ['arch', ['x86-64', 'i386', 'i8086'] satisfies Description[]],
  ['on-disconnect', ['pause', 'continue']],
]);

/**
 * Reads the value of `-gdb`: `tcp:HOST:PORT` or `unix:PATH`, then `arch=x86-64|i386|i8086`, `on-disconnect=pause|continue`, and the words
 * of other programs that change nothing here: `server`, `wait=off`, `nowait`, `nodelay`. Undefined for `none`. Throws GdbEndpointError.
 */
export function parseGdbEndpoint(text: string): GdbEndpoint | undefined {
  if (text === 'none') return undefined;
  const [where = '', ...words] = text.split(',');
  const values = new Map<string, string>();
  for (const word of words) readWord(word, values, text);
  return {
    address: readAddress(where, text),
    description: (values.get('arch') ?? 'x86-64') as Description,
    onDisconnect: (values.get('on-disconnect') ?? 'pause') as GdbEndpoint['onDisconnect'],
  };
}

function readWord(word: string, values: Map<string, string>, text: string): void {
  if (/^(?:server(?:=on)?|wait=off|nowait|nodelay(?:=on|=off)?)$/.test(word)) return;
  const [name = '', value = ''] = word.split('=');
  if (!VALUES.get(name)?.includes(value)) throw new GdbEndpointError(`-gdb ${text}: invalid option '${word}'`);
  values.set(name, value);
}

function readAddress(where: string, text: string): GdbAddress {
  if (where.startsWith('unix:') && where.length > 5) return { kind: 'unix', path: where.slice(5) };
  const [, bracketed, plain, port] = /^tcp:(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(where) ?? [];
  if (port === undefined || Number(port) > 0xffff) throw new GdbEndpointError(`-gdb ${text}: expected tcp:HOST:PORT, unix:PATH or none`);
  return { kind: 'tcp', host: bracketed ?? plain ?? '', port: Number(port) };
}

/**
 * Opens a listening socket for a gdb server. One client is served at a time; while one is, others are sent away. Unix sockets get mode
 * 0600, TCP binds to loopback addresses only unless `allowRemote`: whoever reaches the port owns the machine. Rejects with GdbListenError.
 */
export async function listenGdb(server: GdbServer, address: GdbAddress, options: ListenOptions = {}): Promise<GdbListener> {
  const sockets = createServer();
  const listener = new GdbListener(server, address, sockets);
  await startListening(sockets, address, options);
  return listener;
}

/** One listening socket. */
export class GdbListener {
  readonly #server: GdbServer;
  readonly #address: GdbAddress;
  readonly #sockets: Server;
  #client: Socket | undefined;

  /** Made by `listenGdb`. */
  constructor(server: GdbServer, address: GdbAddress, sockets: Server) {
    this.#server = server;
    this.#address = address;
    this.#sockets = sockets;
    sockets.on('connection', (socket) => this.#admit(socket));
  }

  /** Where it listens; with the real port if 0 was asked for. */
  get address(): GdbAddress {
    return boundAddress(this.#sockets, this.#address);
  }

  /** Ends the client's connection and removes the socket file. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#sockets.close(() => resolve()));
    this.#client?.destroySoon();
    await closed;
  }

  #admit(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    const session = this.#server.connect({ write: (text) => void socket.write(text, 'latin1'), end: () => socket.destroySoon() });
    if (!session) {
      this.#server.log('a second gdb client was sent away');
      socket.destroy();
      return;
    }
    this.#client = socket;
    socket.on('data', (bytes: Buffer) => session.receive(bytes));
    socket.on('close', () => this.#server.release(session));
  }
}
