import { existsSync, readFileSync } from 'node:fs';
import { describeWith } from '@hotsocket/testbench';
import { Guest } from './guest.js';
import { FIRMWARE, KERNELS, readImages } from './images.js';

const RECORDING = new URL('../../../../shared/transcripts/libvirt-9.0-qemu-7.2-start-and-setvcpus.txt', import.meta.url);
const images = await readImages([...KERNELS.cloud, FIRMWARE]);
const missing = images === undefined ? 'the guest images are neither cached nor to be had' : undefined;

/** From `setvcpus --live 3` to the end of `setvcpus --live 2`. */
function recordedLines(): string[] {
  const lines = readFileSync(RECORDING, 'utf8').split('\n');
  return lines.slice(lines.indexOf('# MARK setvcpus3'), lines.indexOf('# MARK setvcpu')).filter((line) => /^[CS][<>!] /.test(line));
}

/** Times, host threads, numbers of unattached devices and what a CPU calls its APIC vary. The order of members does not matter. */
function masked(line: string): unknown {
  const text = line.replace('/lapic"', '/apic"').replaceAll(/unattached\/device\[\d+\]/g, 'unattached/device[*]');
  return JSON.parse(text.replaceAll(/"thread-id": \d{3,}/g, '"thread-id": "*"'), (key, value: unknown) =>
    key === 'timestamp' ? '*' : value,
  );
}

/** The recorded program crashed before it deleted the CPU itself. */
const isDeletionOfCpu = (line: string): boolean => line.includes('"device": "vcpu2", "path"');

class Replay {
  readonly #guest: Guest;
  #heard: number;

  /** What has happened before does not count. */
  constructor(guest: Guest) {
    this.#guest = guest;
    this.#heard = guest.qmp.eventLines.length;
  }

  /** The next event; the guest runs until it comes. */
  async event(): Promise<string> {
    const { qmp } = this.#guest;
    for (let slices = 0; slices < 3000; slices++) {
      const line = qmp.eventLines[this.#heard];
      if (line !== undefined) this.#heard++;
      if (line !== undefined && !isDeletionOfCpu(line)) return line;
      if (line === undefined) this.#guest.run(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`no further event: ${this.#guest.describe()}`);
  }
}

describeWith(missing ?? (existsSync(RECORDING) ? undefined : 'the recording is not there'), 'virsh setvcpus --live', () => {
  it('over a Unix socket: every reply and every event of Linux is the recorded one, up to 3 CPUs and down to 2', async () => {
    const options = { kernel: 'cloud', acpi: 'machine', cpuHotplug: 'selector', cpuModel: 'qemu64' } as const;
    const guest = await Guest.boot(options);
    await guest.qmp.execute('query-status');
    const replay = new Replay(guest);
    let [request, compared] = ['', 0];
    for (const line of recordedLines()) {
      const text = line.slice(3);
      if (line.startsWith('C> ')) {
        request = text;
        continue;
      }
      const ours = line.startsWith('S< ') ? await guest.qmp.request(request) : await replay.event();
      expect({ request, answer: masked(ours) }).toEqual({ request, answer: masked(text) });
      compared++;
    }
    expect([compared, guest.pc.cpus.length]).toEqual([12, 2]);
    await guest.dispose();
  }, 300_000);
});
