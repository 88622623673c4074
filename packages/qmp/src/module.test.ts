import type { MachineControl } from '@hotsocket/machine/control';
import { Container, type ServiceIdentifier } from 'inversify';
import { QmpServerToken, qmpModule } from './module.js';
import { FakeMachine } from './testing/fake-machine.js';

describe('qmpModule', () => {
  it('binds one server to the machine of the container', () => {
    const MachineToken: ServiceIdentifier<MachineControl> = Symbol('machine');
    const container = new Container();
    const machine = new FakeMachine();
    container.bind(MachineToken).toConstantValue(machine);
    container.load(qmpModule(MachineToken, { dialect: '3.1' }));
    const server = container.get(QmpServerToken);
    expect(container.get(QmpServerToken)).toBe(server);
    const written: string[] = [];
    const session = server.connect({ write: (text) => written.push(text), pendingBytes: 0, end: () => {} });
    session.receive(new TextEncoder().encode('{"execute":"qmp_capabilities"}{"execute":"stop"}'));
    expect(written[0]).toContain('"major": 3');
    expect(machine.runState).toBe('paused');
  });
});
