import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SocketConfig } from '../options/char-device.js';
import type { CharPeer } from './char-backend.js';
import { SocketBackend } from './socket.js';

const scratch = mkdtempSync(join(tmpdir(), 'hotsocket-char-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const backends: SocketBackend[] = [];
afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close();
});

const unix = (name: string, config: Partial<SocketConfig> = {}): SocketConfig => ({
  kind: 'socket',
  address: { kind: 'unix', path: join(scratch, name) },
  server: true,
  wait: false,
  ...config,
});
const backendOf = (config: SocketConfig, log: (message: string) => void = () => {}): SocketBackend => {
  const backend = new SocketBackend(config, { label: '-serial x', allowRemote: false, log });
  backends.push(backend);
  return backend;
};
/** Takes everything and says when. */
function listener(): { peer: CharPeer; heard: () => Promise<string>; connected: () => number } {
  let [text, connections, wake] = ['', 0, (): void => {}];
  const peer: CharPeer = {
    receive(bytes) {
      text += Buffer.from(bytes).toString();
      wake();
      return bytes.length;
    },
    connected: () => void connections++,
  };
  const heard = async (): Promise<string> => {
    if (text === '') await new Promise<void>((resolve) => (wake = resolve));
    return text;
  };
  return { peer, connected: () => connections, heard };
}
const dial = (path: string): Promise<Socket> =>
  new Promise((resolve) => {
    const socket: Socket = connect(path, () => resolve(socket));
  });
const read = (socket: Socket): Promise<string> => new Promise((resolve) => socket.once('data', (bytes) => resolve(String(bytes))));

describe('SocketBackend', () => {
  it('carries bytes both ways, on a socket of mode 0600 that is removed at the end', async () => {
    const backend = backendOf(unix('both'));
    const { peer, heard, connected } = listener();
    await backend.open(peer);
    const path = join(scratch, 'both');
    const mode = statSync(path).mode & 0o777;
    const client = await dial(path);
    client.write('in');
    const input = await heard();
    const output = read(client);
    backend.write(Buffer.from('out'));
    expect([mode, input, await output, connected()]).toEqual([0o600, 'in', 'out', 1]);
    await backend.close();
    expect(existsSync(path)).toBe(false);
  });

  it('sends a second client away, and takes another when the first has left', async () => {
    const backend = backendOf(unix('one'));
    const { peer, connected } = listener();
    await backend.open(peer);
    const first = await dial(join(scratch, 'one'));
    const second = await dial(join(scratch, 'one'));
    await new Promise((resolve) => second.once('close', resolve));
    const during = connected();
    first.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const third = await dial(join(scratch, 'one'));
    third.write('x');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([during, connected()]).toEqual([1, 2]);
    third.destroy();
  });

  it('with wait=on opens when a client has come, and says that it waits', async () => {
    const messages: string[] = [];
    const backend = backendOf(unix('wait', { wait: true }), (message) => messages.push(message));
    let open = false;
    const opening = backend.open(listener().peer).then(() => {
      open = true;
    });
    while (messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = open;
    const client = await dial(join(scratch, 'wait'));
    await opening;
    expect([before, open, messages]).toEqual([false, true, ['-serial x: waiting for a connection']]);
    client.destroy();
  });

  it('connects to a server when it is a client', async () => {
    const server = createServer((socket) => socket.write('hello'));
    await new Promise<void>((resolve) => server.listen(join(scratch, 'server'), resolve));
    const { peer, heard } = listener();
    await backendOf(unix('server', { server: false })).open(peer);
    expect(await heard()).toBe('hello');
    server.close();
  });

  it('does not keep what nobody reads', async () => {
    const backend = backendOf(unix('deaf'));
    await backend.open(listener().peer);
    const client = await dial(join(scratch, 'deaf'));
    client.pause();
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let count = 0; count < 64; count++) backend.write(new Uint8Array(1 << 20));
    let received = 0;
    client.on('data', (bytes) => {
      received += bytes.length;
    });
    client.resume();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(received).toBeGreaterThanOrEqual(1 << 20);
    expect(received).toBeLessThan(8 << 20);
    client.destroy();
  });

  it('replaces a dead socket; refuses a living one and what is no socket', async () => {
    writeFileSync(join(scratch, 'file'), '');
    await expect(backendOf(unix('file')).open(listener().peer)).rejects.toThrow(/exists and is not a socket/);
    await backendOf(unix('living')).open(listener().peer);
    await expect(backendOf(unix('living')).open(listener().peer)).rejects.toThrow(/another process listens/);
  });

  it.each([
    [unix('none', { server: false }), /^-serial x: failed to connect to .*: No such file or directory$/],
    [unix('no/dir'), /^-serial x: failed to bind socket to .*: No such file or directory$/],
    [unix('x'.repeat(200)), /^-serial x: a socket path has at most \d+ bytes$/],
    [unix('t', { address: { kind: 'tcp', host: '0.0.0.0', port: 0 } }), /^-serial x: only loopback addresses are allowed/],
    [
      unix('t', { address: { kind: 'tcp', host: '127.0.0.1', port: 1 }, server: false }),
      /^-serial x: failed to connect to 127.0.0.1:1: Connection refused$/,
    ],
  ])('%j is refused', async (config, message) => {
    await expect(backendOf(config).open(listener().peer)).rejects.toThrow(message);
  });
});
