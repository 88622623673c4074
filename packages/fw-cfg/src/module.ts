import { MemorySpace } from '@hotsocket/address-space';
import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { FwCfg, type FwCfgOptions } from './fw-cfg.js';

/** Binds `FwCfg`, one per container; the container must bind `MemorySpace` and `Trace`. */
export const fwCfgModule = (options: FwCfgOptions = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(FwCfg)
      .toResolvedValue((mem: MemorySpace, trace: Trace) => new FwCfg({ mem, trace }, options), [MemorySpace, Trace])
      .inSingletonScope();
  });
