import { SseFloat, X87 } from '../dist/index.js';

const buf = new ArrayBuffer(4096);
const dv = new DataView(buf);
const x = new X87(dv, { regs: 0, fcw: 128, fsw: 130, ftw: 132, fop: 134, fip: 136, fdp: 144, fcs: 152, fds: 154, operand: 160 });
x.finit();
const ld = (v) => {
  dv.setFloat64(160, v, true);
  x.memory(0xdd, 0, 0);
};
ld(1.0000001);
ld(1.37);
const time = (name, f, n = 2e6) => {
  for (let i = 0; i < 2e5; i++) f(i);
  const t = process.hrtime.bigint();
  for (let i = 0; i < n; i++) f(i);
  console.log(name, (Number(process.hrtime.bigint() - t) / n).toFixed(1), 'ns');
};
time('fmul', () => {
  x.register(0xd8, 0xc9, 0);
  if ((dv.getUint16(8, true) & 0x7fff) > 0x4100) x.register(0xd9, 0xc9, 0);
});
time('fadd', () => {
  x.register(0xd8, 0xc1, 0);
});
time('fdiv', () => {
  x.register(0xd8, 0xf1, 0);
});
time(
  'fsqrt',
  () => {
    x.register(0xd9, 0xfa, 0);
  },
  3e5,
);
time('fld/fstp m64', () => {
  x.memory(0xdd, 0, 0);
  x.memory(0xdd, 3, 0);
});
time('fild/fistp m32', () => {
  x.memory(0xdb, 0, 0);
  x.memory(0xdb, 3, 0);
});
for (const [n, m] of [
  ['fsin', 0xfe],
  ['fptan+pop', 0xf2],
  ['f2xm1', 0xf0],
  ['fyl2x', 0xf1],
  ['fpatan', 0xf3],
]) {
  x.finit();
  time(
    n,
    () => {
      ld(0.7);
      ld(0.6);
      x.register(0xd9, m, 0);
      x.finit();
    },
    2e4,
  );
}
const s = new SseFloat(dv);
dv.setFloat64(1024, 1.1, true);
dv.setFloat64(1032, 2.3, true);
time('mul64 fast', () => s.mul64(1040, 1024, 1032, 0x1fa0));
time('mul64 slow', () => s.mul64(1040, 1024, 1032, 0x1f80));
time('div64 slow', () => s.div64(1040, 1024, 1032, 0x1f80));
time('add64 slow', () => s.add64(1040, 1024, 1032, 0x1f80));
