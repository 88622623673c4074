import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { ManualClock, PinRecorder } from '@hotsocket/testbench';
import { RtcCmos } from './rtc-cmos.js';
import { C } from './spec.js';
import { TIME_REGISTERS } from './time-registers.js';

/** Commands and answers of a test program that drove another implementation. */
const RECORDING = join(dirname(fileURLToPath(import.meta.url)), '../../../../shared/transcripts/qtest/rtc-test.txt.gz');
const RECORDED_AT = Date.UTC(2026, 10, 23, 2, 22, 39);
/** From here on the program writes random bytes, dates that do not exist among them: what they mean, and with it the second's start, is undefined. */
const RANDOM_FROM_NS = 615_000_122_070;

interface Command {
  readonly name: string;
  readonly port: number;
  readonly value: number;
  readonly answer: number;
  /** Levels that interrupt 8 took before the answer. */
  readonly levels: readonly boolean[];
}

const commandsOf = (log: string): Command[] => log.split(/^> /m).slice(1).map(commandOf);

function commandOf(exchange: string): Command {
  const [command = '', ...lines] = exchange.split('\n');
  const [name = '', port, value] = command.split(' ');
  const interrupts = lines.filter((line) => /^< IRQ \w+ 8$/.test(line));
  const answer = lines.find((line) => line.startsWith('< OK'))?.slice(5);
  const levels = interrupts.map((line) => line.includes('raise'));
  return { name, port: Number(port), value: Number(value), answer: Number(answer), levels };
}

/** Does what the command says; returns what the device answered in place of the recorded answer. */
function run(rtc: RtcCmos, clock: ManualClock, { name, port, value, answer }: Command): number {
  const mine = (port & ~1) === 0x70;
  if (name === 'clock_step') clock.advanceTo(answer);
  else if (name === 'outb' && mine) rtc.io.write(port - 0x70, 1, value);
  return name === 'inb' && mine ? rtc.io.read(port - 0x70, 1) : answer;
}

/** The same commands with the device's answers, and the recorded ones with what is undefined replaced by the device's. */
function replay(commands: readonly Command[]): { device: Command[]; expected: Command[] } {
  const clock = new ManualClock();
  const rtc = new RtcCmos({ clock }, { startDate: RECORDED_AT });
  const irq = new PinRecorder(rtc.irq);
  let index = 0;
  const pairs = commands.map((command) => {
    irq.clear();
    if (command.name === 'outb' && command.port === 0x70) index = command.value;
    const answer = run(rtc, clock, command);
    const defined = clock.now() < RANDOM_FROM_NS ? 0xff : definedBits(index);
    const expected = (command.answer & defined) | (answer & ~defined);
    return [
      { ...command, answer, levels: [...irq.levels] },
      { ...command, answer: command.name === 'inb' ? expected : command.answer },
    ] as const;
  });
  return { device: pairs.map(([device]) => device), expected: pairs.map(([, expected]) => expected) };
}

const definedBits = (index: number): number => (TIME_REGISTERS.has(index) ? 0 : index === C.offset ? ~C.UF.mask : 0xff);

describe('RtcCmos beside a recording of another implementation', () => {
  if (!existsSync(RECORDING)) {
    console.warn(`NOT COMPARED: ${RECORDING} is absent`);
    it.todo('answers every command as recorded');
    return;
  }
  const commands = commandsOf(gunzipSync(readFileSync(RECORDING)).toString());

  it('finds the commands and the interrupts in the log', () => {
    expect(commands.length).toBe(10_187);
    expect(commands.flatMap(({ levels }) => levels).length).toBeGreaterThan(100);
  });

  it('answers every command as recorded, with interrupts at the same nanosecond', () => {
    const { device, expected } = replay(commands);
    expect(device).toEqual(expected);
  });
});
