export { type Access, BitField, type FieldSpec, ro, rsvd, rw, w1c, wo } from './bit-field.js';
export { type DefinedRegister, type NamedRegister, Register, register } from './register.js';
