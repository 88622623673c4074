import { ManualClock } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { Container } from 'inversify';
import { rtcCmosModule } from './module.js';
import { RtcCmos } from './rtc-cmos.js';

describe('rtcCmosModule', () => {
  it('binds one clock per container', () => {
    const container = new Container();
    container.bind(VirtualClock).toConstantValue(new ManualClock());
    container.bind(Trace).toConstantValue(new Trace());
    container.load(rtcCmosModule({ startDate: 0 }));
    expect(container.get(RtcCmos)).toBeInstanceOf(RtcCmos);
    expect(container.get(RtcCmos)).toBe(container.get(RtcCmos));
  });
});
