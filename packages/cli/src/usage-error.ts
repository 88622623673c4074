import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SocketAddress } from './options/char-device.js';

/** The command line is wrong, or names a file that is. The message is one line for the user; the exit status is 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const PLAIN_TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EADDRINUSE: 'Address already in use',
  ECONNREFUSED: 'Connection refused',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
};

/** What a failed call of the system says, in the words of `strerror`. */
export function systemText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined ? PLAIN_TEXTS[code] : undefined) ?? message;
}

/** As `systemText`, for binding a socket: Node says EACCES where the directory is missing. */
export function bindText(error: unknown, address: SocketAddress): string {
  const missing = address.kind === 'unix' && (error as NodeJS.ErrnoException).code === 'EACCES' && !existsSync(dirname(address.path));
  return missing ? 'No such file or directory' : systemText(error);
}

/** The first line of what an error says. */
export const firstLineOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
