/** Codes of `AmlRuntimeError`: stable, for programs. */
export type AmlRuntimeErrorCode =
  /** the table's length or checksum is wrong */
  | 'TABLE'
  /** the bytes end inside a term */
  | 'TRUNCATED'
  /** no such opcode, or one that is not executed here */
  | 'BAD_OPCODE'
  /** no object has this name */
  | 'NOT_FOUND'
  /** an object of this name is there already */
  | 'EXISTS'
  /** an object of another type is needed */
  | 'TYPE'
  /** an index, field or region access outside of its object */
  | 'RANGE'
  | 'DIVIDE_BY_ZERO'
  /** a mutex that is not held is released */
  | 'MUTEX'
  /** nobody serves the address space of a region */
  | 'NO_SPACE'
  /** the code says itself that it cannot go on (`Fatal`) */
  | 'FATAL'
  /** more terms were executed than the limit */
  | 'STEP_LIMIT'
  /** terms or calls are nested more deeply than the limit */
  | 'DEPTH_LIMIT'
  /** more bytes were allocated than the limit */
  | 'SIZE_LIMIT';

/** AML that cannot be loaded or executed. The interpreter can go on with another call. */
export class AmlRuntimeError extends Error {
  readonly code: AmlRuntimeErrorCode;

  constructor(code: AmlRuntimeErrorCode, message: string) {
    super(message);
    this.name = 'AmlRuntimeError';
    this.code = code;
  }
}
