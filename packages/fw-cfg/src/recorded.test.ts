import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { IoSpace, MemorySpace } from '@hotsocket/address-space';
import { FwCfg, FwCfgKey, le16, le32, le64 } from './index.js';

// A recording of QEMU 7.2.22 under its own fw_cfg test: port commands and answers, one session after the other.
const RECORDING = new URL('../../../../shared/transcripts/qtest/fw_cfg-test.txt.gz', import.meta.url);
const recorded = existsSync(RECORDING);
if (!recorded) console.warn(`SKIPPED: no recording at ${RECORDING.pathname}`);

interface Exchange {
  readonly command: string;
  readonly answer: string;
}

const lines = (session: number): string[] =>
  gunzipSync(readFileSync(RECORDING)).toString('latin1').split('- OPENED\n')[session + 1]!.split('- CLOSED')[0]!.split('\n');

function exchanges(session: number): Exchange[] {
  const text = lines(session).filter((line) => /^[<>] /.test(line) && !/endianness|little/.test(line));
  return text.flatMap((line, at) => (at % 2 === 0 ? [{ command: line.slice(2), answer: text[at + 1]!.slice(2) }] : []));
}

function replay(fwCfg: FwCfg, recording: readonly Exchange[]): Exchange[] {
  const io = new IoSpace();
  io.map(0x510, fwCfg.io);
  return recording.map(({ command }) => {
    const [verb, port, value] = command.split(' ');
    if (verb === 'inb') return { command, answer: `OK 0x${io.read(Number(port), 1).toString(16).padStart(4, '0')}` };
    io.write(Number(port), 2, Number(value));
    return { command, answer: 'OK' };
  });
}

/** The files a recorded directory names, with their sizes, last first. */
function recordedFiles(session: number): { name: string; size: number }[] {
  const bytes = Uint8Array.from(
    exchanges(session).filter(({ command }) => command.startsWith('inb')),
    ({ answer }) => Number(answer.slice(3)),
  );
  const entries = Array.from({ length: bytes[3]! }, (_, index) => Buffer.from(bytes.subarray(8 + 64 * index, 72 + 64 * index)));
  return entries.map((entry) => ({ name: entry.toString('latin1', 8).replace(/\0.*/s, ''), size: entry.readUInt32BE(0) })).reverse();
}

const made = (): FwCfg => {
  const fwCfg = new FwCfg({ mem: new MemorySpace() });
  fwCfg.setItem(FwCfgKey.UUID, Buffer.from('4600cb3238ec4b2f8acb81c6ea54f2d8', 'hex'));
  fwCfg.setItem(FwCfgKey.RAM_SIZE, le64(128 << 20));
  fwCfg.setItem(FwCfgKey.NOGRAPHIC, le16(0));
  fwCfg.setItem(FwCfgKey.NB_CPUS, le16(1));
  fwCfg.setItem(FwCfgKey.MAX_CPUS, le16(1));
  fwCfg.setItem(FwCfgKey.NUMA, new Uint8Array(16));
  fwCfg.setItem(FwCfgKey.BOOT_MENU, le16(0));
  return fwCfg;
};

(recorded ? describe : describe.skip)('recorded sessions', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('session %p: every answer of an item is that of QEMU 7.2', (session) => {
    const recording = exchanges(session);
    expect(recording.length).toBeGreaterThanOrEqual(3);
    expect(replay(made(), recording)).toEqual(recording);
  });

  it.each([
    [9, 'etc/boot-fail-wait', le32(15)],
    [10, 'etc/boot-fail-wait', le32(0xffff_ffff)],
    [11, 'etc/boot-menu-wait', le16(12)],
  ])('session %p: the directory and the file %p are those of QEMU 7.2', (session, name, content) => {
    const fwCfg = made();
    for (const file of recordedFiles(session)) fwCfg.addFile(file.name, file.name === name ? content : new Uint8Array(file.size));
    const recording = exchanges(session);
    expect(recording.length).toBeGreaterThan(700);
    expect(replay(fwCfg, recording)).toEqual(recording);
  });
});
