import { type Expr, type FunctionBuilder, type FunctionHandle, i32 } from '@hotsocket/wasm-builder';
import { HOTNESS, RECORD_BYTES, RECORDS } from '../layout.js';

/**
 * Visits of a record after which it is worth translating. MEASURED on a boot of the cloud kernel: 1000 took a third longer than 2000, 4000
 * a twentieth less and a tenth less of all threads' time.
 */
export const HOT_VISITS = 4000;

/** Counts that control comes to `record` by a jump, and tells at the HOT_VISITSth time. */
export function countVisit(f: FunctionBuilder, record: Expr, hot: FunctionHandle): void {
  const counter = f.temporary('i32');
  const visits = f.temporary('i32');
  const index = i32.shrU(i32.sub(record, i32.const(RECORDS)), i32.const(Math.log2(RECORD_BYTES / 4)));
  f.set(counter, index);
  f.set(visits, i32.add(i32.load(f.get(counter), HOTNESS), i32.const(1)));
  f.store('i32', f.get(counter), f.get(visits), HOTNESS);
  f.if(i32.eq(f.get(visits), i32.const(HOT_VISITS)), () => f.call(hot, record));
}
