import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pc } from '@hotsocket/machine-pc';
import { DEFAULT_GDB_ENDPOINT, GdbEndpointError, GdbListenError, listenGdb, parseGdbEndpoint } from './node.js';
import { GdbServer } from './server.js';

const tcp = (host: string, port: number): unknown => ({ kind: 'tcp', host, port });
const plain = { description: 'x86-64', onDisconnect: 'pause' };

describe('the value of -gdb', () => {
  it.each([
    [DEFAULT_GDB_ENDPOINT, { ...plain, address: tcp('', 1234) }],
    ['tcp:127.0.0.1:0,server,nowait', { ...plain, address: tcp('127.0.0.1', 0) }],
    ['tcp:[::1]:99,nodelay,wait=off,server=on', { ...plain, address: tcp('::1', 99) }],
    [
      'unix:./gdb.sock,arch=i8086,on-disconnect=continue',
      { address: { kind: 'unix', path: './gdb.sock' }, description: 'i8086', onDisconnect: 'continue' },
    ],
    ['none', undefined],
  ])('%s is understood', (text, endpoint) => expect(parseGdbEndpoint(text)).toEqual(endpoint));

  it.each(['', 'stdio', 'tcp::99999', 'unix:', 'tcp::1,arch=arm', 'tcp::1,on-disconnect', 'tcp::1,wait=on', 'tcp::1,toString=x'])(
    '%s is refused',
    (text) => {
      expect(() => parseGdbEndpoint(text)).toThrow(GdbEndpointError);
    },
  );
});

/** Text from a socket up to a pattern. */
function read(socket: Socket, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (pattern.test(text)) resolve(text);
    });
    socket.on('close', () => reject(new Error(`closed after '${text}'`)));
  });
}

describe('a listening socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gdb-'));
  const path = join(folder, 's');
  const pc = new Pc({
    cpus: 1,
    maxCpus: 1,
    topology: { cores: 1, threads: 1 },
    ramBytes: 2 << 20,
    firmware: new Uint8Array(0x1_0000).fill(0xf4),
  });
  afterAll(() => {
    pc.quit('none');
    rmSync(folder, { recursive: true });
  });

  it('serves one client after the other on a private Unix socket, and sends a second away', async () => {
    const log: string[] = [];
    const listener = await listenGdb(new GdbServer({ machine: pc, log: (message) => log.push(message) }), { kind: 'unix', path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const first = connect(path);
    first.write('+$qC#b4');
    expect(await read(first, /#../)).toBe('+$QC01#f5');
    const second = connect(path);
    await expect(read(second, /#../)).rejects.toThrow("closed after ''");
    expect(log).toEqual(['a second gdb client was sent away']);
    const gone = new Promise((resolve) => first.on('close', resolve));
    first.destroy();
    await gone;
    const third = connect(path);
    third.write('$?#3f');
    expect(await read(third, /#../)).toBe('+$T05thread:01;#07');
    await listener.close();
    expect(() => statSync(path)).toThrow();
  });

  it('listens on loopback addresses only', async () => {
    const server = new GdbServer({ machine: pc });
    await expect(listenGdb(server, { kind: 'tcp', host: '0.0.0.0', port: 0 })).rejects.toThrow(GdbListenError);
    const listener = await listenGdb(server, { kind: 'tcp', host: '', port: 0 });
    expect(listener.address).toMatchObject({ kind: 'tcp', port: expect.any(Number) });
    await listener.close();
  });
});
