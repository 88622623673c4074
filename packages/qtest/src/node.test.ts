import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Pc } from '@hotsocket/machine-pc';
import { parseQtestEndpoint, QtestEndpointError, serveQtest } from './node.js';
import { PcQtestTarget } from './pc.js';

const target = (): PcQtestTarget =>
  new PcQtestTarget(
    new Pc({ cpus: 2, maxCpus: 2, topology: { cores: 1, threads: 1 }, ramBytes: 4 << 20, firmware: new Uint8Array(0x1_0000).fill(0xf4) }),
  );

/** Sends lines and resolves with as many answers. */
function ask(socket: Socket, ...commands: string[]): Promise<string[]> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', function take(bytes: Buffer) {
      text += bytes.toString('latin1');
      const lines = text.split('\n');
      if (lines.length <= commands.length) return;
      socket.off('data', take);
      resolve(lines.slice(0, commands.length));
    });
    socket.write(commands.map((command) => `${command}\n`).join(''));
  });
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qtest-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('-qtest endpoints', () => {
  it('a listening unix socket serves one client after the other', async () => {
    const path = join(folder, 's');
    const server = await serveQtest(target(), { kind: 'unix', path, server: true });
    const first = dial(path);
    const answer = await ask(first, 'inb 0xaf00', 'endianness');
    await new Promise((resolve) => first.once('close', resolve).destroy());
    const second = dial(path);
    const again = await ask(second, 'inb 0xaf00');
    second.destroy();
    await server.close();
    expect([answer, again]).toEqual([['OK 0x0003', 'OK little'], ['OK 0x0003']]);
  });

  it('without server=on the emulator connects to the test, as QEMU does', async () => {
    const path = join(folder, 's');
    const accepted = new Promise<Socket>((resolve) => createServer(resolve).listen(path).unref());
    const server = await serveQtest(target(), { kind: 'unix', path, server: false });
    const answer = await ask(await accepted, 'readl 0xfec00000');
    await server.close();
    expect(answer).toEqual(['OK 0x0000000000000000']);
  });

  it('TCP binds to loopback and logs', async () => {
    const log: string[] = [];
    const endpoint = { kind: 'tcp', host: '127.0.0.1', port: 0, server: true } as const;
    const server = await serveQtest(target(), endpoint, { log: (line) => log.push(line) });
    const socket = dial(server.port ?? 0, '127.0.0.1');
    const answer = await ask(socket, 'inl 0xcf8');
    socket.destroy();
    await server.close();
    const shapes = log.map((line) => line.replace(/\+\d+\.\d{6}/, '+T'));
    expect([answer, shapes]).toEqual([['OK 0x0000'], ['[I +T] OPENED', '[R +T] inl 0xcf8', '[S +T] OK 0x0000', '[I] CLOSED']]);
  });

  it('stdio speaks over two streams', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const server = await serveQtest(target(), { kind: 'stdio' }, { stdio: { input, output } });
    const answer = new Promise((resolve) => output.once('data', (bytes: Buffer) => resolve(bytes.toString())));
    input.write('inb 0x71\n');
    const text = await answer;
    await server.close();
    expect(text).toBe('OK 0x0000\n');
  });

  it('refuses other hosts, and a socket that nobody listens on', async () => {
    const errors = await Promise.all(
      [
        { kind: 'tcp', host: '10.0.0.1', port: 1, server: true } as const,
        { kind: 'unix', path: join(folder, 'none'), server: false } as const,
      ].map((endpoint) => serveQtest(target(), endpoint).catch((error: unknown) => error)),
    );
    expect(errors.every((error) => error instanceof QtestEndpointError)).toBe(true);
  });
});

describe('the value of -qtest', () => {
  it.each([
    ['stdio', { kind: 'stdio' }],
    ['unix:/tmp/s', { kind: 'unix', path: '/tmp/s', server: false }],
    ['unix:/tmp/s,server=on,wait=off', { kind: 'unix', path: '/tmp/s', server: true }],
    ['tcp::4444,server', { kind: 'tcp', host: '127.0.0.1', port: 4444, server: true }],
  ])('%s', (text, endpoint) => {
    expect(parseQtestEndpoint(text)).toEqual(endpoint);
  });

  it.each(['', 'unix:', 'tcp:x', 'tcp:h:99999', 'stdio,sever=on', 'udp:h:1'])('%p is refused', (text) => {
    expect(() => parseQtestEndpoint(text)).toThrow(QtestEndpointError);
  });
});
