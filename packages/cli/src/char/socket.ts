import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import type { SocketAddress, SocketConfig } from '../options/char-device.js';
import { bindText, UsageError } from '../usage-error.js';
import type { CharBackend, CharPeer } from './char-backend.js';
import { InputQueue } from './input-queue.js';

/** Bytes that a client may leave unread before output to it is dropped. */
const MOST_UNREAD = 1 << 20;
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

export interface SocketBackendOptions {
  readonly label: string;
  readonly allowRemote: boolean;
  /** One line for the user while the start waits for a client. */
  readonly log: (message: string) => void;
}

/** A Unix or TCP socket: a server for one client after the other, or a client. What is written while nobody is there is lost. */
export class SocketBackend implements CharBackend {
  readonly #config: SocketConfig;
  readonly #options: SocketBackendOptions;
  #peer: CharPeer | undefined;
  #server: Server | undefined;
  #socket: Socket | undefined;
  #queue: InputQueue | undefined;

  constructor(config: SocketConfig, options: SocketBackendOptions) {
    this.#config = config;
    this.#options = options;
  }

  async open(peer: CharPeer): Promise<void> {
    this.#peer = peer;
    if (!this.#config.server) return this.#dial();
    await this.#listen();
    if (!this.#config.wait) return;
    this.#options.log(`${this.#options.label}: waiting for a connection`);
    await this.#firstClient;
  }

  write(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket?.writable && socket.writableLength < MOST_UNREAD) socket.write(bytes);
  }

  resume(): void {
    this.#queue?.drain();
  }

  async close(): Promise<void> {
    this.#socket?.end();
    this.#socket?.unref();
    // Node removes the file of a Unix socket at once; the last client may take its time
    this.#server?.close();
    this.#server?.unref();
  }

  #firstCame: () => void = () => {};
  readonly #firstClient: Promise<void> = new Promise((resolve) => {
    this.#firstCame = resolve;
  });

  async #dial(): Promise<void> {
    const { address } = this.#config;
    const socket = address.kind === 'unix' ? connect(address.path) : connect(address.port, address.host);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(this.#failed('connect to', error)));
    });
    this.#admit(socket);
  }

  async #listen(): Promise<void> {
    const { address } = this.#config;
    this.#check(address);
    const server = createServer((socket) => this.#admit(socket));
    this.#server = server;
    if (address.kind === 'unix') await this.#makeRoom(address.path);
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve);
      server.once('error', (error) => reject(this.#failed('bind socket to', error)));
      if (address.kind === 'unix') bindPrivately(server, address.path);
      else server.listen(address.port, address.host);
    });
  }

  #check(address: SocketAddress): void {
    const { label, allowRemote } = this.#options;
    if (address.kind === 'unix') {
      if (Buffer.byteLength(address.path) > MAX_PATH_BYTES)
        throw new UsageError(`${label}: a socket path has at most ${MAX_PATH_BYTES} bytes`);
    } else if (!isLoopback(address.host) && !allowRemote)
      throw new UsageError(`${label}: only loopback addresses are allowed (-allow-remote lifts this)`);
  }

  /** Replaces a socket that nobody listens on; anything else at that path is an error. */
  async #makeRoom(path: string): Promise<void> {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket()) throw new UsageError(`${this.#options.label}: '${path}' exists and is not a socket`);
    if (await isAlive(path)) throw new UsageError(`${this.#options.label}: another process listens on '${path}'`);
    unlinkSync(path);
  }

  /** One client at a time; another is sent away. */
  #admit(socket: Socket): void {
    const peer = this.#peer;
    if (this.#socket !== undefined || peer === undefined) return void socket.destroy();
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#queue = new InputQueue((bytes) => peer.receive(bytes), socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#socket = undefined;
    });
    peer.connected();
    this.#firstCame();
    socket.on('data', (bytes: Buffer) => this.#queue?.push(bytes));
  }

  #failed(what: string, error: Error): UsageError {
    const { address } = this.#config;
    const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
    return new UsageError(`${this.#options.label}: failed to ${what} ${where}: ${bindText(error, address)}`);
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

/** `listen` binds before it returns, so the mask covers the birth of the file. */
function bindPrivately(server: Server, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  if (server.listening) chmodSync(path, 0o600);
}
