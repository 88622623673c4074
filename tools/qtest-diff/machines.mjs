// Two machines that answer the same qtest commands: ours, and QEMU in a process of its own.
import { spawn } from 'node:child_process';
import { Pc } from '@hotsocket/machine-pc';
import { PcQtestTarget, QtestSession } from '@hotsocket/qtest';

const TIMEOUT_MS = 20_000;

/** What both are: 2 of 4 CPUs, 64 MiB, one serial port, no disks, display or network, time standing at 2000-01-01. */
const QEMU_OPTIONS = [
  ...[
    '-M',
    'pc-i440fx-1.4,hpet=off,vmport=off',
    '-accel',
    'tcg',
    '-S',
    '-qtest',
    'stdio',
    '-qtest-log',
    '/dev/null',
    '-display',
    'none',
    '-nodefaults',
  ],
  ...[
    '-serial',
    'null',
    '-m',
    '64',
    '-smp',
    '2,maxcpus=4',
    '-rtc',
    'base=2000-01-01T00:00:00,clock=vm',
    '-global',
    'fw_cfg_io.dma_enabled=on',
  ],
];

/** Runs the commands on a fresh machine of ours; gives the replies. */
export function runOurs(commands) {
  const firmware = new Uint8Array(0x4_0000).fill(0xf4);
  const pc = new Pc({ cpus: 2, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 64 << 20, firmware });
  const replies = [];
  const session = new QtestSession(new PcQtestTarget(pc), (text) => replies.push(text.trimEnd()));
  session.receive(`${commands.join('\n')}\n`);
  return replies;
}

/** Runs the commands on a fresh QEMU; gives the replies. Fewer replies than commands: it ended. */
export function runQemu(commands, program) {
  return new Promise((resolve, reject) => {
    const qemu = spawn(program, QEMU_OPTIONS, { stdio: ['pipe', 'pipe', 'ignore'] });
    let text = '';
    const finish = () => {
      clearTimeout(timer);
      qemu.kill('SIGKILL');
      resolve(text.split('\n').slice(0, -1).slice(0, commands.length));
    };
    const timer = setTimeout(finish, TIMEOUT_MS);
    qemu.on('error', reject);
    qemu.on('exit', finish);
    qemu.stdin.on('error', () => {});
    qemu.stdout.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.split('\n').length > commands.length) finish();
    });
    qemu.stdin.write(`${commands.join('\n')}\n`);
  });
}
