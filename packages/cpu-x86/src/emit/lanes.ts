import { type Expr, f32, f64, i32, i64, v128 } from '@hotsocket/wasm-builder';

/** An element of a vector register: how it is moved to and from memory and whole registers. Integers of 8 and 16 bits are zero-extended. */
export interface Lane {
  readonly bytes: number;
  readonly load: (address: Expr, offset?: number) => Expr;
  readonly store: 'i32_8' | 'i32_16' | 'i32' | 'i64' | 'f32' | 'f64';
  /** Element `index` of a vector. */
  readonly extract: (vector: Expr, index: number) => Expr;
  /** The vector with another value in element `index`. */
  readonly replace: (vector: Expr, index: number, value: Expr) => Expr;
}

export const LANE_8: Lane = { bytes: 1, load: i32.load8U, store: 'i32_8', extract: v128.lane8U, replace: v128.replace8 };
export const LANE_16: Lane = { bytes: 2, load: i32.load16U, store: 'i32_16', extract: v128.lane16U, replace: v128.replace16 };
export const LANE_32: Lane = { bytes: 4, load: i32.load, store: 'i32', extract: v128.lane32, replace: v128.replace32 };
export const LANE_64: Lane = { bytes: 8, load: i64.load, store: 'i64', extract: v128.lane64, replace: v128.replace64 };
export const LANE_F32: Lane = { bytes: 4, load: f32.load, store: 'f32', extract: v128.laneF32, replace: v128.replaceF32 };
export const LANE_F64: Lane = { bytes: 8, load: f64.load, store: 'f64', extract: v128.laneF64, replace: v128.replaceF64 };

/** The integer element of a width. */
export const INTEGER_LANES: Readonly<Record<8 | 16 | 32 | 64, Lane>> = { 8: LANE_8, 16: LANE_16, 32: LANE_32, 64: LANE_64 };
