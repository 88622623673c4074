import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect as dial, isIP, type Server } from 'node:net';

/** Where a QMP server listens. */
export type QmpAddress =
  | { readonly kind: 'unix'; readonly path: string }
  /** Port 0 lets the system choose. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** How to listen. */
export interface ListenOptions {
  /** Allows TCP on other than loopback addresses. Whoever reaches the port owns the machine. */
  readonly allowRemote?: boolean;
}

/** A socket could not be opened; `message` is one line for the user. */
export class QmpListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'QmpListenError';
  }
}

/** A path of a Unix socket must fit `sun_path` with its NUL (Linux: 108 bytes, macOS: 104). */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Binds a server and lets it listen. A Unix socket gets mode 0600; a socket file that nobody listens on is replaced, one with a living
 * listener and any other file is an error. TCP binds to loopback addresses only, unless `allowRemote`. Rejects with QmpListenError.
 */
export async function startListening(server: Server, address: QmpAddress, options: ListenOptions = {}): Promise<void> {
  if (address.kind === 'unix') await makeRoom(address.path);
  else checkHost(address, options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new QmpListenError(`${showAddress(address)}: ${error.message}`, { cause: error })));
    server.once('listening', resolve);
    if (address.kind === 'tcp') server.listen(address.port, address.host || '127.0.0.1');
    else bindPrivately(server, address.path);
  });
}

/** Where a server listens; with the real port if 0 was asked for. */
export function boundAddress(server: Server, address: QmpAddress): QmpAddress {
  const bound = server.address();
  return address.kind === 'tcp' && bound !== null && typeof bound === 'object' ? { ...address, port: bound.port } : address;
}

/** Removes a dead socket; refuses a living one and anything that is no socket. */
async function makeRoom(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new QmpListenError(`${path}: a socket path has at most ${MAX_PATH_BYTES} bytes`);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new QmpListenError(`${path}: exists and is not a socket`);
  if (await isAlive(path)) throw new QmpListenError(`${path}: another process listens on this socket`);
  unlinkSync(path);
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = dial(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}

/** `listen` on a path binds before it returns, so the mask covers the birth of the file. Worker threads have no umask: they only chmod. */
function bindPrivately(server: Server, path: string): void {
  const before = tryUmask(0o177);
  try {
    server.listen(path);
  } finally {
    if (before !== undefined) tryUmask(before);
  }
  if (server.listening) chmodSync(path, 0o600);
}

function tryUmask(mask: number): number | undefined {
  try {
    return process.umask(mask);
  } catch {
    return undefined;
  }
}

function checkHost({ host }: Extract<QmpAddress, { kind: 'tcp' }>, { allowRemote = false }: ListenOptions): void {
  const loopback = host === '' || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (!loopback && !allowRemote) throw new QmpListenError(`tcp:${host}: only loopback addresses are allowed (--allow-remote lifts this)`);
}

/** An address for a message. */
export function showAddress(address: QmpAddress): string {
  return address.kind === 'unix' ? address.path : `tcp:${address.host}:${address.port}`;
}
