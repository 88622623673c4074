import { ManualClock } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { Container } from 'inversify';
import { AcpiPiix4 } from './acpi-piix4.js';
import { acpiPiix4Module } from './module.js';

describe('acpiPiix4Module', () => {
  it('binds one function per container, with its options', () => {
    const container = new Container();
    container.bind(VirtualClock).toConstantValue(new ManualClock());
    container.bind(Trace).toConstantValue(new Trace());
    container.load(acpiPiix4Module({ presentCpus: [0, 3] }));
    expect(container.get(AcpiPiix4)).toBe(container.get(AcpiPiix4));
    expect(container.get(AcpiPiix4).cpuHotplug.read(0, 1)).toBe(0x09);
  });
});
