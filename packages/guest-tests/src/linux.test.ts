import { SCI_TO_BITMAP, START_BY_BOOT_CPU, START_OF_NEW_CPU } from './golden.js';
import { Guest } from './guest.js';
import { FIRMWARE, KERNELS, readImages } from './images.js';
import { apicIds, bringOnline, checkLog, cpuList, plug } from './linux.js';
import { WireLog } from './wire-log.js';

const BOOT_MS = 90_000;
const images = await readImages([...KERNELS.cloud, FIRMWARE]);
if (images === undefined) console.warn('SKIPPED: Linux was not booted, because its images are neither cached nor to be had');
const withImages = images === undefined ? describe.skip : describe;

const BITMAP = / in af[01][0-9a-f] /;
/** Interrupts of the timer and of the serial port come when they come. */
const NO_TIMER = /^(?!cpu\d+ (vector|eoi) (ec|25))/;

withImages.each(['firmware', 'machine'] as const)('Linux 6.1 with the ACPI tables of the %s', (acpi) => {
  let guest: Guest;
  beforeAll(async () => {
    guest = await Guest.boot({ kernel: 'cloud', acpi });
  }, BOOT_MS);
  afterAll(() => guest?.dispose());

  it('boots to a shell with one CPU of four', () => {
    expect([cpuList(guest, 'online'), cpuList(guest, 'present'), cpuList(guest, 'possible')]).toEqual([[0], [0], [0, 1, 2, 3]]);
  });

  it('cpu-add over a Unix socket raises the SCI, and the kernel reads the bitmap', async () => {
    const wire = new WireLog(guest.pc);
    await guest.cpuAdd(1);
    guest.expect(/CPU1 has been hot-added/);
    wire.stop();
    const seen = wire.lines(NO_TIMER);
    if (acpi === 'firmware') expect(seen).toEqual(SCI_TO_BITMAP);
    else expect(new Set(seen.filter((line) => BITMAP.test(line)))).toEqual(new Set(SCI_TO_BITMAP.filter((line) => BITMAP.test(line))));
    expect(cpuList(guest, 'present')).toEqual([0, 1]);
    expect(cpuList(guest, 'online')).toEqual([0]);
  });

  it('bringing the CPU online sends INIT and SIPI twice, and its APIC is as after power-on', () => {
    const wire = new WireLog(guest.pc);
    bringOnline(guest, 1);
    wire.stop();
    const ofBootCpu = wire.lines(/^cpu0 (out|wr|rd)/).slice(0, START_BY_BOOT_CPU.length);
    const ofNewCpu = wire.lines(/^cpu1 (out|wr|rd)/).slice(0, START_OF_NEW_CPU.length);
    expect({ ofBootCpu, ofNewCpu }).toEqual({ ofBootCpu: START_BY_BOOT_CPU, ofNewCpu: START_OF_NEW_CPU });
  });

  it(
    'takes two more CPUs out of order, and runs processes on them',
    async () => {
      for (const [at, index] of [3, 2].entries()) {
        await plug(guest, index);
        bringOnline(guest, at + 2);
      }
      expect([cpuList(guest, 'online'), apicIds(guest)]).toEqual([
        [0, 1, 2, 3],
        [0, 1, 3, 2],
      ]);
    },
    BOOT_MS,
  );

  it('has nothing to complain about', () => checkLog(guest));
});
