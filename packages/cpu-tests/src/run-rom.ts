import { Pc } from '@hotsocket/machine-pc';

/** What a test ROM said, and the exit status it asked for; undefined when it did not end. */
export interface RomRun {
  readonly output: string;
  readonly status: number | undefined;
}

const MiB = 1 << 20;
const EXIT_PORT = 0xf4;
/** Several times what the longest ROM needs. */
const INSTRUCTIONS = 20_000_000;

/** Runs firmware that prints to port E9h and ends by the debug exit device at F4h, on the machine with every feature the CPU has. */
export function runRom(firmware: Uint8Array, cpuModel = 'max'): RomRun {
  const debugExit = { iobase: EXIT_PORT, iosize: 4 };
  const pc = new Pc({ cpus: 1, maxCpus: 1, topology: { cores: 1, threads: 1 }, ramBytes: 64 * MiB, firmware, cpuModel, debugExit });
  let output = '';
  let ended = false;
  let status: number | undefined;
  pc.noReboot = true;
  pc.board.e9Console.written = (byte) => {
    output += String.fromCharCode(byte);
  };
  pc.ended = (_reason, code) => {
    ended = true;
    status = code;
  };
  pc.cont();
  pc.runFor(INSTRUCTIONS, () => ended);
  pc.stop();
  return { output, status };
}

/** Lines by the name before their colon (numbered where one name comes twice), without blanks at their ends. */
export function linesByName(output: string): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of output.split('\n').filter((text) => text !== '')) {
    const [name] = /^(?:[^:]*:(?= )|(?:far|idt) type ..|[^:]*)/.exec(line) ?? [line];
    let key = name.replace(/:$/, '');
    for (let n = 2; lines.has(key); n++) key = `${name.replace(/:$/, '')} (${n})`;
    lines.set(key, line.slice(name.length).trim());
  }
  return lines;
}
