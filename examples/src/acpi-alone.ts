/** The ACPI model without a machine: plug a CPU, see the SCI, read the ports as an operating system would. */
import { AcpiPiix4 } from '@hotsocket/acpi-piix4';
import { IrqPin } from '@hotsocket/irq-line';
import { ManualClock } from '@hotsocket/virtual-clock';

/** Adds the CPU with an APIC id of 1 and gives what a guest sees, line by line. */
export function acpiAlone(): string[] {
  const seen: string[] = [];
  const pm = new AcpiPiix4({ clock: new ManualClock() }, { presentCpus: [0] });
  pm.sci.connect(new IrqPin('irq 9', (high) => seen.push(`SCI ${high ? 'high' : 'low'}`)));
  pm.noticed$.subscribe(({ apicId }) => seen.push(`CPU ${apicId} noticed`));
  pm.gpe0.write(2, 1, 0x04); // the guest enables event 2
  pm.cpuAdded({ apicId: 1, present: 2 });
  seen.push(`GPE0_STS ${pm.gpe0.read(0, 1)}`);
  pm.gpe0.write(0, 1, 0x04); // it clears the event
  seen.push(`bitmap ${pm.cpuHotplug.read(0, 1).toString(2)}`);
  return seen;
}
