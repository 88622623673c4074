import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pc } from '@hotsocket/machine-pc';
import { Monitor } from '@hotsocket/monitor';
import { describeWith } from '@hotsocket/testbench';
import { type GdbListener, listenGdb } from './node.js';
import { GdbServer, type GdbServerOptions } from './server.js';

/** These tests drive the debugger of the host's distribution. */
const gdbVersion = ((): string | undefined => {
  try {
    return execFileSync('gdb', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  } catch {
    return undefined;
  }
})();

const IMAGES = fileURLToPath(new URL('../../../.cache/images/', import.meta.url));
const NEEDED = ['bios-256k.bin', 'vmlinuz-cloud-amd64', 'initramfs-amd64.cpio.gz'];
const hasImages = NEEDED.every((name) => existsSync(IMAGES + name));

const noGdb = gdbVersion === undefined ? 'gdb is not installed' : undefined;
const noImages = hasImages ? undefined : `${NEEDED.join(', ')} are not in ${IMAGES}`;

/** A machine with a gdb server on a Unix socket. */
class Bench {
  readonly pc: Pc;
  readonly folder = mkdtempSync(join(tmpdir(), 'gdb-'));
  out = '';
  #listener: GdbListener | undefined;

  constructor(pc: Pc) {
    this.pc = pc;
    pc.board.com1.transmitted = (byte) => {
      this.out += String.fromCharCode(byte);
    };
  }

  async listen(options: Partial<GdbServerOptions> = {}): Promise<void> {
    const { pc } = this;
    const server = new GdbServer({ machine: pc, humanMonitor: new Monitor({ machine: pc, version: 'test 1.0' }), ...options });
    this.#listener = await listenGdb(server, { kind: 'unix', path: join(this.folder, 's') });
  }

  /** Runs commands of gdb and gives its screen. */
  async gdb(commands: readonly string[], seconds = 60): Promise<string> {
    const all = ['set pagination off', 'set confirm off', `target remote ${join(this.folder, 's')}`, ...commands];
    const process = spawn('gdb', ['-q', '-nx', '-batch', ...all.flatMap((command) => ['-ex', command])], { timeout: seconds * 1000 });
    let screen = '';
    for (const stream of [process.stdout, process.stderr]) stream.on('data', (bytes: Buffer) => (screen += bytes.toString()));
    const status = await new Promise((resolve) => process.on('close', resolve));
    if (status !== 0) throw new Error(`gdb ended with ${String(status)}:\n${screen}`);
    return screen;
  }

  /** Runs the machine until its serial port has said something new. */
  wait(pattern: RegExp, most = 8e9): string {
    const from = this.out.length;
    if (!this.pc.runFor(most, () => pattern.test(this.out.slice(from)))) throw new Error(`no ${pattern}:\n${this.out.slice(-2000)}`);
    return this.out.slice(from);
  }

  type(text: string): void {
    let rest = new TextEncoder().encode(text);
    const { com1 } = this.pc.board;
    com1.writable = () => {
      rest = rest.subarray(com1.receive(rest));
    };
    com1.writable();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.close();
    this.pc.quit('none');
    await this.pc.idle();
    rmSync(this.folder, { recursive: true });
  }
}

/** A program in the last 64 KiB below 1 MiB; the reset vector leads there. In a loop it counts at 0:500h and halts. */
function countingFirmware(): Uint8Array {
  const image = new Uint8Array(0x1_0000).fill(0xf4);
  const program = [
    ...[0x31, 0xc0], // 0000 xor ax, ax
    ...[0x8e, 0xd8], // 0002 mov ds, ax
    ...[0xb9, 0x34, 0x12], // 0004 mov cx, 1234h
    ...[0xff, 0x06, 0x00, 0x05], // 0007 inc word [500h]
    0x41, // 000b inc cx
    ...[0xeb, 0xf9], // 000c jmp 0007h
  ];
  image.set(program);
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0); // jmp f000:0000
  return image;
}

const PLAIN = { cpus: 1, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 4 << 20 };

describeWith(noGdb, 'gdb on a machine in real mode', () => {
  it('attaches, shows registers and threads, breaks, steps, watches and lets go', async () => {
    await using bench = new Bench(new Pc({ ...PLAIN, firmware: countingFirmware() }));
    await bench.listen();
    const screen = await bench.gdb([
      'info threads',
      'p/x $cs',
      'hbreak *0xf0007',
      'continue',
      'continue',
      'info registers rip rcx ds cr0',
      'delete',
      'stepi',
      'p/x $pc',
      'watch *(unsigned short*)0x500',
      'continue',
      'x/1xh 0x500',
      'delete',
      'set $rcx=0x5555',
      'stepi',
      'p/x $rcx',
      'monitor info status',
      'monitor bogus',
      'detach',
    ]);
    for (const text of [
      '* 1    Thread 1.1 (CPU#0 [running]) 0x000000000000fff0 in ?? ()',
      '$1 = 0xf000',
      'Program received signal SIGTRAP',
      'rip            0x7 ',
      'rcx            0x1235 ',
      'cr0            0x60000010          [ CD NW ET ]',
      '$2 = 0xb',
      'Old value = 2\nNew value = 3',
      '0x500:\t0x0003',
      '$3 = 0x5556',
      'VM status: paused (debug)',
      "unknown command: 'bogus'",
      '[Inferior 1 (process 1) detached]',
    ])
      expect(screen).toContain(text);
    expect(bench.pc.runState).toBe('running');
  }, 60_000);

  it('in the description of real mode reads and breaks at linear addresses', async () => {
    await using bench = new Bench(new Pc({ ...PLAIN, firmware: countingFirmware() }));
    await bench.listen({ description: 'i8086' });
    const screen = await bench.gdb([
      'x/i $pc',
      'stepi',
      'break *0xf000b',
      'continue',
      'x/2i $pc',
      'p/x $cx',
      'set $eip=0xf000c',
      'stepi',
      'p/x $eip',
    ]);
    for (const text of [
      '=> 0xfffffff0:\tljmp   $0xf000,$0x0',
      'Breakpoint 1, 0x000f000b in ?? ()',
      '=> 0xf000b:\tinc    %cx',
      '$1 = 0x1234',
      '$2 = 0xf0007',
    ])
      expect(screen).toContain(text);
  }, 60_000);

  it('sees CPUs that are plugged while it holds the machine, and those that are taken out', async () => {
    await using bench = new Bench(new Pc({ ...PLAIN, firmware: countingFirmware() }));
    await bench.listen();
    bench.pc.cont();
    bench.pc.writePort(0xaf00, 1, 0);
    const screen = await bench.gdb([
      'monitor cpu-add 2',
      'info threads',
      'thread 2',
      'p/x $rip',
      'stepi',
      'monitor o/b 0xaf00 2',
      'monitor o/b 0xaf04 8',
      'info threads',
    ]);
    expect(screen).toContain('[New Thread 1.3]');
    expect(screen).toContain('Thread 1.3 (CPU#2 [halted ]) 0x000000000000fff0 in ?? ()');
    expect(screen).toContain('$1 = 0xfff0');
    expect(bench.pc.cpus.map(({ index }) => index)).toEqual([0]);
    expect(screen.slice(screen.lastIndexOf('Id   Target'))).not.toContain('Thread 1.3 (');
  }, 60_000);
});

/** A Linux machine up to its shell prompt. */
function linux(): Bench {
  const [firmware, kernel, initrd] = NEEDED.map((name) => readFileSync(IMAGES + name)) as unknown as [Uint8Array, Uint8Array, Uint8Array];
  return new Bench(new Pc({ ...PLAIN, ramBytes: 256 << 20, firmware, kernel, initrd, append: 'console=ttyS0 cryptomgr.notests nokaslr' }));
}

/** Addresses of kernel symbols, asked of the guest itself. */
function symbols(bench: Bench, names: readonly string[]): Record<string, string> {
  bench.type(`grep -E ' (${names.join('|')})$' /proc/kallsyms; echo EN""D\n`);
  const listing = bench.wait(/END\r/);
  const found = [...listing.matchAll(/([0-9a-f]{16}) \w (\w+)\r/g)].map(([, address, name]) => [name, `0x${address}`]);
  return Object.fromEntries(found) as Record<string, string>;
}

describeWith(noGdb ?? noImages, 'gdb on Linux', () => {
  let addresses: Record<string, string> = {};

  it('meets a breakpoint on a CPU that was plugged after it was set, and follows a hot-add while the machine stands', async () => {
    await using bench = linux();
    bench.pc.cont();
    bench.wait(/INIT-READY[\s\S]*# /);
    addresses = symbols(bench, ['start_kernel', 'start_secondary', 'jiffies', 'do_nanosleep']);
    await bench.listen();
    const { start_secondary: secondary = '', do_nanosleep: sleep = '' } = addresses;
    bench.type(
      'sleep 0.2; while [ ! -e /sys/devices/system/cpu/cpu1 ]; do sleep 0.05; done; echo 1 > /sys/devices/system/cpu/cpu1/online; nproc\n',
    );
    const screen = await bench.gdb(
      [
        `hbreak *${secondary}`,
        `break *${sleep}`,
        'continue',
        'bt 1',
        'p/x $cs',
        'info registers cr0 cr4 efer',
        'delete 2',
        'stepi',
        'monitor cpu-add 1',
        'info threads',
        'continue',
        'info threads',
        'p/x $rip',
        'stepi',
        'stepi',
        'detach',
      ],
      120,
    );
    expect(screen).toContain(`Breakpoint 2, ${sleep} in ?? ()`);
    expect(screen).toContain('cr0            0x80050033          [ PG AM WP NE ET MP PE ]');
    expect(screen).toContain('[New Thread 1.2]');
    expect(screen).toContain(`Thread 2 hit Breakpoint 1, ${secondary} in ?? ()`);
    expect(screen).toContain(`* 2    Thread 1.2 (CPU#1 [running]) ${secondary} in ?? ()`);
    expect(bench.pc.runState).toBe('running');
  }, 240_000);

  it('stops at start_kernel on the way up', async () => {
    await using bench = linux();
    await bench.listen();
    const { start_kernel: start = '' } = addresses;
    expect(start).toMatch(/^0xffffffff8/);
    const screen = await bench.gdb(
      [`hbreak *${start}`, 'continue', 'info registers rip cr3 efer', 'stepi', 'x/i $pc', 'watch -l *(long*)($rsp-8)', 'continue'],
      120,
    );
    expect(screen).toContain(`Breakpoint 1, ${start} in ?? ()`);
    expect(screen).toContain(`rip            ${start}  ${start}`);
    expect(screen).toMatch(/efer +0xd01 +\[ NXE LMA LME SCE \]/);
    expect(screen).toMatch(/Hardware watchpoint 2: [\s\S]*Old value = [\s\S]*New value = /);
  }, 240_000);
});
