import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QmpServer } from '@hotsocket/qmp';
import { listenQmp, type QmpListener } from '@hotsocket/qmp/node';
import { FakeMachine } from '@hotsocket/qmp/testing';
import { QmpClient } from '../qmp-client.js';
import { parseDemoOptions } from './demo-options.js';

describe('parseDemoOptions', () => {
  it.each([
    [[], { guest: 'cloud', maxCpus: 4, verbose: false }],
    [['--embedded'], { guest: 'embedded', maxCpus: 4, verbose: false }],
    [['--kernel', '686', '--verbose'], { guest: '686', maxCpus: 4, verbose: true }],
    [['-kernel', 'amd64', '-maxcpus', '255'], { guest: 'amd64', maxCpus: 255, verbose: false }],
    [['--embedded', '--help'], 'help'],
  ])('%j', (args, expected) => {
    expect(parseDemoOptions(args)).toEqual(expected);
  });

  it.each([
    [['--bogus'], 'demo --bogus: invalid option; demo --help lists them'],
    [['embedded!'], 'demo embedded!: invalid option; demo --help lists them'],
    [['--kernel'], 'demo --kernel : possible are cloud, amd64, 686'],
    [['--maxcpus', '1'], 'demo --maxcpus 1: expected a number from 2 to 255'],
    [['--maxcpus', '1e2'], 'demo --maxcpus 1e2: expected a number from 2 to 255'],
  ])('%j is refused', (args, message) => {
    expect(() => parseDemoOptions(args)).toThrow(message);
  });
});

describe('QmpClient', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'hotsocket-demo-'));
  const path = join(scratch, 'qmp');
  const machine = new FakeMachine({ maxCpus: 2 });
  let listener: QmpListener;
  beforeAll(async () => {
    listener = await listenQmp(new QmpServer({ machine }), { kind: 'unix', path });
  });
  afterAll(async () => {
    await listener.close();
    rmSync(scratch, { recursive: true });
  });

  it('negotiates, and tells replies from events', async () => {
    const client = await QmpClient.connect(path);
    const replies = [await client.execute('stop'), await client.execute('cont'), await client.execute('cpu-add', { id: 1 })];
    client.close();
    expect({ replies, cpus: machine.cpus.length }).toEqual({ replies: [{}, {}, {}], cpus: 2 });
  });

  it('says why a command was refused', async () => {
    const client = await QmpClient.connect(path);
    await expect(client.execute('cpu-add', { id: 9 })).rejects.toThrow(
      'QMP client: cpu-add was refused: Unable to add CPU: 9, max allowed: 1',
    );
    client.close();
  });

  it('says that nobody listens', async () => {
    await expect(QmpClient.connect(join(scratch, 'none'))).rejects.toThrow(/^QMP client: .*ENOENT/);
  });
});
