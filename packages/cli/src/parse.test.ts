import type { MachineConfig } from './command-line.js';
import { Information } from './options/option.js';
import { OPTIONS } from './options/option-table.js';
import { UNAVAILABLE } from './options/unavailable.js';
import { parseCommandLine } from './parse.js';
import { UsageError } from './usage-error.js';

function machine(...args: string[]): MachineConfig {
  const parsed = parseCommandLine(args);
  if (parsed instanceof Information) throw new Error(`a text instead of a machine: ${parsed.text}`);
  return parsed;
}

function text(...args: string[]): string {
  const parsed = parseCommandLine(args);
  if (parsed instanceof Information) return parsed.text;
  throw new Error('a machine instead of a text');
}

function refusal(args: readonly string[]): string {
  try {
    parseCommandLine(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('parseCommandLine', () => {
  it('without options describes the machine that QEMU would start', () => {
    const { smp, ramBytes, accel, paused, kernel, charUses } = machine();
    expect({ smp, ramBytes, accel, paused, kernel }).toEqual({
      smp: { cpus: 1, maxCpus: 1, sockets: 1, cores: 1, threads: 1 },
      ramBytes: 128 * 2 ** 20,
      accel: 'tcg',
      paused: false,
      kernel: undefined,
    });
    expect(charUses.map(({ user, device }) => [user, device.backend.kind, device.mux])).toEqual([
      ['serial', 'stdio', true],
      ['monitor', 'stdio', true],
    ]);
  });

  it('takes the first accelerator that is available, as QEMU does', () => {
    expect(machine('-accel', 'kvm', '-accel', 'qtest', '-accel', 'tcg').accel).toBe('qtest');
  });

  it('connects to a QMP client that listens, as test programs for QEMU want it', () => {
    expect(machine('-chardev', 'socket,path=s,id=c0', '-mon', 'chardev=c0,mode=control').qmpSockets).toMatchObject([
      { socket: { address: { kind: 'unix', path: 's' }, server: false, wait: false } },
    ]);
  });

  it.each([
    [['-display', 'none'], false],
    [['-display', 'none', '-M', 'pc', '-M', 'graphics=off'], true],
    [['-display', 'none', '-nographic'], true],
    [[], true],
  ])('with %j firmware shows its screen on the serial port: %p', (args, expected) => {
    expect(machine(...args).serialScreen).toBe(expected);
  });

  it('takes one dash or two', () => {
    expect(machine('--kernel', 'k', '--m', '64', '-append', 'a=b,c')).toMatchObject({ kernel: 'k', ramBytes: 64 << 20, append: 'a=b,c' });
  });

  it('lets the last of several values of an option win', () => {
    expect(machine('-m', '1G', '-m', '2G', '-name', 'a', '-name', 'b')).toMatchObject({ ramBytes: 2 ** 31, name: 'b' });
  });

  it.each([
    ['-m', '64', { ramBytes: 64 << 20 }],
    ['-m', 'size=1.5G', { ramBytes: 1536 * 2 ** 20 }],
    ['-m', '65536k', { ramBytes: 64 << 20 }],
    ['-m', '0x40', { ramBytes: 64 << 20 }],
    ['-accel', 'tcg,thread=single', { accel: 'tcg' }],
    ['-M', 'pc,accel=qtest', { accel: 'qtest' }],
    ['-M', 'none,accel=kvm:tcg', { machineType: 'none', accel: 'tcg' }],
    ['-action', 'panic=none,watchdog=pause,reboot=shutdown', { panicSetting: 'none', watchdogAction: 'pause', noReboot: true }],
    ['-action', 'shutdown=pause', { panicSetting: 'shutdown', watchdogAction: 'reset', noShutdown: true }],
    ['-watchdog-action', 'inject-nmi', { watchdogAction: 'inject-nmi' }],
    ['-device', 'ib700', { watchdog: true, pvpanic: undefined }],
    ['-device', 'pvpanic', { watchdog: false, pvpanic: { ioport: 0x505, events: 3 } }],
    ['-device', 'pvpanic,ioport=0x600,events=1', { pvpanic: { ioport: 0x600, events: 1 } }],
    ['-drive', 'if=pflash,format=raw,file=flash.bin', { bios: 'flash.bin' }],
    ['-boot', 'reboot-timeout=-1', { boot: {} }],
    ['-machine', 'pc-i440fx-1.5,usb=off,hpet=off', { accel: 'tcg' }],
    ['-icount', 'shift=5', { icount: { nsPerInstruction: 32 } }],
    ['-icount', '0', { icount: { nsPerInstruction: 1 } }],
    ['-icount', 'auto', { icount: { nsPerInstruction: undefined } }],
    ['-rtc', 'base=localtime', { rtc: 'localtime' }],
    ['-rtc', 'base=2006-06-17T16:01:21,clock=vm', { rtc: Date.UTC(2006, 5, 17, 16, 1, 21) }],
    ['-rtc', 'base=2006-06-17', { rtc: Date.UTC(2006, 5, 17) }],
    ['-name', 'guest=one,,two,debug-threads=on', { name: 'one,two' }],
    ['-uuid', '550E8400-e29b-41d4-a716-446655440000', { uuid: '550e8400-e29b-41d4-a716-446655440000' }],
    ['-boot', 'c,reboot-timeout=100', { boot: { order: 'c', rebootTimeoutMs: 100 } }],
    ['-boot', 'order=ca,once=d,menu=off', { boot: { order: 'ca', once: 'd' } }],
    ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4', { debugExit: { driver: 'isa-debug-exit', iobase: 0xf4, iosize: 4 } }],
    ['-device', 'isa-debug-exit', { debugExit: { driver: 'isa-debug-exit', iobase: 0x501, iosize: 2 } }],
    ['-device', '{"driver":"isa-debug-exit","iobase":244,"iosize":4,"id":"x"}', { debugExit: { iobase: 0xf4, iosize: 4 } }],
    [
      '-cpu',
      'max,+sse42,-aes,rdrand=off',
      {
        cpu: {
          model: 'max',
          features: new Map([
            ['sse42', true],
            ['aes', false],
            ['rdrand', false],
          ]),
        },
      },
    ],
    ['-cpu', 'max,vendor=GenuineIntel', { cpu: { model: 'max', properties: new Map([['vendor', 'GenuineIntel']]) } }],
    ['-machine', 'accel=kvm:tcg,kernel_irqchip=split', { accel: 'tcg' }],
    ['-vnc', 'none', {}],
    ['--qmp-dialect', '3.1', { qmpDialect: '3.1' }],
    ['--acpi', 'machine', { acpi: 'machine' }],
    ['--cpu-hotplug', 'bitmap', { cpuHotplug: 'bitmap', acpi: undefined }],
    ['--cpu-hotplug', 'selector', { cpuHotplug: 'selector', acpi: 'machine' }],
    ['-gdb', 'unix:/tmp/g', { gdb: 'unix:/tmp/g' }],
    ['-msg', 'timestamp=on', { timestamps: true }],
    ['-trace', 'enable=rtc_*,file=t.log', { trace: { patterns: ['rtc_*'], file: 't.log' } }],
    ['-d', 'exec,in_asm,cpu_reset', { trace: { patterns: ['cpu_execute', 'cpu_decode', 'cpu_reset', 'cpu_triple_fault'] } }],
    ['-d', 'acpi,nochain,trace:pit_*', { trace: { patterns: ['piix4_*', 'pit_*'] } }],
  ])('%s %s is understood', (option, value, expected) => {
    expect(machine(option, value)).toMatchObject(expected);
  });

  it.each([
    ['-S', { paused: true }],
    ['-s', { gdb: 'tcp::1234' }],
    ['-no-reboot', { noReboot: true }],
    ['-no-shutdown', { noShutdown: true }],
    ['--strict-legacy', { strictLegacy: true }],
    ['--allow-remote', { allowRemote: true }],
  ])('%s is a switch that is off by default', (option, expected) => {
    expect(machine(option)).toMatchObject(expected);
    expect(machine()).not.toMatchObject(expected);
  });

  it('accepts what this machine is anyway', () => {
    const args = '-nodefaults -no-user-config -display none -vga none -nic none -net none -snapshot -no-hpet -parallel none'.split(' ');
    expect(machine(...args).charUses).toEqual([]);
  });
});

describe('consoles', () => {
  const consoles = (...args: string[]): string[] =>
    machine(...args).charUses.map(({ user, device: { backend, mux } }) => `${user} ${backend.kind}${mux ? ' shared' : ''}`);

  it.each([
    [['-nographic'], ['serial stdio shared', 'monitor stdio shared']],
    [['-nographic', '-monitor', 'none'], ['serial stdio']],
    [
      ['-nographic', '-serial', 'file:x'],
      ['serial file', 'monitor stdio'],
    ],
    [['-nographic', '-serial', 'stdio'], ['serial stdio']],
    [['-serial', 'stdio'], ['serial stdio']],
    [['-serial', 'none', '-monitor', 'stdio'], ['monitor stdio']],
    [['-monitor', 'stdio'], ['monitor stdio']],
    [['-serial', 'file:x'], ['serial file']],
    [
      ['-monitor', 'unix:m,server,nowait'],
      ['serial stdio', 'monitor socket'],
    ],
    [['-qmp', 'stdio'], ['qmp stdio']],
    [['-display', 'none'], []],
    [['-nodefaults'], []],
    [['-nodefaults', '-serial', 'stdio'], ['serial stdio']],
    [
      ['-serial', 'null', '-serial', 'null', '-serial', 'none'],
      ['serial null', 'serial null'],
    ],
    [
      ['-chardev', 'stdio,id=c,mux=on', '-serial', 'chardev:c', '-mon', 'chardev=c'],
      ['serial stdio shared', 'monitor stdio shared'],
    ],
    [['-debugcon', 'file:log', '-display', 'none'], ['debugcon file']],
  ])('%j gives %j', (args, expected) => {
    expect(consoles(...args)).toEqual(expected);
  });

  it('lets Ctrl-C end the emulator unless the terminal is shared', () => {
    const signals = (...args: string[]): unknown[] =>
      machine(...args).charUses.map(({ device }) => 'signals' in device.backend && device.backend.signals);
    expect([signals('-serial', 'stdio'), signals('-nographic')]).toEqual([[true], [false, false]]);
  });

  it('gives a debug console its port: both for -debugcon, one for a device or with -global', () => {
    const ports = (...args: string[]): unknown[] => machine('-display', 'none', ...args).charUses.map(({ port }) => port);
    expect(ports('-debugcon', 'file:a')).toEqual([undefined]);
    expect(ports('-debugcon', 'file:a', '-global', 'isa-debugcon.iobase=0x402')).toEqual([0x402]);
    expect(ports('-chardev', 'file,id=f,path=a', '-device', 'isa-debugcon,iobase=0x402,chardev=f')).toEqual([0x402]);
    expect(ports('-chardev', 'file,id=f,path=a', '-device', 'isa-debugcon,chardev=f')).toEqual([0xe9]);
  });

  it.each([
    ['unix:/tmp/s,server=on,wait=off', { address: { kind: 'unix', path: '/tmp/s' }, server: true, wait: false }],
    ['unix:/tmp/s,server,nowait', { address: { kind: 'unix', path: '/tmp/s' }, server: true, wait: false }],
    ['unix:/tmp/s,server', { address: { kind: 'unix', path: '/tmp/s' }, server: true, wait: true }],
    ['unix:/tmp/a,,b,server=on', { address: { kind: 'unix', path: '/tmp/a,b' }, server: true, wait: true }],
    ['tcp:127.0.0.1:4444,server=on,wait=off', { address: { kind: 'tcp', host: '127.0.0.1', port: 4444 }, server: true, wait: false }],
    ['tcp::4444,server=on', { address: { kind: 'tcp', host: '127.0.0.1', port: 4444 }, server: true, wait: true }],
    ['tcp:[::1]:4444,server=on', { address: { kind: 'tcp', host: '::1', port: 4444 }, server: true, wait: true }],
  ])('-qmp %s is a socket', (value, socket) => {
    expect(machine('-qmp', value).qmpSockets).toEqual([{ label: `-qmp ${value}`, socket: { kind: 'socket', ...socket } }]);
  });

  it('takes QMP on a character device of its own name, waiting by default', () => {
    const chardev = ['-chardev', 'socket,id=q,path=/tmp/q,server=on', '-mon', 'chardev=q,mode=control'];
    expect(machine(...chardev).qmpSockets[0]?.socket).toMatchObject({ address: { path: '/tmp/q' }, wait: true });
  });

  it('a serial port on a socket that connects does not wait', () => {
    expect(machine('-serial', 'tcp:localhost:99').charUses[0]?.device.backend).toMatchObject({ server: false, wait: false });
  });
});

describe('texts instead of a machine', () => {
  it.each([
    [['-help'], 'Usage: hotsocket'],
    [['--help'], 'Usage: hotsocket'],
    [['-h'], 'Usage: hotsocket'],
    [['-version'], 'Hotsocket'],
    [['-M', 'help'], 'pc-i440fx-1.5'],
    [['-cpu', 'help'], 'qemu64'],
    [['-accel', 'help'], 'tcg'],
    [['-device', 'help'], 'isa-debug-exit'],
    [['-device', '?'], 'name "pc-testdev", bus ISA'],
    [['-device', 'isa-debug-exit,help'], 'iobase'],
    [['-chardev', 'help'], 'socket'],
    [['-d', 'help'], 'guest_errors'],
  ])('%j', (args, part) => {
    expect(text(...args)).toContain(part);
  });

  it('help names every option, fits 80 lines of 120 columns', () => {
    const help = text('-help');
    for (const { names } of OPTIONS) expect(help).toContain(`-${names[0]}`);
    expect(help.trimEnd().split('\n').length).toBeLessThanOrEqual(80);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('help all also names what is missing', () => {
    const help = text('-help', 'all');
    for (const name of UNAVAILABLE.keys()) expect(help).toContain(`-${name}`);
  });
});

describe('wrong command lines', () => {
  it.each([
    ['-bogus', '-bogus: invalid option'],
    ['-kernal x', '-kernal: invalid option (did you mean -kernel?)'],
    ['-m', '-m: requires an argument'],
    ['disk.img', 'disk.img: not an option, and disk images are not in this build'],
    ['- x', '-: not an option, and disk images are not in this build'],
    ['-M nosuch', "-machine nosuch: unsupported machine type 'nosuch'; -machine help lists them"],
    ['-M pc,usb=on', "-machine pc,usb=on: parameter 'usb' does not accept 'on' (possible: off)"],
    ['-M toString', "-machine toString: unsupported machine type 'toString'; -machine help lists them"],
    ['-cpu nosuch', "-cpu nosuch: unable to find CPU model 'nosuch'; -cpu help lists them"],
    ['-cpu constructor', "-cpu constructor: unable to find CPU model 'constructor'; -cpu help lists them"],
    ['-cpu qemu64,+', "-cpu qemu64,+: '+' is not of the form +feature, -feature or feature=on"],
    ['-smp 0', "-smp 0: parameter 'cpus' is 0, possible are 1 to 9007199254740991"],
    ['-smp 5,maxcpus=4', '-smp 5,maxcpus=4: maxcpus (4) must be equal to or greater than the number of CPUs to start with (5)'],
    ['-smp 1,maxcpus=256', '-smp 1,maxcpus=256: maxcpus is 256, this machine supports at most 255 CPUs'],
    ['-smp 1,maxcpus=4,sockets=3', '-smp 1,maxcpus=4,sockets=3: sockets (3) * cores (1) * threads (1) is less than maxcpus (4)'],
    ['-smp abc', "-smp abc: parameter 'cpus' expects an integer"],
    ['-smp cpus=-1', "-smp cpus=-1: parameter 'cpus' is -1, possible are 1 to 9007199254740991"],
    ['-smp 1.5', "-smp 1.5: parameter 'cpus' expects an integer"],
    ['-smp 2,dies=2', '-smp 2,dies=2: this machine has one die per socket'],
    ['-smp 2,clusters=2', "-smp 2,clusters=2: invalid parameter 'clusters' (possible: cpus, maxcpus, sockets, dies, cores, threads)"],
    ['-smp ,', '-smp ,: a parameter is empty'],
    ['-m abc', '-m abc: expected a number with an optional suffix k, M, G or T, in MiB without one'],
    ['-m 0', '-m 0: the machine needs memory'],
    ['-m -5', '-m -5: expected a number with an optional suffix k, M, G or T, in MiB without one'],
    ['-m 1G,slots=2', '-m 1G,slots=2: memory cannot be added to this machine: slots and maxmem are not in this build'],
    ['-accel kvm', "-accel kvm: accelerator 'kvm' is not available: every CPU is emulated in software (tcg)"],
    ['-accel bogus', "-accel bogus: invalid accelerator 'bogus' (possible: tcg, qtest)"],
    ['-accel tcg,thread=multi', '-accel tcg,thread=multi: all CPUs share one thread: thread=single is the only mode'],
    ['-enable-kvm', '-enable-kvm: hardware acceleration is not available: every CPU is emulated in software'],
    ['-initrd x', '-initrd only allowed with -kernel option'],
    ['-append foo', '-append only allowed with -kernel option'],
    ['-hda x', '-hda: there are no disks in this build'],
    ['-drive file=x', '-drive file=x: there are no disks in this build; if=pflash is firmware in flash memory'],
    ['-drive if=pflash', "-drive if=pflash: parameter 'file' is missing"],
    ['-drive if=pflash,file=x,readonly=off', '-drive if=pflash,file=x,readonly=off: flash memory is read-only in this build'],
    [
      '-action panic=maybe',
      "-action panic=maybe: parameter 'panic' does not accept 'maybe' (possible: pause, shutdown, exit-failure, none)",
    ],
    ['-watchdog-action bark', '-watchdog-action bark: possible are reset, shutdown, poweroff, pause, debug, none, inject-nmi'],
    ['-device pvpanic,events=4', "-device pvpanic,events=4: parameter 'events' is 4, possible are 0 to 3"],
    ['-netdev user,id=n0', '-netdev: there is no network in this build; -nic none is accepted'],
    ['-nic user', '-nic user: there is no network in this build; none is accepted'],
    ['-display gtk', '-display gtk: there is no display in this build; none is accepted'],
    ['-cpu-hotplug modern', '-cpu-hotplug modern: possible are bitmap, selector'],
    ['-daemonize', "-daemonize: run it with '&' or as a service, and wait for its QMP socket"],
    ['-device nosuch', "-device nosuch: 'nosuch' is not a valid device model name; -device help lists the devices"],
    ['-device nosuch,help', "-device nosuch,help: 'nosuch' is not a valid device model name; -device help lists the devices"],
    ['-device isa-debug-exit,port=1', "-device isa-debug-exit,port=1: invalid parameter 'port' (possible: driver, id, iobase, iosize)"],
    ['-device isa-debug-exit,iobase=70000', "-device isa-debug-exit,iobase=70000: parameter 'iobase' is 70000, possible are 0 to 65535"],
    ['-device isa-debugcon', "-device isa-debugcon: parameter 'chardev' is missing"],
    ['-device isa-debugcon,chardev=x', "-device isa-debugcon,chardev=x: there is no chardev 'x'"],
    ['-device {"driver":', '-device {"driver":: invalid JSON: Unexpected end of JSON input'],
    ['-device {"driver":"isa-debug-exit","a":1}', `-device {"driver":"isa-debug-exit","a":1}: property 'isa-debug-exit.a' not found`],
    [
      '-device {"driver":"isa-debug-exit","iobase":[1]}',
      `-device {"driver":"isa-debug-exit","iobase":[1]}: property 'iobase' is not a plain value`,
    ],
    [
      '-device qemu64-x86_64-cpu',
      "-device qemu64-x86_64-cpu: 'qemu64-x86_64-cpu' is not a valid device model name; CPUs are added with -smp, cpu-add or device_add",
    ],
    ['-global x.y=1', '-global x.y=1: only isa-debugcon.iobase with 0x402 or 0xe9 can be set in this build'],
    [
      '-qmp bogus',
      "-qmp bogus: 'bogus' is not a valid char driver (possible: stdio, mon:stdio, file:PATH, unix:PATH, tcp:HOST:PORT, null, none, chardev:ID)",
    ],
    ['-qmp tcp:localhost,server=on', '-qmp tcp:localhost,server=on: expected tcp:HOST:PORT'],
    ['-qmp tcp:localhost:99999,server=on', '-qmp tcp:localhost:99999,server=on: expected tcp:HOST:PORT'],
    ['-qmp unix:s,server=maybe', "-qmp unix:s,server=maybe: parameter 'server' expects 'on' or 'off'"],
    ['-qmp unix:,server=on', '-qmp unix:,server=on: a path is missing'],
    ['-qmp-dialect 2.0', '-qmp-dialect 2.0: possible are default, 1.5, 3.1'],
    [
      '-serial pty',
      "-serial pty: the driver 'pty' is not in this build (possible: stdio, mon:stdio, file:PATH, unix:PATH, tcp:HOST:PORT, null, none, chardev:ID)",
    ],
    [
      '-serial file:',
      '-serial file:: a path is missing (possible: stdio, mon:stdio, file:PATH, unix:PATH, tcp:HOST:PORT, null, none, chardev:ID)',
    ],
    ['-serial chardev:x', "-serial chardev:x: there is no chardev 'x'"],
    ['-serial null -serial file:x', '-serial file:x: this machine has one serial port'],
    ['-serial stdio -monitor stdio', '-monitor stdio: cannot use stdio by multiple character devices'],
    ['-mon mode=control', "-mon mode=control: parameter 'chardev' is missing"],
    ['-mon chardev=x', "-mon chardev=x: there is no chardev 'x'"],
    ['-chardev socket,id=c0', "-chardev socket,id=c0: parameter 'path' or 'port' is missing"],
    ['-chardev socket,path=/tmp/x', "-chardev socket,path=/tmp/x: parameter 'id' is missing"],
    ['-chardev pty,id=p', "-chardev pty,id=p: the driver 'pty' is not in this build (possible: null, stdio, file, socket)"],
    ['-chardev null,id=a -chardev null,id=a', "-chardev null,id=a: duplicate id 'a'"],
    ['-chardev null,id=a -serial chardev:a -monitor chardev:a', "-monitor chardev:a: chardev 'a' is already in use"],
    ['-rtc base=bogus', "-rtc base=bogus: invalid date 'bogus'; expected utc, localtime, 2006-06-17T16:01:21 or 2006-06-17"],
    ['-rtc base=2006-13-45', "-rtc base=2006-13-45: invalid date '2006-13-45'; expected utc, localtime, 2006-06-17T16:01:21 or 2006-06-17"],
    ['-icount bogus', "-icount bogus: parameter 'shift' expects an integer"],
    ['-icount 11', "-icount 11: parameter 'shift' is 11, possible are 0 to 10"],
    ['-icount rr=record', "-icount rr=record: invalid parameter 'rr' (possible: shift, align, sleep)"],
    ['-boot menu=on', '-boot menu=on: menu=on is not in this build: there are no disks to choose from'],
    ['-chardev __proto__,id=a', "-chardev __proto__,id=a: '__proto__' is not a valid char driver (possible: null, stdio, file, socket)"],
    ['-d constructor', "-d constructor: 'constructor' is not a log item; -d help lists them"],
    ['-d bogus', "-d bogus: 'bogus' is not a log item; -d help lists them"],
    ['-d op', "-d op: 'op' is not in this build; -d help lists them"],
    ['-acpi none', '-acpi none: possible are firmware, machine'],
    ['-uuid 1234', '-uuid 1234: expected the form 8-4-4-4-12 of hexadecimal digits'],
    ['-incoming tcp:0:1', '-incoming: saved states are not in this build'],
    ['-loadvm x', '-loadvm: saved states are not in this build'],
  ])('%s', (line, expected) => {
    expect(refusal(line.split(' '))).toBe(expected);
  });
});

describe('whatever the words', () => {
  /** A fixed sequence of numbers below 2^32 (Numerical Recipes' generator). */
  const random = (seed: number) => (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);

  it('the parser gives a machine, a text, or a refusal of one line', () => {
    const next = random(1);
    const pick = <T>(list: readonly T[]): T => list[(next() >>> 8) % list.length]!;
    const names = [...OPTIONS.flatMap((option) => option.names), ...UNAVAILABLE.keys(), 'bogus'];
    const pieces = [
      '',
      '1',
      '-1',
      'help',
      'on',
      'stdio',
      'chardev:a',
      'id=a',
      'unix:/x',
      'server',
      'path=/x',
      '{',
      '"',
      '=',
      ',',
      ',,',
      'null',
      'pc',
      'cpus=2',
      '\n',
      '\u0000',
      'é',
      '__proto__',
    ];
    const outcomes = { machine: 0, text: 0, refusal: 0 };
    for (let round = 0; round < 5000; round++) {
      const args = Array.from({ length: 1 + (next() % 4) }, () => [
        `-${pick(names)}`,
        Array.from({ length: 1 + ((next() >>> 4) % 4) }, () => pick(pieces)).join(pick([',', '', '='])),
      ]).flat();
      try {
        outcomes[parseCommandLine(args) instanceof Information ? 'text' : 'machine']++;
      } catch (error) {
        if (!(error instanceof UsageError)) throw new Error(`${JSON.stringify(args)}: ${String(error)}`);
        outcomes.refusal++;
      }
    }
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(10);
  });
});
