import { type AccessSize, IoSpace } from '@hotsocket/address-space';
import type { Trace, TracePoint } from '@hotsocket/trace';

/** The I/O space with trace points for every access; an access over several owners shows its bytes, then the whole. */
export class TracedIoSpace extends IoSpace {
  readonly #read: TracePoint;
  readonly #write: TracePoint;

  constructor(trace: Trace) {
    super();
    const { io_read, io_write } = trace.points({ io_read: ['port', 'size', 'value'], io_write: ['port', 'size', 'value'] });
    this.#read = io_read;
    this.#write = io_write;
  }

  override read(port: number, size: AccessSize): number {
    const value = super.read(port, size);
    if (this.#read.on) this.#read.emit(port, size, value);
    return value;
  }

  override write(port: number, size: AccessSize, value: number): void {
    if (this.#write.on) this.#write.emit(port, size, value);
    super.write(port, size, value);
  }
}
