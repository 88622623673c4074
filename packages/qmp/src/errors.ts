/** The error classes of QMP. Clients may rely on the class, not on the text. */
export type QmpErrorClass = 'GenericError' | 'CommandNotFound' | 'DeviceNotActive' | 'DeviceNotFound' | 'KVMMissingCap';

/** A command was refused; becomes `{"error": {"class": …, "desc": …}}` on the wire. */
export class QmpError extends Error {
  readonly errorClass: QmpErrorClass;

  constructor(errorClass: QmpErrorClass, desc: string) {
    super(desc);
    this.name = 'QmpError';
    this.errorClass = errorClass;
  }
}
