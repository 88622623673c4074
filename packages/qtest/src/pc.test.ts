import { Pc } from '@hotsocket/machine-pc';
import { PcQtestTarget } from './pc.js';
import { QtestSession } from './session.js';

const HALT_LOOP = new Uint8Array(0x1_0000).fill(0xf4);

function connect(): { readonly pc: Pc; readonly ask: (...commands: string[]) => string[] } {
  const pc = new Pc({ cpus: 1, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 16 << 20, firmware: HALT_LOOP });
  let lines: string[] = [];
  const session = new QtestSession(new PcQtestTarget(pc), (text) => lines.push(text.slice(0, -1)));
  const ask = (...commands: string[]): string[] => {
    lines = [];
    session.receive(commands.map((command) => `${command}\n`).join(''));
    return lines;
  };
  return { pc, ask };
}

describe('a PC behind qtest', () => {
  it('answers port accesses of every width', () => {
    const { ask } = connect();
    expect(ask('outb 0x70 0x5f', 'inb 0x71', 'inw 0xaf00', 'inl 0xcf8')).toEqual(['OK', 'OK 0x0000', 'OK 0x0001', 'OK 0x0000']);
  });

  it('reads ROM, RAM and registers in one range, registers in whole dwords', () => {
    const { ask } = connect();
    const answers = ask(
      'write 0xfffffe 0x2 0x1234',
      'read 0xfffffe 0x4',
      'writel 0xfec00000 1',
      'read 0xfec00010 0x4',
      'read 0xfffffff0 0x2',
    );
    expect(answers).toEqual(['OK', 'OK 0x1234ffff', 'OK', 'OK 0x11001700', 'OK 0xf4f4']);
  });

  it('executes nothing: only commands move its time', () => {
    const { pc, ask } = connect();
    expect([ask('clock_step 1000000000', 'clock_set 1000000500'), pc.instructions, pc.runState]).toEqual([
      ['OK 1000000000', 'OK 1000000500'],
      0,
      'prelaunch',
    ]);
  });

  it('a hot-added CPU raises interrupt 9 once the guest enables its GPE', () => {
    const { pc, ask } = connect();
    ask('irq_intercept_in ioapic');
    pc.hotAddCpu(2);
    expect(ask('inb 0xaf00', 'inb 0xafe0', 'outb 0xafe2 4', 'outb 0xafe0 4')).toEqual([
      'OK 0x0005',
      'OK 0x0004',
      'IRQ raise 9',
      'OK',
      'IRQ lower 9',
      'OK',
    ]);
  });

  it('the timer is interrupt 0 at the I/O APIC, as the board counts, though it stands at pin 2', () => {
    const { ask } = connect();
    expect(ask('irq_intercept_in ioapic', 'clock_step 30000000', 'clock_step 30000000')).toEqual([
      'OK',
      'IRQ lower 0',
      'OK 30000000',
      'IRQ raise 0',
      'OK 60000000',
    ]);
  });

  it('outputs of a device are counted from 0', () => {
    const { ask } = connect();
    const commands = ['irq_intercept_out mc146818rtc', 'outb 0x70 0x0b', 'outb 0x71 0x12', 'clock_step 1000000000'];
    expect(ask(...commands).slice(3)).toEqual(['IRQ raise 0', 'OK 1000000000']);
  });

  it('set_irq_in drives a pin of the interrupt controller', () => {
    const { pc, ask } = connect();
    ask('outb 0x20 0x11', 'outb 0x21 8', 'outb 0x21 4', 'outb 0x21 1', 'outb 0x21 0', 'outb 0x20 0x0a');
    expect([ask('set_irq_in isa-i8259 unnamed-gpio-in 3 1', 'inb 0x20'), pc.board.pic.intr.high]).toEqual([['OK', 'OK 0x0008'], true]);
  });

  it.each(['nosuch', '/machine/nosuch', 'mc146818rtc'])('there is no input 99 of %s', (path) => {
    expect(connect().ask(`set_irq_in ${path} unnamed-gpio-in 99 1`)).toEqual(['FAIL Unknown device']);
  });

  it('a reset that the guest asks for takes place before the next command', () => {
    const { ask } = connect();
    expect(ask('outb 0xcf9 2', 'outb 0xcf9 6', 'inb 0xafe2', 'inb 0x64')).toHaveLength(4);
    expect(ask('outb 0xafe2 4', 'outb 0x64 0xfe', 'inb 0xafe2')).toEqual(['OK', 'OK', 'OK 0x0000']);
  });
});
