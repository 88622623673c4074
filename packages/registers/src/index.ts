export { type Access, BitField, type FieldSpec, ro, rsvd, rw, w1c, wo } from './bit-field.js';
export { type DefinedRegister, Register, register } from './register.js';
