export { ByteBuffer } from './byte-buffer.js';
export { Const, type DependencyVisitor, type Expr, type Local, type ValueType } from './expr.js';
export { type Checkpoint, FunctionBuilder, type Label } from './function-builder.js';
export { type FunctionHandle, type GlobalHandle, ModuleBuilder, type Signature } from './module-builder.js';
export { f32, f64, i32, i64, select, v128 } from './ops.js';
