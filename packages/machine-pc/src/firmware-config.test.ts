import { ACPI_FILES } from '@hotsocket/acpi-tables';
import { Pc } from './pc.js';

const HALTED = new Uint8Array(0x1_0000).fill(0xf4);
const [FW_CFG_SELECT, FW_CFG_DATA] = [0x510, 0x511];
const [PCI_ADDRESS, PCI_DATA] = [0xcf8, 0xcfc];
const PMBA_OF_FUNCTION_3 = 0x8000_0b40;
const CPU_HOTPLUG = 0xaf00;

const pcWith = (): Pc =>
  new Pc({ cpus: 1, maxCpus: 2, topology: { cores: 1, threads: 1 }, ramBytes: 4 << 20, firmware: HALTED, acpi: 'machine' });

/** The ACPI tables as firmware reads them. */
function tables(pc: Pc): Buffer {
  const file = pc.board.fwCfg.fileKey(ACPI_FILES.tables)!;
  pc.writePort(FW_CFG_SELECT, 2, file);
  return Buffer.from(Array.from({ length: 0x2000 }, () => pc.readPort(FW_CFG_DATA, 1)));
}

/** Port of the ACPI timer, from the FADT (ACPI 5.2.9). */
const timerPort = (read: Buffer): number => read.readUInt32LE(read.indexOf('FACP') + 76);

describe('the ACPI tables of the machine', () => {
  it('name the PM block where SeaBIOS will put it, or where firmware has put it', () => {
    const pc = pcWith();
    expect(timerPort(tables(pc))).toBe(0x608);
    pc.writePort(PCI_ADDRESS, 4, PMBA_OF_FUNCTION_3);
    pc.writePort(PCI_DATA, 4, 0xb001);
    expect(timerPort(tables(pc))).toBe(0xb008);
  });

  it('use the selector registers once firmware has switched to them', () => {
    const pc = pcWith();
    const methods = (): boolean[] => ['CPUS', 'PRSC'].map((name) => tables(pc).includes(name));
    const before = methods();
    pc.writePort(CPU_HOTPLUG, 4, 0);
    expect([before, methods()]).toEqual([
      [false, true],
      [true, false],
    ]);
  });
});
