import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { boundAddress, type ListenOptions, type QmpAddress, QmpListenError, showAddress, startListening } from './listen.js';
import type { QmpServer } from './server.js';
import type { QmpSession, QmpSink } from './session.js';

export { boundAddress, type ListenOptions, type QmpAddress, QmpListenError, startListening } from './listen.js';

/** An address as the command line gives it. */
export interface QmpEndpoint {
  readonly address: QmpAddress;
  /** `wait=on`: the machine is not to start before a client has come. */
  readonly wait: boolean;
}

/** Clients that wait for their turn on one socket; more are sent away. */
const MAX_WAITING = 256;

/**
 * Reads the value of `-qmp`: `unix:PATH` or `tcp:HOST:PORT`, then `,server=on`, `,wait=on|off` (default on, as in the reference) or the old
 * words `server`, `wait`, `nowait`. A comma inside a path is written twice. Throws QmpListenError.
 */
export function parseQmpEndpoint(text: string): QmpEndpoint {
  const [where = '', ...options] = splitOptions(text);
  const { server, wait } = readFlags(options, text);
  if (!server) throw new QmpListenError(`-qmp ${text}: only server=on is supported`);
  return { address: parseAddress(where, text), wait };
}

function splitOptions(text: string): string[] {
  return text
    .replaceAll(',,', '\0')
    .split(',')
    .map((part) => part.replaceAll('\0', ','));
}

function readFlags(options: readonly string[], text: string): { readonly server: boolean; readonly wait: boolean } {
  const flags = new Map<string, boolean>([
    ['server', false],
    ['wait', true],
  ]);
  for (const option of options) {
    const [, no, name, value] = /^(no)?(server|wait|delay)(?:=(on|off|yes|no))?$/.exec(option) ?? [];
    if (name === undefined || (no !== undefined && value !== undefined))
      throw new QmpListenError(`-qmp ${text}: invalid option '${option}'`);
    flags.set(name, no === undefined && value !== 'off' && value !== 'no');
  }
  return { server: flags.get('server') === true, wait: flags.get('wait') === true };
}

function parseAddress(where: string, text: string): QmpAddress {
  if (where.startsWith('unix:') && where.length > 5) return { kind: 'unix', path: where.slice(5) };
  const [, bracketed, plain, port] = /^tcp:(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(where) ?? [];
  if (port === undefined || Number(port) > 0xffff) throw new QmpListenError(`-qmp ${text}: expected unix:PATH or tcp:HOST:PORT`);
  return { kind: 'tcp', host: bracketed ?? plain ?? '', port: Number(port) };
}

/**
 * Opens a listening socket for a QMP server. One client is served at a time; others wait, without a greeting, until it leaves.
 *
 * A Unix socket gets mode 0600. A socket file that nobody listens on is replaced; one with a living listener, and any other file, is an
 * error. TCP binds to loopback addresses only, unless `allowRemote`. Rejects with QmpListenError.
 */
export async function listenQmp(server: QmpServer, address: QmpAddress, options: ListenOptions = {}): Promise<QmpListener> {
  const listener = new QmpListener(server, address);
  await listener.open(options);
  return listener;
}

/**
 * Connects to a client that listens, as test programs for QEMU do, and serves it until it leaves. Rejects with QmpListenError when nobody
 * listens there.
 */
export async function dialQmp(server: QmpServer, address: QmpAddress): Promise<{ close(): Promise<void> }> {
  const socket = address.kind === 'unix' ? dial({ path: address.path, allowHalfOpen: true }) : dial({ ...address, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(new QmpListenError(`${showAddress(address)}: ${error.message}`, { cause: error })));
  });
  socket.on('error', () => socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const connection = new Connection(server, socket, () => {});
  return {
    close: async () => {
      connection.close();
      await closed;
    },
  };
}

/** One listening socket. */
export class QmpListener {
  readonly #server: QmpServer;
  readonly #address: QmpAddress;
  readonly #net: Server;
  readonly #waiting: Socket[] = [];
  readonly #firstClient: Promise<void>;
  #resolveFirst: () => void = () => {};
  #current: Connection | undefined;

  constructor(server: QmpServer, address: QmpAddress) {
    this.#server = server;
    this.#address = address;
    this.#firstClient = new Promise((resolve) => {
      this.#resolveFirst = resolve;
    });
    this.#net = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#admit(socket));
  }

  /** Resolves when the first client has been greeted: what `wait=on` waits for. */
  get firstClient(): Promise<void> {
    return this.#firstClient;
  }

  /** Where it listens; with the real port if 0 was asked for. */
  get address(): QmpAddress {
    return boundAddress(this.#net, this.#address);
  }

  /** Binds and listens. `listenQmp` has called it. */
  async open(options: ListenOptions = {}): Promise<void> {
    await startListening(this.#net, this.#address, options);
  }

  /** Sends what is pending to the client, closes all connections and removes the socket file. */
  async close(): Promise<void> {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()));
    this.#current?.close();
    await closed;
  }

  #admit(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#current === undefined) this.#serve(socket);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(socket);
    else {
      this.#server.log('too many QMP clients wait on one socket: connection closed');
      socket.destroy();
    }
  }

  #serve(socket: Socket): void {
    this.#current = new Connection(this.#server, socket, () => this.#serveNext());
    this.#resolveFirst();
  }

  #serveNext(): void {
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#serve(next);
  }
}

/** One client that is being served. */
class Connection implements QmpSink {
  readonly #server: QmpServer;
  readonly #socket: Socket;
  readonly #session: QmpSession;

  constructor(server: QmpServer, socket: Socket, gone: () => void) {
    this.#server = server;
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#session = server.connect(this);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#session.end());
    socket.on('close', () => {
      server.release(this.#session);
      gone();
    });
    socket.resume();
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  write(text: string): void {
    if (this.#socket.writable) this.#socket.write(text, 'latin1');
  }

  end(): void {
    this.#socket.end();
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }

  /** Ends the connection from this side. */
  close(): void {
    this.#server.release(this.#session);
  }

  #take(bytes: Uint8Array): void {
    this.#socket.cork();
    this.#session.receive(bytes);
    this.#socket.uncork();
    if (this.#session.blocked) this.#socket.pause();
  }

  #drained(): void {
    this.#session.resume();
    if (!this.#session.blocked) this.#socket.resume();
  }
}

/** A client that has been told goodbye may take so long to read it and to close its side. */
const LINGER_MS = 500;
