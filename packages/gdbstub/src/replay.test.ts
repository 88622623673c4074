import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Pc } from '@hotsocket/machine-pc';
import { Monitor } from '@hotsocket/monitor';
import { describeWith } from '@hotsocket/testbench';
import { type GdbInput, PacketReader } from './packets.js';
import { GdbServer } from './server.js';
import type { GdbSession } from './session.js';

const RECORDING = fileURLToPath(new URL('../../../../shared/transcripts/qemu-7.2-gdb-wire.txt', import.meta.url));

const bytes = (text: string): Uint8Array => Uint8Array.from(text.replaceAll('\\n', '\n'), (letter) => letter.charCodeAt(0));

function packets(text: string): string[] {
  const inputs: GdbInput[] = [];
  new PacketReader((input) => inputs.push(input)).feed(bytes(text));
  return inputs.flatMap((input) => (input.kind === 'packet' ? [input.text] : []));
}

/** What gdb asked up to its first `continue`, with the answers that it got. */
function exchanges(): { request: string; answers: string[] }[] {
  const found: { request: string; answers: string[] }[] = [];
  for (const line of readFileSync(RECORDING, 'utf8').split('\n')) {
    if (line.startsWith('C> ')) for (const request of packets(line.slice(3))) found.push({ request, answers: [] });
    else if (line.startsWith('S< ')) found.at(-1)?.answers.push(...packets(line.slice(3)));
  }
  const end = found.findIndex(({ request }) => request.startsWith('vCont;'));
  return found.slice(0, end);
}

/** The recorded program sent T02 by itself when it stopped for its client. Values and texts are of another machine: form is compared. */
const FORM_ONLY = /^(g|m|qXfer|qSupported|qRcmd|qThreadExtraInfo)/;

/** An action that we offer and the recorded program did not. */
const RANGE_STEPPING = /;r$/;

function form(request: string, answer: string): unknown {
  if (request === 'vCont?') return answer.replace(RANGE_STEPPING, '');
  if (!FORM_ONLY.test(request)) return answer;
  if (request === 'g') return answer.length;
  if (request.startsWith('m')) return /^[0-9a-f]+$|^E14$/.test(answer);
  return answer === '' ? 'nothing' : 'something';
}

const missing = existsSync(RECORDING) ? undefined : `${RECORDING} does not exist`;

describeWith(missing, 'a recorded session of gdb 13', () => {
  it('gets the answers that it got, up to its first continue', () => {
    const firmware = new Uint8Array(0x1_0000).fill(0xf4);
    const pc = new Pc({ cpus: 1, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 2 << 20, firmware });
    let written = '';
    const server = new GdbServer({ machine: pc, humanMonitor: new Monitor({ machine: pc }) });
    const session = server.connect({ write: (text) => (written += text), end: () => {} }) as GdbSession;
    let compared = 0;
    for (const { request, answers } of exchanges()) {
      if (/^qXfer:features:read:i386/.test(request)) continue;
      written = '';
      session.receive(
        bytes(
          `$${request}#${[...bytes(request)]
            .reduce((sum, byte) => (sum + byte) & 0xff, 0)
            .toString(16)
            .padStart(2, '0')}`,
        ),
      );
      const got = packets(written).filter((text) => !text.startsWith('O') || text === 'OK');
      const expected = answers.filter((text) => !/^O(?!K$)|^T02/.test(text));
      expect({ request, answers: got.map((text) => form(request, text)) }).toEqual({
        request,
        answers: expected.map((text) => form(request, text)),
      });
      compared++;
    }
    pc.quit('none');
    expect(compared).toBeGreaterThan(40);
  });
});
