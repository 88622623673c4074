/** Codes of `PcError`: stable, for programs. */
export type PcErrorCode =
  | 'WAIT_TIMEOUT'
  | 'WAIT_ABORTED'
  | 'MACHINE_ENDED'
  | 'INTERNAL_ERROR'
  | 'NOT_LOADED'
  | 'IMAGE_SOURCE'
  | 'EVENTS_LOST'
  | 'NO_SUCH_PORT';

/** A call on an embedded PC failed. Texts are for people and may change; `code` stays. */
export class PcError extends Error {
  readonly code: PcErrorCode;

  constructor(code: PcErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PcError';
    this.code = code;
  }
}
