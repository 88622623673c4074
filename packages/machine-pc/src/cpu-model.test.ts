import { cpuModel } from './cpu-model.js';
import { missingFeatures, PcOptionsError } from './index.js';

const ONE = { cores: 1, threads: 1 };
const leaf = (text: string, number: number): { eax: number; ebx: number; ecx: number; edx: number } => {
  const answer = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  cpuModel(text, ONE).answer(number, 0, 0, answer);
  return answer;
};

describe('cpuModel', () => {
  it('takes vendor, family, model, stepping and name of the processor from the text', () => {
    const text = 'max,vendor=GenuineIntel,family=6,model=58,stepping=9,model-id=Some CPU';
    expect(cpuModel(text, ONE).vendor).toBe('intel');
    expect(leaf(text, 0).ebx).toBe(0x756e_6547);
    expect(leaf(text, 1).eax).toBe(0x306a9);
    expect(leaf(text, 0x8000_0002).eax).toBe(0x656d_6f53);
  });

  it('leaves out features that are not emulated, and names those that were asked for', () => {
    const text = 'hotsocket64,+svm,-avx,+popcnt,avx512f=on';
    expect(leaf(text, 1).ecx & (1 << 28)).toBe(0);
    expect(leaf(text, 1).ecx & (1 << 23)).not.toBe(0);
    expect(missingFeatures(text)).toEqual(['svm', 'avx512f']);
  });

  it('a model of a real processor names what it lacks', () => {
    expect(missingFeatures('Haswell,+svm')).toEqual(expect.arrayContaining(['avx', 'avx2', 'fma', 'svm']));
    expect(leaf('Haswell', 1).eax).toBe(0x306c4);
    expect(leaf('Haswell', 0).ebx).toBe(0x756e_6547);
  });

  it.each([
    ['nosuch', /unknown CPU model 'nosuch'/],
    ['max,+bogus', /unknown CPU feature 'bogus'/],
    ['max,vendor=Cyrix', /'vendor=Cyrix': 'Cyrix' is not possible/],
    ['max,family=x', /'family=x'/],
    ['max,stepping=16', /'stepping=16'/],
    ['max,what', /write \+what/],
  ])('refuses %s', (text, message) => {
    expect(() => cpuModel(text, ONE)).toThrow(PcOptionsError);
    expect(() => cpuModel(text, ONE)).toThrow(message);
  });
});
