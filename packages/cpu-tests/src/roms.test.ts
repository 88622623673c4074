import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pc } from '@hotsocket/machine-pc';
import { describeWith } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import {
  DIFFERENCES,
  differencesPage,
  isaPage,
  linesByName,
  ROM_NAMES,
  type RomName,
  runRom,
  testRom,
  type VectorCounts,
} from './index.js';

const pathTo = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const expected = (name: RomName): string => readFileSync(pathTo(`../expected/${name}.txt`), 'latin1');
/** The debug exit device turns 10h into this. */
const EXIT_STATUS = 0x21;

describe.each([...ROM_NAMES])('the test ROM "%s"', (name: RomName) => {
  it('is what its source assembles to', () => {
    const script = pathTo('../../../tools/images/assemble.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, '--check', `${name.toUpperCase()}_ROM`], { encoding: 'utf8' });
    if (status === 3) console.warn(`NOT CHECKED against guest/${name}.asm: NASM is not installed`);
    expect({ status: status === 3 ? 0 : status, stderr: status === 3 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('finds what the manual says', () => {
    const { output, status } = runRom(testRom(name));
    expect(output.split('\n')).toEqual(expected(name).split('\n'));
    expect(status).toBe(EXIT_STATUS);
  }, 60_000);
});

describe('opcodes that are not implemented', () => {
  it('raise #UD and a trace point with the bytes', () => {
    // UD0 at the reset vector
    const firmware = new Uint8Array(0x1_0000);
    firmware.set([0x0f, 0xff, 0xc0, 0xf4], 0xfff0);
    const trace = new Trace();
    const seen: unknown[] = [];
    trace.listen(({ name, values }) => seen.push([name, ...values]));
    trace.enable('cpu_undefined_opcode');
    const pc = new Pc({ cpus: 1, maxCpus: 1, topology: { cores: 1, threads: 1 }, ramBytes: 1 << 20, firmware, trace });
    pc.cont();
    pc.runFor(1);
    expect(seen[0]).toEqual(['cpu_undefined_opcode', 0, 0, 0xffff_fff0, 0xf4c0_ff0f]);
  });
});

const QEMU = 'qemu-system-x86_64';
const hasQemu = spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout?.includes('version 7.2') === true;

describeWith(hasQemu ? undefined : `${QEMU} 7.2 is not installed`, 'the test ROMs on QEMU', () => {
  it.each(ROM_NAMES)(
    '"%s" differs only where recorded',
    (name) => {
      const theirs = linesByName(onQemu(QEMU, name));
      const differing = [...linesByName(expected(name))].filter(([line, text]) => theirs.get(line) !== text).map(([line]) => line);
      const recorded = DIFFERENCES.filter(({ rom }) => rom === name).flatMap(({ lines }) => lines);
      expect(differing.sort()).toEqual([...recorded].sort());
    },
    60_000,
  );
});

/** Output of a ROM on QEMU, which may hang or stop in the last case of it. */
function onQemu(command: string, name: RomName): string {
  const folder = mkdtempSync(join(tmpdir(), 'cpu-tests-'));
  const [rom, log] = [join(folder, 'rom.bin'), join(folder, 'log')];
  try {
    writeFileSync(rom, testRom(name));
    writeFileSync(log, '');
    const machine = ['-M', 'pc,accel=tcg', '-cpu', 'max', '-m', '64', '-nodefaults', '-display', 'none', '-no-reboot', '-bios', rom];
    const ports = ['-debugcon', `file:${log}`, '-global', 'isa-debugcon.iobase=0xe9', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'];
    spawnSync(command, [...machine, ...ports], { timeout: 6000, killSignal: 'SIGKILL' });
    return readFileSync(log, 'latin1');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('docs/decisions/cpu-differences.md', () => {
  it('is what the list of differences gives', () => {
    expect(readFileSync(pathTo('../../../docs/decisions/cpu-differences.md'), 'utf8')).toBe(differencesPage());
  });
});

describe('docs/isa-coverage.md', () => {
  it('is what the rows, their semantics and the counts of vectors give', () => {
    const counts = JSON.parse(readFileSync(pathTo('../../../tools/isa/vector-counts.json'), 'utf8')) as VectorCounts;
    expect(readFileSync(pathTo('../../../docs/isa-coverage.md'), 'utf8')).toBe(isaPage(counts));
  });
});
