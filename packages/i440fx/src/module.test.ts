import { IoSpace, MemorySpace } from '@hotsocket/address-space';
import { PciBus } from '@hotsocket/pci-bus';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { I440fx } from './index.js';
import { i440fxModule } from './module.js';

it('the module makes one host bridge with its options', () => {
  const container = new Container();
  container.bind(PciBus).toConstantValue(new PciBus({ io: new IoSpace(), mem: new MemorySpace() }));
  container.bind(Trace).toConstantValue(new Trace());
  container.load(i440fxModule({ ramBytes: 64 << 20 }));
  const host = container.get(I440fx);
  expect([host.pci.configRead(0x57, 1), container.get(I440fx) === host]).toEqual([8, true]);
});
