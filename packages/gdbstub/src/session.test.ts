import { Pc, type PcOptions } from '@hotsocket/machine-pc';
import { Monitor } from '@hotsocket/monitor';
import fc from 'fast-check';
import { frame, type GdbInput, hexOfText, PacketReader } from './packets.js';
import { GdbServer, type GdbServerOptions, NotDebuggableError } from './server.js';
import type { GdbSession } from './session.js';

/** At f000:0000: counts word [500h] in an endless loop. The reset vector leads there. */
const COUNTING = new Uint8Array(0x1_0000).fill(0xf4);
COUNTING.set([0x31, 0xc0, 0x8e, 0xd8, 0xff, 0x06, 0x00, 0x05, 0xeb, 0xfa]);
COUNTING.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0);
const INCREMENT = 0xf0004;

const pc = new Pc({ cpus: 2, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 2 << 20, firmware: COUNTING } satisfies PcOptions);

/** A client in the same process; replies are what came behind the sign. */
class Client {
  readonly server: GdbServer;
  readonly session: GdbSession;
  ended = false;
  readonly log: string[] = [];
  #written = '';

  constructor(options: Partial<GdbServerOptions> = {}) {
    const humanMonitor = new Monitor({ machine: pc, version: 'test 1.0' });
    this.server = new GdbServer({ machine: pc, humanMonitor, log: (message) => this.log.push(message), ...options });
    const sink = { write: (text: string) => (this.#written += text), end: () => (this.ended = true) };
    this.session = this.server.connect(sink) as GdbSession;
  }

  /** Raw bytes in, raw bytes out. */
  raw(text: string): string {
    this.session.receive(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
    return this.take();
  }

  take(): string {
    const written = this.#written;
    this.#written = '';
    return written;
  }

  /** The texts of the packets that answer one. */
  all(text: string): string[] {
    const inputs: GdbInput[] = [];
    new PacketReader((input) => inputs.push(input)).feed(Uint8Array.from(this.raw(frame(text)), (letter) => letter.charCodeAt(0)));
    return inputs.flatMap((input) => (input.kind === 'packet' ? [input.text] : []));
  }

  ask(text: string): string | undefined {
    return this.all(text)[0];
  }

  /** Lets the machine run until the client hears something. */
  run(most = 100_000): string {
    pc.runFor(most, () => this.#written !== '');
    return this.take();
  }

  close(): void {
    this.server.release(this.session);
  }
}

let client = new Client();

/** Each test has a machine as after a reset that has counted nothing. */
beforeEach(() => {
  client.close();
  pc.stop();
  for (const { index } of pc.cpus.slice(2)) {
    pc.writePort(0xaf00, 4, 0);
    pc.writePort(0xaf00, 4, index);
    pc.writePort(0xaf04, 1, 8);
  }
  pc.reset('host-qmp-system-reset');
  pc.debug.writePhysical(0x500n, Uint8Array.of(0, 0));
  client = new Client();
});

afterAll(() => pc.quit('none'));

const introduced = (): Client => {
  client.ask('qSupported:multiprocess+;swbreak+;hwbreak+');
  return client;
};

describe('acknowledgement', () => {
  it('is a plus for each packet, a minus for a damaged one, and a minus makes the last reply come again', () => {
    expect(client.raw('$qC#b4')).toBe('+$QC01#f5');
    expect(client.raw('$qC#b5')).toBe('-');
    expect(client.raw('-')).toBe('$QC01#f5');
    expect(client.raw('+')).toBe('');
  });

  it('ends with QStartNoAckMode, whose own reply still has it', () => {
    expect(client.raw(frame('QStartNoAckMode'))).toBe('+$OK#9a');
    expect(client.raw('$qC#b4')).toBe('$QC01#f5');
    expect(client.raw('$qC#b5')).toBe('');
  });
});

describe('introduction', () => {
  it('stops a running machine, says what is supported, and takes part in the multiprocess syntax only when asked to', () => {
    client.close();
    pc.cont();
    client = new Client();
    expect(pc.runState).toBe('paused');
    expect(client.ask('?')).toBe('T05thread:01;');
    expect(client.ask('qSupported:multiprocess+;xmlRegisters=i386')).toBe(
      'PacketSize=1000;qXfer:features:read+;vContSupported+;multiprocess+;QStartNoAckMode+;swbreak+;hwbreak+',
    );
    expect([client.ask('?'), client.ask('qC')]).toEqual(['T05thread:p01.01;', 'QCp01.01']);
  });

  it('gives the target description in pieces', () => {
    let text = '';
    for (let at = 0; ; at += 0x400) {
      const piece = client.ask(`qXfer:features:read:target.xml:${at.toString(16)},400`) ?? '';
      text += piece.slice(1);
      if (piece.startsWith('l')) break;
      expect(piece).toHaveLength(0x401);
    }
    expect(text).toMatch(/^<\?xml[\s\S]*<\/target>\n$/);
    expect(client.ask('qXfer:features:read:target.xml:ffff,400')).toBe('l');
    expect([client.ask('qXfer:features:read:other.xml:0,400'), client.ask('qXfer:features:read:target.xml:zz')]).toEqual(['E00', 'E22']);
  });

  it.each(['vMustReplyEmpty', 'qTStatus', 'qOffsets', 'qSymbol::', 'qCRC:0,1', 'QThreadEvents:1', 'vFile:open:1', 'Z5,0,1', 'bs', 'i', ''])(
    'has an empty reply for %s',
    (text) => expect(client.ask(text)).toBe(''),
  );

  it('needs a machine that can be debugged', () => {
    const machine = new Proxy(pc, { get: (target, name) => (name === 'debug' ? undefined : Reflect.get(target, name)) });
    expect(() => new GdbServer({ machine })).toThrow(NotDebuggableError);
  });

  it('is refused to a second client', () => {
    expect(client.server.connect({ write: () => {}, end: () => {} })).toBeUndefined();
  });
});

describe('threads', () => {
  it('are the CPUs; one that is plugged is there at the next question', () => {
    introduced();
    expect([client.ask('qfThreadInfo'), client.ask('qsThreadInfo')]).toEqual(['mp01.01,p01.02', 'l']);
    pc.hotAddCpu(3);
    expect(client.ask('qfThreadInfo')).toBe('mp01.01,p01.02,p01.04');
    expect([client.ask('qThreadExtraInfo,p1.1'), client.ask('qThreadExtraInfo,p1.4')]).toEqual([
      hexOfText('CPU#0 [running]'),
      hexOfText('CPU#3 [halted ]'),
    ]);
    expect([client.ask('Tp1.4'), client.ask('Tp1.3'), client.ask('T1'), client.ask('Tx'), client.ask('Tp2.1')]).toEqual([
      'OK',
      'E22',
      'OK',
      'E22',
      'E22',
    ]);
  });

  it('are selected for inspection; one that is unplugged meanwhile gives way to the first', () => {
    introduced();
    pc.hotAddCpu(2);
    expect(['Hgp1.3', 'Hgp0.0', 'Hc-1', 'Hg9', 'Hxp1.1', 'H'].map((text) => client.ask(text))).toEqual([
      'OK',
      'OK',
      'OK',
      'E22',
      'E22',
      'E22',
    ]);
    expect([client.ask('qC'), client.ask('p10')]).toEqual(['QCp01.03', 'f0ff000000000000']);
    pc.writePort(0xaf00, 4, 0);
    pc.writePort(0xaf00, 4, 2);
    pc.writePort(0xaf04, 1, 8);
    expect([client.ask('?'), client.ask('g')?.length]).toEqual(['T05thread:p01.01;', 1216]);
  });
});

describe('registers', () => {
  it('are read and written one by one', () => {
    expect([client.ask('p10'), client.ask('p12'), client.ask('p1b')]).toEqual(['f0ff000000000000', '00f00000', '1000006000000000']);
    expect([client.ask('P0=efcdab8967452301'), client.ask('p0')]).toEqual(['OK', 'efcdab8967452301']);
    expect(pc.debug.readRegister(0, 'rax')).toBe(0x0123_4567_89ab_cdefn);
    expect(['p44', 'pzz', 'P0=00', 'P0', 'P44=00', 'P99999=0'].map((text) => client.ask(text))).toEqual(Array(6).fill('E22'));
  });

  it('are read and written all together; what did not change is left alone', () => {
    const before = client.ask('g') ?? '';
    expect(before).toHaveLength(1216);
    const changed = `${'11'.repeat(8)}${before.slice(16)}`;
    expect([client.ask(`G${changed}`), client.ask('g')]).toEqual(['OK', changed]);
    expect([client.ask(`G${before.slice(2)}`), client.ask('G'), client.ask(`G${'zz'.repeat(608)}`)]).toEqual(['E22', 'E22', 'E22']);
  });

  it.each([
    ['11', '46000000', 'rflags', 0x46n],
    ['14', '00120000', 'ds', 0x1200n],
    ['19', '8877665544332211', 'gs_base', 0x1122_3344_5566_7788n],
    ['1c', '7856341200000000', 'cr2', 0x1234_5678n],
    ['1f', '0900000000000000', 'cr8', 9n],
    ['21', '0000000000000080ff3f', 'st0', 0x3fff_8000_0000_0000_0000n],
    ['29', '7f020000', 'fcw', 0x27fn],
    ['31', '000102030405060708090a0b0c0d0e0f', 'xmm0', 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100n],
    ['41', 'c01f0000', 'mxcsr', 0x1fc0n],
  ])('number %s takes %s', (number, value, name, expected) => {
    expect([client.ask(`P${number}=${value}`), client.ask(`p${number}`), pc.debug.readRegister(0, name)]).toEqual(['OK', value, expected]);
  });

  it('refuse what they cannot hold', () => {
    expect([client.ask('P1f=1000000000000000'), client.ask('P41=00000100'), client.ask('P14=00000100')]).toEqual(['E22', 'E22', 'E22']);
  });
});

describe('memory', () => {
  it('is read and written in digits and in bytes', () => {
    expect([client.ask('M1000,3:010203'), client.ask('m1000,4')]).toEqual(['OK', '01020300']);
    expect([client.ask('X1000,2:}]\x03'), client.ask('m1000,3'), client.ask('X1000,0:')]).toEqual(['OK', '7d0303', 'OK']);
    expect(client.ask(`m0,800`)).toHaveLength(0x1000);
  });

  it.each([
    'm1000',
    'm1000,801',
    'm1000,ffffffff',
    'm11223344556677889,1',
    'M1000,3:0102',
    'M1000,1:0',
    'X1000,1:ab',
    'X1000,1:}',
    'M,1:00',
    'mx,1',
  ])('%s is refused', (text) => expect(client.ask(text)).toBe('E22'));

  it('outside of RAM and ROM takes nothing; ROM takes it', () => {
    expect([client.ask('M200000,1:00'), client.ask('Mffff0,1:90'), client.ask('mffff0,1')]).toEqual(['E14', 'OK', '90']);
    client.ask('Mffff0,1:ea');
  });

  it('can be physical', () => {
    expect([client.ask('qqemu.PhyMemMode'), client.ask('Qqemu.PhyMemMode:1'), client.ask('qqemu.PhyMemMode')]).toEqual(['0', 'OK', '1']);
    expect([client.ask('M1000,1:5a'), client.ask('m1000,1'), client.ask('mffffffffffff0000,2')]).toEqual(['OK', '5a', 'ffff']);
    expect(client.ask('Qqemu.PhyMemMode:2')).toBe('E22');
  });
});

describe('running', () => {
  it('ends at a breakpoint of either kind, in the state debug; one outside of segment 0 is a plain trap', () => {
    introduced();
    expect(client.ask('Z1,fffffff0,1')).toBe('OK');
    client.ask('c');
    expect([client.run(), pc.cpus[0]?.pc]).toEqual([frame('T05thread:p01.01;'), 0xffff_fff0n]);
    client.ask('z1,fffffff0,1');
    expect(client.ask(`Z0,${INCREMENT.toString(16)},1`)).toBe('OK');
    expect(client.ask('vCont;c:p1.-1')).toBeUndefined();
    expect(client.run()).toBe(frame('T05thread:p01.01;'));
    expect([pc.runState, pc.cpus[0]?.pc]).toEqual(['debug', BigInt(INCREMENT)]);
  });

  it('goes on from a breakpoint that the client cannot see', () => {
    introduced();
    client.ask(`Z1,${INCREMENT.toString(16)},1`);
    for (const count of [0, 1, 2]) {
      client.ask('c');
      expect([client.run(), pc.readPhysical(0x500n, 1)[0]]).toEqual([frame('T05thread:p01.01;'), count]);
    }
  });

  it.each([
    ['Z0', 'swbreak:;'],
    ['Z1', 'hwbreak:;'],
  ])('tells a client that knows the word that %s ended it', (packet, reason) => {
    client.ask('P12=00000000');
    client.ask('M2000,6:ff060005ebfa');
    client.ask('P10=0020000000000000');
    client.ask(`${packet},2004,1`);
    client.ask('c');
    expect(client.run()).toBe(frame('T05thread:01;'));
    client.ask('qSupported:swbreak+;hwbreak+');
    expect(client.ask('?')).toBe(`T05thread:01;${reason}`);
  });

  it.each([
    ['Z2', 'watch'],
    ['Z3', 'rwatch'],
    ['Z4', 'awatch'],
  ])('ends behind an access to data of %s', (packet, word) => {
    introduced();
    client.ask(`${packet},500,2`);
    client.ask('c');
    expect([client.run(), pc.readPhysical(0x500n, 1)[0]]).toEqual([frame(`T05thread:p01.01;${word}:500;`), 1]);
    expect(client.ask(packet.replace('Z', 'z').concat(',500,2'))).toBe('OK');
    client.ask('c');
    expect(client.run(1000)).toBe('');
  });

  it('meets a breakpoint on a CPU that was plugged after it was set', () => {
    introduced();
    client.ask('M3000,2:90f4');
    client.ask('Z1,3000,1');
    client.ask('M500,2:0000');
    client.ask('vCont;c');
    pc.hotAddCpu(2);
    pc.board.cpus.list[2]?.sipi(3);
    expect(client.run()).toBe(frame('T05thread:p01.03;'));
    expect([client.ask('qC'), client.ask('p12')]).toEqual(['QCp01.03', '00030000']);
  });

  it('is ended by the interrupt byte and by others who stop the machine', () => {
    introduced();
    client.ask('c');
    pc.runFor(1000);
    expect([client.raw('\x03'), pc.runState]).toEqual([frame('T02thread:p01.01;'), 'paused']);
    client.ask('c');
    pc.stop();
    expect(client.take()).toBe(frame('T02thread:p01.01;'));
    expect(client.raw('\x03')).toBe('');
  });

  it('of one CPU alone holds the others', () => {
    introduced();
    client.ask('vCont;c:p1.2');
    let turns = 0;
    pc.runFor(1000, () => turns++ > 5);
    expect(client.raw('\x03')).toBe(frame('T02thread:p01.01;'));
    expect([client.ask('m500,2'), client.ask('vCont;c')]).toEqual(['0000', undefined]);
    pc.runFor(1000);
    client.raw('\x03');
    expect(client.ask('m500,1')).not.toBe('00');
  });

  it.each([
    'vCont;',
    'vCont;x',
    'vCont;c:p1.9',
    'vCont;c;s:p1.7',
    'vCont;t:p1.1',
    'vCont;r1:p1.1',
    'vCont;r1,2:p1.9',
    'vCont;c:zz',
    'cxyz',
    'sxyz',
  ])('%s is refused', (text) => {
    expect([client.ask(text), pc.runState === 'running']).toEqual(['E22', false]);
  });
});

describe('a step', () => {
  it('is one instruction of one CPU', () => {
    introduced();
    expect(client.ask('vCont;s:p1.1')).toBe('T05thread:p01.01;');
    expect([client.ask('p10'), pc.runState]).toEqual(['0000000000000000', 'debug']);
    for (const text of ['s', 'vCont;s:p1.1;c:p1.-1', 'S05']) expect(client.ask(text)).toBe('T05thread:p01.01;');
    expect([client.ask('p10'), client.ask('m500,1'), client.ask('p0')]).toEqual(['0800000000000000', '01', '0000000000000000']);
    expect(client.ask('sf000')).toBe('T05thread:p01.01;');
  });

  it('over a range ends where the range is left', () => {
    introduced();
    expect(client.ask('vCont?')).toBe('vCont;c;C;s;S;r');
    client.ask('s');
    expect(client.ask('vCont;r0,8:p1.1;c')).toBe('T05thread:p01.01;');
    expect([client.ask('p10'), client.ask('m500,1')]).toEqual(['0800000000000000', '01']);
  });

  it('over a range that is never left ends by itself, so that the client is heard', () => {
    introduced();
    client.ask('s');
    expect(client.ask('vCont;r0,a:p1.1')).toBe('T05thread:p01.01;');
    expect(client.ask('m500,2')).toBe('f301');
  });

  it('over a range ends at a breakpoint in it', () => {
    client.close();
    client = new Client({ description: 'i8086' });
    introduced();
    client.ask('s');
    client.ask('Z0,f0008,1');
    expect(client.ask('vCont;rf0000,f000a:p1.1')).toBe('T05thread:p01.01;swbreak:;');
    expect([client.ask('p8'), client.ask('m500,1')]).toEqual(['08000f00', '01']);
  });

  it('over an empty range is one step, and a CPU that halts does not stay in it', () => {
    introduced();
    client.ask('s');
    client.ask('vCont;r0,0:p1.1');
    expect(client.ask('p10')).toBe('0200000000000000');
    client.ask('P10=0006000000000000');
    expect([client.ask('vCont;r0,fff:p1.1'), client.ask('p10')]).toEqual(['T05thread:p01.01;', '0106000000000000']);
  });

  it('touches a watchpoint', () => {
    introduced();
    client.ask('Z2,501,1');
    const replies = ['s', 's', 's', 's'].map((text) => client.ask(text));
    expect(replies.at(-1)).toBe('T05thread:p01.01;watch:501;');
  });

  it('of a CPU that waits to be started does nothing', () => {
    introduced();
    expect([client.ask('vCont;s:p1.2'), client.ask('p10')]).toEqual(['T05thread:p01.02;', 'f0ff000000000000']);
  });

  it('lets time pass and interrupts in only when asked to', () => {
    const started = pc.board.clock.now();
    client.ask('s');
    expect([client.ask('qqemu.sstep'), pc.board.clock.now() - started]).toEqual(['0x7', 0]);
    expect([client.ask('Qqemu.sstep=1'), client.ask('qqemu.sstep'), client.ask('qqemu.sstepbits')]).toEqual([
      'OK',
      '0x1',
      'ENABLE=1,NOIRQ=2,NOTIMER=4',
    ]);
    client.ask('s');
    expect(pc.board.clock.now()).toBeGreaterThan(started);
    pc.board.cpus.list[0]?.nmi();
    client.ask('s');
    expect(client.ask('p12')).toBe('00000000');
    expect([client.ask('Qqemu.sstep=0x8'), client.ask('Qqemu.sstep=9'), client.ask('Qqemu.sstep=')]).toEqual(['E22', 'E22', 'E22']);
  });
});

describe('points', () => {
  it.each(['Z0', 'Z0,zz,1', 'Z0,11223344556677889,1', 'Z2,0,10001', 'Z0,1,1;X1,00', 'zq'])('%s is refused', (text) => {
    expect(client.ask(text)).toBe('E22');
  });

  it('are the same however often they are set, and there are at most 1024', () => {
    for (let number = 0; number < 1024; number++) expect(client.ask(`Z1,${(number + 0x1_0000).toString(16)},1`)).toBe('OK');
    expect([client.ask('Z1,1,1'), client.ask('z1,10000,1'), client.ask('z1,10000,1'), client.ask('Z1,1,1')]).toEqual([
      'E28',
      'OK',
      'OK',
      'OK',
    ]);
  });
});

describe('monitor commands', () => {
  const text = (lines: readonly string[]): string =>
    lines.map((line) => (line.startsWith('O') && line !== 'OK' ? Buffer.from(line.slice(1), 'hex').toString() : `<${line}>`)).join('');

  it('are run for the selected CPU', () => {
    expect(text(client.all(`qRcmd,${hexOfText('info version')}`))).toBe('test 1.0\r\n<OK>');
    client.ask('Hg2');
    expect(text(client.all(`qRcmd,${hexOfText('info cpus')}`))).toContain('* CPU #1');
    expect(text(client.all(`qRcmd,${hexOfText('bogus')}`))).toBe("unknown command: 'bogus'\r\n<OK>");
  });

  it('with much text come in pieces', () => {
    const lines = client.all(`qRcmd,${hexOfText('info mtree')}`);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.every((line) => line.length <= 0x1000)).toBe(true);
    expect(text(lines)).toContain('pc.bios');
  });

  it('are not supported without a monitor', () => {
    client.close();
    client = new Client({ humanMonitor: undefined } as never);
    expect([client.ask(`qRcmd,${hexOfText('info version')}`), client.ask('qRcmd,zz')]).toEqual(['', 'E22']);
  });
});

describe('a farewell', () => {
  it('by detach lets the machine run, without breakpoints', () => {
    client.ask(`Z1,${INCREMENT.toString(16)},1`);
    expect([client.ask('D;1'), pc.runState]).toEqual(['OK', 'running']);
    pc.runFor(10_000);
    client.close();
    expect(pc.runState).toBe('running');
  });

  it.each([
    ['pause', 'paused'],
    ['continue', 'running'],
  ] as const)('without a word leaves a machine that stands to the option %s, without breakpoints', (onDisconnect, state) => {
    client.close();
    pc.cont();
    client = new Client({ onDisconnect });
    client.ask(`Z1,${INCREMENT.toString(16)},1`);
    client.close();
    expect(pc.runState).toBe(state);
    pc.cont();
    pc.runFor(10_000);
    expect(pc.runState).toBe('running');
  });

  it('leaves a running machine running', () => {
    client.ask('c');
    client.close();
    pc.runFor(100);
    expect([pc.runState, client.raw('$?#3f')]).toEqual(['running', '']);
  });
});

describe('a machine that ends', () => {
  const fresh = (): { machine: Pc; client: { sent: string[]; ended: boolean; session: GdbSession } } => {
    const machine = new Pc({ cpus: 1, maxCpus: 1, topology: { cores: 1, threads: 1 }, ramBytes: 2 << 20, firmware: COUNTING });
    const found = { sent: [] as string[], ended: false, session: undefined as unknown as GdbSession };
    const sink = { write: (text: string) => void found.sent.push(text), end: () => void (found.ended = true) };
    found.session = new GdbServer({ machine }).connect(sink) as GdbSession;
    return { machine, client: found };
  };
  const send = (session: GdbSession, text: string): void => session.receive(Uint8Array.from(frame(text), (letter) => letter.charCodeAt(0)));

  it('tells a client that waits, and ends the connection', () => {
    const { machine, client: other } = fresh();
    send(other.session, 'qSupported:multiprocess+');
    send(other.session, 'c');
    machine.quit('host-signal');
    expect([other.sent.at(-1), other.ended]).toEqual([frame('W00;process:1'), true]);
  });

  it('is ended by kill', () => {
    const { machine, client: other } = fresh();
    send(other.session, 'k');
    expect([machine.runState, other.ended, other.sent]).toEqual(['shutdown', true, ['+']]);
  });

  it('by vKill answers first', () => {
    const { machine, client: other } = fresh();
    send(other.session, 'vKill;1');
    expect([machine.runState, other.ended, other.sent]).toEqual(['shutdown', true, ['+', frame('OK')]]);
  });
});

describe('noise', () => {
  it('of packets neither throws nor ends the session', () => {
    const word = fc.constantFrom(
      ...'?gGpPmMXZzcCsSTHDq'.split(''),
      'vCont;',
      'qSupported',
      'qXfer:features:read:',
      'qRcmd,',
      'Qqemu.sstep=',
      'H',
    );
    const tail = fc.string({ maxLength: 30, unit: fc.constantFrom(...'0123456789abcdef,:;=.-p#$}{*x'.split('')) });
    fc.assert(
      fc.property(fc.array(fc.tuple(word, tail), { maxLength: 20 }), (packets) => {
        for (const [start, rest] of packets) client.raw(frame(start + rest));
        client.raw('\x03');
        expect(client.ask('qAttached')).toBe('1');
      }),
      { numRuns: 60 },
    );
    expect(client.log.filter((line) => !/no-such|there is no CPU|machine runs/.test(line))).toEqual([]);
  });
});
