import { UsageError } from '../usage-error.js';
import { KeyValues, parseInteger, splitCommas } from './key-values.js';

/** Where bytes go to and come from on the host. */
export type CharBackendConfig =
  | { readonly kind: 'null' }
  /** `signals`: Ctrl-C ends the emulator instead of going to the guest. */
  | { readonly kind: 'stdio'; readonly signals: boolean }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean }
  | SocketConfig;

export interface SocketConfig {
  readonly kind: 'socket';
  readonly address: SocketAddress;
  /** Listens; otherwise it connects. */
  readonly server: boolean;
  /** A server that holds back the start of the machine until a client has come. */
  readonly wait: boolean;
}

export type SocketAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** A character device: a backend, and whether console and monitor share it (Ctrl-A keys). */
export interface CharDevice {
  readonly id: string;
  readonly mux: boolean;
  readonly backend: CharBackendConfig;
  /** The option that made it, for messages. */
  readonly label: string;
}

const BACKENDS: Readonly<Record<string, readonly string[]>> = {
  null: [],
  stdio: ['signal'],
  file: ['path', 'append'],
  socket: ['path', 'host', 'port', 'server', 'wait', 'delay', 'nodelay', 'ipv4', 'ipv6', 'to', 'telnet', 'tls-creds', 'reconnect'],
};
const COMMON = ['backend', 'id', 'mux', 'logfile', 'logappend'];
const NOT_OFFERED = ['telnet', 'tls-creds', 'reconnect', 'to', 'logfile'];
/** Drivers that exist elsewhere; naming them gets a better answer than "no such driver". */
const KNOWN_ELSEWHERE = [
  'pty',
  'telnet',
  'websocket',
  'udp',
  'vc',
  'pipe',
  'tty',
  'serial',
  'parallel',
  'msmouse',
  'braille',
  'ringbuf',
  'memory',
  'testdev',
  'con',
];
const POSSIBLE = 'stdio, mon:stdio, file:PATH, unix:PATH, tcp:HOST:PORT, null, none, chardev:ID';

/** Reads the value of `-chardev`: `socket,id=c0,path=/tmp/s,server=on,wait=off`. */
export function parseChardev(text: string): CharDevice {
  const label = `-chardev ${text}`;
  const kind = splitCommas(text)[0]!.replace(/^backend=/, '');
  const own = Object.hasOwn(BACKENDS, kind) ? BACKENDS[kind] : undefined;
  if (own === undefined) throw new UsageError(`${label}: ${driverText(kind)} (possible: ${Object.keys(BACKENDS).join(', ')})`);
  const values = KeyValues.parse(label, text, { implied: 'backend', keys: [...COMMON, ...own] });
  for (const key of NOT_OFFERED) if (values.has(key) && values.text(key) !== 'off') values.fail(`parameter '${key}' is not in this build`);
  const mux = values.flag('mux') ?? false;
  return { id: values.required('id'), mux, label, backend: backendOf(kind, values, mux) };
}

const driverText = (name: string): string =>
  KNOWN_ELSEWHERE.includes(name) ? `the driver '${name}' is not in this build` : `'${name}' is not a valid char driver`;

function backendOf(kind: string, values: KeyValues, mux: boolean): CharBackendConfig {
  if (kind === 'stdio') return { kind, signals: values.flag('signal') ?? !mux };
  if (kind === 'file') return { kind, path: values.required('path'), append: values.flag('append') ?? false };
  return kind === 'socket' ? socketOf(values) : { kind: 'null' };
}

function socketOf(values: KeyValues): SocketConfig {
  const server = values.flag('server') ?? false;
  return { kind: 'socket', address: addressOf(values), server, wait: server && (values.flag('wait') ?? true) };
}

function addressOf(values: KeyValues): SocketAddress {
  const path = values.text('path');
  if (path) return { kind: 'unix', path };
  if (!values.has('port')) values.fail(`parameter 'path' or 'port' is missing`);
  return { kind: 'tcp', host: values.text('host') || '127.0.0.1', port: values.integer('port', 0, 0xffff)! };
}

/** What stands behind `-serial`, `-monitor`, `-debugcon`: a device of its own, the name of one, or none. */
export type CharReference = { readonly device: CharDevice } | { readonly chardev: string } | 'none';

/** Reads the short form: `stdio`, `mon:stdio`, `file:log.txt`, `unix:/tmp/s,server=on`, `tcp:127.0.0.1:4444`, `null`, `none`, `chardev:c0`. */
export function parseCharReference(option: string, text: string, id: string): CharReference {
  const label = `${option} ${text}`;
  const mux = text.startsWith('mon:');
  const short = mux ? text.slice(4) : text;
  if (short === 'none' && !mux) return 'none';
  if (short.startsWith('chardev:') && !mux) return { chardev: short.slice(8) };
  return { device: { id, mux, label, backend: shortBackend(label, short, mux) } };
}

function shortBackend(label: string, text: string, mux: boolean): CharBackendConfig {
  if (text === 'null') return { kind: 'null' };
  if (text === 'stdio') return { kind: 'stdio', signals: !mux };
  const [, kind = text, rest = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  if (kind === 'file' && rest !== '') return { kind, path: rest, append: false };
  if (kind === 'unix' || kind === 'tcp') return shortSocket(label, kind, rest);
  throw new UsageError(`${label}: ${rest === '' && kind === 'file' ? 'a path is missing' : driverText(kind)} (possible: ${POSSIBLE})`);
}

function shortSocket(label: string, kind: 'unix' | 'tcp', rest: string): SocketConfig {
  const values = KeyValues.parse(label, rest, { implied: 'where', keys: ['where', 'server', 'wait', 'delay', 'nodelay', 'ipv4', 'ipv6'] });
  const where = values.text('where') || values.fail(`a ${kind === 'unix' ? 'path' : 'host and port'} is missing`);
  const server = values.flag('server') ?? false;
  const address: SocketAddress = kind === 'unix' ? { kind, path: where } : { kind, ...hostAndPort(values, where) };
  return { kind: 'socket', address, server, wait: server && (values.flag('wait') ?? true) };
}

function hostAndPort(values: KeyValues, where: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(where) ?? [];
  const port = parseInteger(digits ?? '');
  if (port === undefined || port > 0xffff) return values.fail('expected tcp:HOST:PORT');
  return { host: (bracketed ?? plain) || '127.0.0.1', port };
}
