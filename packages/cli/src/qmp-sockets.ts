import type { QmpServer } from '@hotsocket/qmp';
import { dialQmp, listenQmp, QmpListenError } from '@hotsocket/qmp/node';
import type { QmpSocket } from './command-line.js';
import type { SocketAddress } from './options/char-device.js';
import { bindText, UsageError } from './usage-error.js';

/** What opening a socket needs to know. */
export interface QmpSocketServices {
  readonly allowRemote: boolean;
  /** One line for the user while the start waits for a client. */
  readonly log: (message: string) => void;
  /** Ends the waiting: the machine has ended. */
  readonly ended: Promise<unknown>;
}

/** Opens a QMP socket, or connects to one; with `wait=on` resolves when a client has come. Rejects with UsageError. */
export async function openQmpSocket(
  server: QmpServer,
  { label, socket }: QmpSocket,
  { allowRemote, log, ended }: QmpSocketServices,
): Promise<{ close(): Promise<void> }> {
  const { address } = socket;
  if (!socket.server) return bind(label, address, () => dialQmp(server, address), 'connect to');
  const listener = await bind(label, address, () => listenQmp(server, address, { allowRemote }));
  if (!socket.wait) return listener;
  log(`${label}: waiting for a connection`);
  await Promise.race([listener.firstClient, ended]);
  return listener;
}

/** Opens a server's socket; says in the words of the command line why that is not possible. */
export async function bind<Opened>(
  label: string,
  address: SocketAddress,
  open: () => Promise<Opened>,
  what: 'bind' | 'connect to' = 'bind',
): Promise<Opened> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof QmpListenError)) throw error;
    throw new UsageError(
      `${label}: ${error.cause === undefined ? error.message : `failed to ${what} socket: ${bindText(error.cause, address)}`}`,
    );
  }
}
