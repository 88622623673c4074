import { FakeMachine, type FakeMachineOptions } from '@hotsocket/qmp/testing';
import { MONITOR_COMMANDS } from './commands.js';
import { INFO_TOPICS } from './info.js';
import { Monitor, type MonitorOptions } from './monitor.js';

function bench(
  machineOptions: FakeMachineOptions = {},
  options: Partial<MonitorOptions> = {},
): { machine: FakeMachine; monitor: Monitor; run: (line: string) => string } {
  const machine = new FakeMachine(machineOptions);
  const monitor = new Monitor({ machine, version: 'hotsocket 0.1.0', ...options });
  return { machine, monitor, run: (line) => monitor.execute(line) };
}

const lines = (...text: string[]): string => text.map((line) => `${line}\r\n`).join('');

describe('running commands', () => {
  it.each([
    ['stop', 'stop'],
    ['s', 'stop'],
    ['cont', 'cont'],
    ['c', 'cont'],
    ['system_reset', 'reset host-qmp-system-reset'],
    ['system_powerdown', 'powerdown'],
    ['system_wakeup', 'wakeup'],
    ['nmi', 'nmi'],
    ['quit', 'quit host-qmp-quit'],
    ['  q  ', 'quit host-qmp-quit'],
  ])('%s reaches the machine without a word', (line, call) => {
    const { machine, run } = bench();
    expect(run(line)).toBe('');
    expect(machine.calls).toEqual([call]);
  });

  it.each(['bogus', 'STOP', 'cpu_add 1', '//', 'info2'])('%s is unknown', (line) => {
    const { machine, run } = bench();
    expect(run(line)).toMatch(/^unknown command: '/);
    expect(machine.calls).toEqual([]);
  });

  it('says nothing to an empty line', () => {
    expect(bench().run('   ')).toBe('');
  });

  it('refuses arguments of commands that take none', () => {
    const { machine, run } = bench();
    expect(run('quit now')).toBe('quit takes no arguments\r\n');
    expect(run('info status x')).toBe('info status takes no arguments\r\n');
    expect(machine.calls).toEqual([]);
  });

  it('shows the refusal of the machine', () => {
    expect(bench({ runState: 'internal-error' }).run('cont')).toBe('Resetting the Virtual Machine is required\r\n');
  });

  it('shows and logs an unexpected exception instead of throwing it', () => {
    const log: string[] = [];
    const { machine, run } = bench({}, { log: (line) => log.push(line) });
    machine.nmi = () => {
      throw new TypeError('boom');
    };
    expect(run('nmi')).toBe('Internal error: boom\r\n');
    expect(log).toEqual(['a monitor command failed: boom']);
  });
});

describe('cpu-add', () => {
  it('plugs a CPU by its index', () => {
    const { machine, run } = bench();
    expect(run('cpu-add 2')).toBe('');
    expect(run('cpu-add 0x3')).toBe('');
    expect(machine.cpus.map(({ index }) => index)).toEqual([0, 2, 3]);
  });

  it.each([
    ['cpu-add 0', 'Unable to add CPU: 0, it already exists'],
    ['cpu-add 4', 'Unable to add CPU: 4, max allowed: 3'],
    ['cpu-add -1', 'Invalid CPU id: -1'],
    ['cpu-add -0x100', 'Invalid CPU id: -256'],
    ['cpu-add 9223372036854775808', 'Unable to add CPU: 9223372036854775808, max allowed: 3'],
    ['cpu-add', 'cpu-add: expected the index of a CPU'],
    ['cpu-add two', 'cpu-add: expected the index of a CPU'],
    ['cpu-add 1 2', 'cpu-add: expected the index of a CPU'],
    [`cpu-add ${'9'.repeat(4000)}`, 'cpu-add: expected the index of a CPU'],
  ])('%s is refused and changes nothing', (line, text) => {
    const { machine, run } = bench();
    expect(run(line)).toBe(`${text}\r\n`);
    expect(machine.cpus).toHaveLength(1);
  });

  it('takes texts of a dialect from outside', () => {
    expect(bench({}, { errorText: (error) => `<${error.name}>` }).run('cpu-add 0')).toBe('<CpuExistsError>\r\n');
  });

  it('says so when the machine cannot add CPUs', () => {
    const { machine, run } = bench();
    Object.defineProperty(machine, 'hotAddCpu', { value: undefined });
    expect(run('cpu-add 1')).toBe('this machine cannot add CPUs\r\n');
  });
});

describe('device_add', () => {
  const type = 'qemu64-x86_64-cpu';

  it('plugs a CPU at a place, or by its APIC id, and names it', () => {
    const { run, machine } = bench();
    expect(run(`device_add ${type},id=two,socket-id=2,core-id=0,thread-id=0`)).toBe('');
    expect(run(`device_add ${type},apic-id=1`)).toBe('');
    expect(machine.cpus.map(({ index }) => index)).toEqual([0, 2, 1]);
    expect(machine.qom.resolve('/machine/peripheral/two')).toBeDefined();
  });

  it.each([
    ['', "'' is not a type of CPU that fits this machine"],
    ['e1000,id=x', "'e1000' is not a type of CPU that fits this machine"],
    [`${type},id=1x,apic-id=1`, "device_add: 'id=1x' is no property with its value"],
    [`${type},toString=1`, "device_add: 'toString=1' is no property with its value"],
    [`${type},socket-id=-1`, "device_add: 'socket-id=-1' is no property with its value"],
    [`${type},socket-id=9,core-id=0,thread-id=0`, 'device_add: there is no such place'],
    [type, 'device_add: give socket-id, core-id and thread-id, or apic-id'],
    [`${type},apic-id=0`, 'Unable to add CPU: 0, it already exists'],
  ])('%s: %s', (args, text) => {
    const { run, machine } = bench();
    expect([run(`device_add ${args}`), machine.cpus.length]).toEqual([`${text}\r\n`, 1]);
  });
});

describe('device_del', () => {
  it('asks for the CPU that a name or a path means', () => {
    const { run, machine } = bench({ bootCpus: 2 });
    machine.hotAddCpu(2, { deviceId: 'two' });
    expect([run('device_del two'), run('device_del /machine/unattached/device[1] ')]).toEqual(['', '']);
    expect(machine.calls.filter((call) => call.startsWith('request'))).toEqual(['requestCpuRemoval 2', 'requestCpuRemoval 1']);
  });

  it.each([
    ['device_del', "Device '' not found"],
    ['device_del three', "Device 'three' not found"],
    ['device_del /machine/icc-bridge', "Device '/machine/icc-bridge' not found"],
    ['device_del /machine/unattached/device[0]', 'The boot CPU cannot be unplugged'],
  ])('%s: %s', (line, text) => {
    expect(bench().run(line)).toBe(`${text}\r\n`);
  });

  it('is refused by a machine that cannot remove CPUs', () => {
    const { run, machine } = bench();
    Object.defineProperty(machine, 'requestCpuRemoval', { value: undefined });
    expect(run('device_del x')).toBe('this machine cannot remove CPUs\r\n');
  });
});

describe('info', () => {
  it.each([
    ['info status', {}, 'VM status: running'],
    ['info status', { runState: 'paused' }, 'VM status: paused'],
    ['info status', { runState: 'prelaunch' }, 'VM status: paused (prelaunch)'],
    ['info name', { name: 'box' }, 'box'],
    ['info uuid', {}, '00000000-0000-0000-0000-000000000000'],
    ['info version', {}, 'hotsocket 0.1.0'],
  ] as const)('%s of %j', (line, options, text) => {
    expect(bench(options).run(line)).toBe(`${text}\r\n`);
  });

  it('name is empty for a machine without one', () => {
    expect(bench().run('info name')).toBe('');
  });

  it('cpus marks the selected CPU', () => {
    const { run } = bench({ bootCpus: 2 });
    run('cpu 1');
    expect(run('info cpus')).toBe(
      lines('  CPU #0: pc=0x00000000fffffff0 thread_id=1', '* CPU #1: pc=0x00000000fffffff0 (halted) thread_id=1'),
    );
  });

  it('hotpluggable-cpus lists the highest place first', () => {
    expect(bench({ maxCpus: 2 }).run('info hotpluggable-cpus')).toBe(
      lines(
        'Hotpluggable CPUs:',
        ...[
          '  type: "qemu64-x86_64-cpu"',
          '  vcpus_count: "1"',
          '  CPUInstance Properties:',
          '    socket-id: "1"',
          '    core-id: "0"',
          '    thread-id: "0"',
        ],
        ...['  type: "qemu64-x86_64-cpu"', '  vcpus_count: "1"', '  qom_path: "/machine/unattached/device[0]"'],
        ...['  CPUInstance Properties:', '    socket-id: "0"', '    core-id: "0"', '    thread-id: "0"'],
      ),
    );
  });

  it('registers shows plain registers side by side and notes on their own lines', () => {
    const text = ['RAX=0000000000001234 RIP=00000000fffffff0', 'RFLAGS=0000000000000002 IF=0', 'CS =f000 base=ffff0000 limit=ffff'];
    expect(bench().run('info registers')).toBe(lines(...text));
    expect(bench({ bootCpus: 2 }).run('info registers -a')).toBe(lines('', 'CPU#0', ...text, '', 'CPU#1', ...text));
    expect(bench().run('info registers -b')).toBe('info registers takes -a or nothing\r\n');
  });

  it('registers fills lines of 80 columns and no more', () => {
    const { machine, run } = bench();
    const word = (index: number) => ({ name: `r${index}`, value: BigInt(index), bits: 64 });
    const flags = { name: 'rflags', value: 2n, bits: 32, note: 'IF=0' };
    machine.registers = () => [{ title: 'general', registers: [word(1), word(2), word(3), word(4), flags, word(5)] }];
    const text = (index: number): string => `R${index} =${String(index).padStart(16, '0')}`;
    expect(run('info registers')).toBe(lines(`${text(1)} ${text(2)} ${text(3)}`, text(4), 'RFLAGS=00000002 IF=0', text(5)));
    machine.registers = () => [{ title: 'wide', registers: [0, 1].map(() => ({ ...word(1), bits: 140 })) }];
    expect(run('info registers').split('\r\n')[0]).toHaveLength(79);
    machine.registers = () => [
      { title: 'wider', registers: [0, 1].map((index) => ({ ...word(1), name: 'r'.repeat(3 + index), bits: 144 })) },
    ];
    expect(run('info registers').split('\r\n')[0]).toHaveLength(40);
  });

  it('qom-tree indents children', () => {
    expect(bench().run('info qom-tree')).toBe(
      lines(
        '/machine (pc-i440fx-1.5-machine)',
        '  /icc-bridge (icc-bridge)',
        '    /icc (icc-bus)',
        '  /unattached (container)',
        '    /device[0] (qemu64-x86_64-cpu)',
        '  /peripheral (container)',
      ),
    );
    expect(bench().run('info qom-tree /nosuch')).toBe("Path '/nosuch' could not be resolved\r\n");
  });

  it.each(['mtree', 'qtree', 'lapic', 'ioapic', 'pic', 'irq', 'mem'])('%s shows the text of the machine', (name) => {
    const { run } = bench({ bootCpus: 2 });
    run('cpu 1');
    expect(run(`info ${name}`)).toBe(lines(`${name} of the machine`, '  seen from CPU 1'));
  });

  it('of a part that the machine has not says so', () => {
    expect(bench().run('info tlb')).toBe('info tlb: this machine has nothing to show\r\n');
  });

  it('without a topic lists the topics; with an unknown one says so', () => {
    expect(bench().run('info').split('\r\n')).toHaveLength(INFO_TOPICS.length + 1);
    expect(bench().run('info bogus')).toBe("unknown command: 'info bogus'\r\n");
  });

  it('with a CPU of its own leaves the selection alone', () => {
    const { monitor } = bench({ bootCpus: 2 });
    expect(monitor.execute('info lapic', 1)).toContain('seen from CPU 1');
    monitor.execute('cpu 0', 1);
    expect(monitor.execute('info lapic')).toContain('seen from CPU 0');
    expect(monitor.execute('info lapic', 9)).toBe('There is no CPU 9\r\n');
  });
});

describe('memory, values and ports', () => {
  const filled = (): ReturnType<typeof bench> => {
    const made = bench();
    for (let address = 0; address < 64; address++) made.machine.memory[address] = address + 0x40;
    return made;
  };

  it.each([
    ['x 0', lines('0000000000000000: 0x43424140')],
    ['x/2xb 1', lines('0000000000000001: 0x41 0x42')],
    ['x/5wx 0', lines('0000000000000000: 0x43424140 0x47464544 0x4b4a4948 0x4f4e4d4c', '0000000000000010: 0x53525150')],
    ['xp /2gx 0', lines('0000000000000000: 0x4746454443424140 0x4f4e4d4c4b4a4948')],
    ['x/2dh 0', lines('0000000000000000: 16704 17218')],
    ['x/2db 0x3f', lines('000000000000003f: 127   0')],
    ['x/4c 0', lines("0000000000000000: '@' 'A' 'B' 'C'")],
    ['x/1o 0', lines('0000000000000000: 010320440500')],
    ['xp/1wx 0x10000', lines('0000000000010000: 0xffffffff')],
    ['x/1wx 0x10000', lines('Cannot access memory')],
    ['x/2i 0x10', lines(`0x00000010:  90${' '.repeat(22)} nop`, `0x00000011:  90${' '.repeat(22)} nop`)],
    ['x/1i 0x10000', lines('Cannot access memory')],
    ['x/0x 0', lines('the count must be from 1 to 16384')],
    ['x/99999x 0', lines('the count must be from 1 to 16384')],
    ['x/4z 0', lines("bad format letter 'z'")],
    ['x/4x', lines('expected a number, a register ($name) or a parenthesis')],
    ['x/x4 0', lines('bad format: expected /[count][x|d|u|o|c|i][b|h|w|g]')],
  ])('%s', (line, text) => {
    expect(filled().run(line)).toBe(text);
  });

  it.each([
    ['p 1+2*3', '0x7'],
    ['p/d (1+2)*-3', '-9'],
    ['p /u -1', '18446744073709551615'],
    ['p/x 0xff & ~0xf', '0xf0'],
    ['p/d 010 + 0x10 + 10', '34'],
    ['p/d 7 % 4 - 7 / 2', '0'],
    ["p/d 'a' ^ 1", '96'],
    ['p/c 0x41', "'A'"],
    ['p/c 0x27', "'\\''"],
    ['p/c 0x20', "' '"],
    ['p/c 0x7e', "'~'"],
    ['p/c 0x7f', "'\\x7f'"],
    ['p/16384 1', '0x1'],
    ['p/c 0x07', "'\\x07'"],
    ['p/o 8', '010'],
    ['p/o 0', '0'],
    ['p/db 255', '-1'],
    ['p $rip', '0xfffffff0'],
    ['p $pc', '0xfffffff0'],
    ['p $eax + $CS', '0x10234'],
    ['p 0xffffffffffffffff + 1', '0x0'],
    ['print 1', '0x1'],
    ['p 1/0', 'division by zero'],
    ['p 1%0', 'division by zero'],
    ['p (1', "')' is missing"],
    ['p 1 2', "unexpected '2' after the expression"],
    ['p', 'expected a number, a register ($name) or a parenthesis'],
    ['p $nope', "unknown register '$nope'"],
    ['p 09', "'09' is no octal number"],
    [`p ${'('.repeat(4000)}1`, 'the expression is nested too deeply'],
    [`p ${'-'.repeat(4000)}1`, 'the expression is nested too deeply'],
    [`p/x ${'1+'.repeat(1000)}1`, '0x3e9'],
  ])('%s', (line, text) => {
    expect(bench().run(line)).toBe(`${text}\r\n`);
  });

  it('i and o reach the ports with their width', () => {
    const { machine, run } = bench();
    expect(run('o /h 0x80 0x12345')).toBe('');
    expect(run('i /w 0x80')).toBe('portl[0x0080] = 0x00002345\r\n');
    expect(run('i 0x60')).toBe('portb[0x0060] = 0xff\r\n');
    expect(run('o/b 0x1ffff $eax')).toBe('');
    expect(machine.calls).toEqual(['writePort 128 2 9029', 'readPort 128 4', 'readPort 96 1', 'writePort 65535 1 52']);
    expect(run('i/g 0x60')).toBe('a port is 1, 2 or 4 bytes wide (b, h, w)\r\n');
    expect(run('o 0x80')).toBe('expected a number, a register ($name) or a parenthesis\r\n');
  });

  it('cpu selects the CPU whose registers are meant', () => {
    const { run } = bench({ bootCpus: 2 });
    expect(run('cpu 7')).toBe('there is no CPU 7\r\n');
    expect(run('cpu 1')).toBe('');
    expect(run('info cpus')).toContain('* CPU #1');
  });

  it('no disassembler is said', () => {
    const { machine, run } = bench();
    Object.defineProperty(machine, 'disassemble', { value: undefined });
    expect(run('x/i 0')).toBe('this build has no disassembler\r\n');
  });
});

describe('help and completion', () => {
  it('help has a line for every command, and for one', () => {
    const { run } = bench();
    expect(run('help').split('\r\n')).toHaveLength(MONITOR_COMMANDS.length + 1);
    expect(run('? stop')).toBe('stop|s -- stop the machine\r\n');
    expect(run('help info registers')).toMatch(/^info registers \[-a\] -- /);
    expect(run('help bogus')).toBe("unknown command: 'bogus'\r\n");
  });

  it('no two commands share a name', () => {
    for (const table of [MONITOR_COMMANDS, INFO_TOPICS]) {
      const names = table.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it.each([
    ['inf', ['info']],
    ['info v', ['version']],
    ['info hot', ['hotpluggable-cpus']],
    ['system_', ['system_reset', 'system_powerdown', 'system_wakeup']],
    ['cpu-add ', ['1', '3']],
    ['cpu ', ['0', '2']],
    ['help qu', ['quit']],
    ['pri', ['print']],
    ['stop ', []],
    ['bogus ', []],
    ['info cpus ', []],
  ])('%j goes on with %j', (line, words) => {
    const { monitor, run } = bench();
    run('cpu-add 2');
    expect(monitor.complete(line)).toEqual(words);
  });
});
