/** The PC with its clock swapped for one's own: a container module binds another part to the clock's token. */
import { mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import { RtcCmos, type TimeSet } from '@hotsocket/rtc-cmos';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { ContainerModule, type ServiceIdentifier } from 'inversify';
import { EMPTY, type Observable } from 'rxjs';

/** What the board wants of its clock: all that is public. */
type Rtc = Pick<RtcCmos, keyof RtcCmos>;

const KIND = 'stopped-clock';
const CPU_COUNT = 0x5f;
const SHUTDOWN_STATUS = 0x0f;
const RESUME = 0xfe;
/** Seconds, minutes, hours, weekday, day, month, year in BCD; registers A to D: 24 hours, BCD, valid. */
const HIGH_NOON = { 0: 0x00, 2: 0x00, 4: 0x12, 6: 0x01, 7: 0x01, 8: 0x01, 9: 0x00, 10: 0x26, 11: 0x02, 13: 0x80, 50: 0x20 };

/** A clock on which it is always noon of the first of January 2000, with the CMOS RAM that the board and its firmware need. */
export class StoppedClock implements Rtc {
  readonly typeName = KIND as RtcCmos['typeName'];
  readonly properties: Rtc['properties'] = {};
  readonly irq: IrqLine = new IrqLine('stopped-clock.irq');
  readonly timeSet$: Observable<TimeSet> = EMPTY;
  #state = { index: 0, cells: Object.assign(new Uint8Array(128), HIGH_NOON) };
  /** How often the guest has read the clock. */
  reads = 0;
  readonly io: Rtc['io'] = mmio(KIND, 2, {
    maxSize: 1,
    read: (port) => (port === 1 ? this.#read() : 0xff),
    write: (port, _size, value) => this.#write(port, value),
  });
  readonly cpuAdded: Rtc['cpuAdded'] = ({ present }) => this.setCell(CPU_COUNT, present - 1);
  readonly suspended: Rtc['suspended'] = () => this.setCell(SHUTDOWN_STATUS, RESUME);

  reset(): void {
    this.#state.index = 0;
  }

  cell(index: number): number {
    return this.#state.cells[index & 0x7f] ?? 0xff;
  }

  setCell(index: number, value: number): void {
    this.#state.cells[index & 0x7f] = value;
  }

  save(): SavedState {
    return savedState(KIND, 1, this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = restoreLike(saved, KIND, 1, this.#state, { index: 0x7f });
  }

  #read(): number {
    this.reads++;
    return this.cell(this.#state.index);
  }

  #write(port: number, value: number): void {
    if (port === 0) this.#state.index = value & 0x7f;
    else if (!(this.#state.index in HIGH_NOON)) this.setCell(this.#state.index, value);
  }
}

/** Puts `clock` where the board looks for its RTC. Give it to `createPc` among `modules`. */
export const stoppedClockModule = (clock: StoppedClock): ContainerModule =>
  new ContainerModule(({ rebind }) => {
    rebind(RtcCmos as unknown as ServiceIdentifier<Rtc>).toConstantValue(clock);
  });
