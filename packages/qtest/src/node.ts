import { createWriteStream } from 'node:fs';
import { createServer, connect as dial, isIP, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { QtestSession } from './session.js';
import type { QtestTarget } from './target.js';

/** Where qtest is spoken. Without `server` the emulator connects to a test that listens, as test programs for QEMU expect it. */
export type QtestEndpoint =
  | { readonly kind: 'stdio' }
  | { readonly kind: 'unix'; readonly path: string; readonly server: boolean }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly server: boolean };

/** An endpoint could not be understood or opened; `message` is one line for the user. */
export class QtestEndpointError extends Error {}

/** Reads the value of `-qtest`: `stdio`, `unix:PATH`, `tcp:HOST:PORT`, the latter two with `,server=on`, `,wait=off`. Throws QtestEndpointError. */
export function parseQtestEndpoint(text: string): QtestEndpoint {
  const [where = '', ...options] = text.split(',');
  const server = options.some((option) => option === 'server' || option === 'server=on');
  const unknown = options.find((option) => !/^(?:server(?:=(?:on|off))?|wait=(?:on|off)|nowait)$/.test(option));
  if (unknown !== undefined) throw new QtestEndpointError(`-qtest ${text}: invalid option '${unknown}'`);
  if (where === 'stdio') return { kind: 'stdio' };
  if (where.startsWith('unix:') && where.length > 5) return { kind: 'unix', path: where.slice(5), server };
  const [, host, port] = /^tcp:([^:]*):(\d{1,5})$/.exec(where) ?? [];
  if (host === undefined || Number(port) > 0xffff)
    throw new QtestEndpointError(`-qtest ${text}: expected stdio, unix:PATH or tcp:HOST:PORT`);
  return { kind: 'tcp', host: host || '127.0.0.1', port: Number(port), server };
}

export interface QtestServerOptions {
  /** Hears one line per event, with seconds since the client came: `[R +0.000123] inb 0x20`. */
  readonly log?: (line: string) => void;
  /** Streams of the endpoint `stdio`. */
  readonly stdio?: { readonly input: Readable; readonly output: Writable };
}

/** A running endpoint. */
export interface QtestServer {
  /** Where it listens, with the port that was bound; undefined when it does not listen. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** Opens an endpoint. One client is served at a time, others wait until it leaves. Rejects with QtestEndpointError. */
export async function serveQtest(target: QtestTarget, endpoint: QtestEndpoint, options: QtestServerOptions = {}): Promise<QtestServer> {
  if (endpoint.kind === 'stdio') return serveStreams(target, options);
  if (endpoint.kind === 'tcp') checkHost(endpoint.host);
  return endpoint.server ? listen(target, endpoint, options) : connectOut(target, endpoint, options);
}

/** A function that appends lines to a file: for `-qtest-log FILE`. */
export function qtestLogFile(path: string): (line: string) => void {
  const file = createWriteStream(path, { flags: 'a' });
  return (line) => void file.write(`${line}\n`);
}

/** Clients that wait for their turn; more are sent away. */
const MAX_WAITING = 16;

type SocketEndpoint = Exclude<QtestEndpoint, { kind: 'stdio' }>;

function serveStreams(target: QtestTarget, options: QtestServerOptions): QtestServer {
  const { input, output } = options.stdio ?? { input: process.stdin, output: process.stdout };
  const session = openSession(target, (text) => void output.write(text), options);
  const take = (bytes: Buffer): void => session.receive(bytes);
  input.on('data', take);
  return {
    port: undefined,
    close: async () => {
      input.off('data', take);
      session.end();
    },
  };
}

async function listen(target: QtestTarget, endpoint: SocketEndpoint, options: QtestServerOptions): Promise<QtestServer> {
  const clients: Socket[] = [];
  const serveNext = (): void => {
    const [socket] = clients;
    if (!socket) return;
    serveSocket(target, socket, options, () => {
      clients.shift();
      serveNext();
    });
  };
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    if (clients.length > MAX_WAITING) return void socket.destroy();
    socket.on('error', () => socket.destroy());
    if (clients.push(socket) === 1) serveNext();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new QtestEndpointError(`-qtest: ${error.message}`, { cause: error })));
    server.listen(endpoint.kind === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port }, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : undefined,
    close: async () => {
      const gone = Promise.all(clients.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of clients.splice(1)) socket.destroy();
      clients[0]?.destroy();
      await Promise.all([gone, closed]);
    },
  };
}

async function connectOut(target: QtestTarget, endpoint: SocketEndpoint, options: QtestServerOptions): Promise<QtestServer> {
  const socket = endpoint.kind === 'unix' ? dial(endpoint.path) : dial(endpoint.port, endpoint.host);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(new QtestEndpointError(`-qtest: ${error.message}`, { cause: error })));
  });
  socket.on('error', () => socket.destroy());
  const gone = new Promise<void>((resolve) => serveSocket(target, socket, options, resolve));
  return {
    port: undefined,
    close: async () => {
      socket.destroy();
      await gone;
    },
  };
}

function serveSocket(target: QtestTarget, socket: Socket, options: QtestServerOptions, gone: () => void): void {
  socket.setNoDelay(true);
  const session = openSession(target, (text) => void (socket.writable && socket.write(text)), options);
  socket.on('data', (bytes: Buffer) => {
    socket.cork();
    session.receive(bytes);
    socket.uncork();
    if (socket.writableNeedDrain) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('close', () => {
    session.end();
    options.log?.('[I] CLOSED');
    gone();
  });
  socket.resume();
}

function openSession(target: QtestTarget, send: (text: string) => void, { log }: QtestServerOptions): QtestSession {
  const opened = performance.now();
  const stamp = (): string => `+${((performance.now() - opened) / 1000).toFixed(6)}`;
  log?.(`[I ${stamp()}] OPENED`);
  return new QtestSession(target, send, log ? { log: (direction, line) => log(`[${direction} ${stamp()}] ${line}`) } : {});
}

function checkHost(host: string): void {
  const loopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (!loopback) throw new QtestEndpointError(`-qtest tcp:${host}: only loopback addresses are allowed`);
}
