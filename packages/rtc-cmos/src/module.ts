import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { ContainerModule } from 'inversify';
import { RtcCmos, type RtcCmosOptions } from './rtc-cmos.js';

/** Binds `RtcCmos`, one per container; the container must bind `VirtualClock` and `Trace`. */
export const rtcCmosModule = (options: RtcCmosOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(RtcCmos)
      .toResolvedValue((clock: VirtualClock, trace: Trace) => new RtcCmos({ clock, trace }, options), [VirtualClock, Trace])
      .inSingletonScope();
  });
