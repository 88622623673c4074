import { ControlError, type MachineEvent } from './control.js';
import { EmptyMachine } from './empty-machine.js';

describe('the machine type none', () => {
  const made = (): { machine: EmptyMachine; heard: string[] } => {
    const machine = new EmptyMachine({ name: 'nothing', types: [{ name: 'device', abstract: true }] });
    const heard: string[] = [];
    machine.events$.subscribe(({ name }: MachineEvent) => heard.push(name));
    machine.ended = (reason) => heard.push(`ended ${reason}`);
    return { machine, heard };
  };

  it('runs, stops, is reset and ends like any machine', () => {
    const { machine, heard } = made();
    for (const act of ['stop', 'cont', 'cont', 'stop', 'powerdown', 'wakeup', 'nmi'] as const) machine[act]();
    machine.reset('host-qmp-system-reset');
    machine.quit('host-qmp-quit');
    machine.quit('host-signal');
    expect(heard).toEqual(['RESUME', 'STOP', 'POWERDOWN', 'RESET', 'SHUTDOWN', 'ended host-qmp-quit']);
    expect(machine.runState).toBe('shutdown');
    expect(() => machine.cont()).toThrow(ControlError);
  });

  it('has nothing in it', () => {
    const { machine } = made();
    expect([machine.cpus, machine.cpuSlots, machine.readPort(0x60, 2), machine.readPhysical(0n, 2)]).toEqual([
      [],
      [],
      0xffff,
      Uint8Array.of(0xff, 0xff),
    ]);
    expect(() => machine.registers(0)).toThrow('there is no CPU 0');
    expect(() => machine.readVirtual(1)).toThrow('there is no CPU 1');
    expect([machine.infoText(), machine.name, machine.uuid]).toEqual([undefined, 'nothing', '00000000-0000-0000-0000-000000000000']);
  });

  it('shows itself in the object tree, with the types of the program', () => {
    const { qom } = made().machine;
    expect(qom.types()).toEqual([{ name: 'device', abstract: true }]);
    expect(
      qom
        .resolve('/')
        ?.list()
        .map(({ name }) => name),
    ).toEqual(['type', 'machine']);
    expect([qom.resolve('/machine')?.get('type'), qom.resolve('/machine')?.get('x'), qom.resolve('/x')]).toEqual([
      'none-machine',
      undefined,
      undefined,
    ]);
    expect(() => qom.resolve('/machine')?.set('type', 'x')).toThrow(ControlError);
  });
});
