import { parseSmp } from './smp.js';

describe('parseSmp', () => {
  it.each([
    ['4', { cpus: 4, maxCpus: 4, sockets: 4, cores: 1, threads: 1 }],
    ['cpus=1,maxcpus=4', { cpus: 1, maxCpus: 4, sockets: 4, cores: 1, threads: 1 }],
    ['1,maxcpus=6,sockets=2,cores=3', { cpus: 1, maxCpus: 6, sockets: 2, cores: 3, threads: 1 }],
    ['1,maxcpus=255,cores=3', { cpus: 1, maxCpus: 255, sockets: 85, cores: 3, threads: 1 }],
    ['4,sockets=2', { cpus: 4, maxCpus: 4, sockets: 2, cores: 2, threads: 1 }],
    ['8,sockets=2,cores=2', { cpus: 8, maxCpus: 8, sockets: 2, cores: 2, threads: 2 }],
    ['8,sockets=2,threads=2', { cpus: 8, maxCpus: 8, sockets: 2, cores: 2, threads: 2 }],
    ['sockets=1,cores=3,threads=2', { cpus: 6, maxCpus: 6, sockets: 1, cores: 3, threads: 2 }],
    ['1,sockets=1,cores=3,threads=2,maxcpus=6', { cpus: 1, maxCpus: 6, sockets: 1, cores: 3, threads: 2 }],
    ['maxcpus=4', { cpus: 1, maxCpus: 4, sockets: 4, cores: 1, threads: 1 }],
    ['0x2', { cpus: 2, maxCpus: 2, sockets: 2, cores: 1, threads: 1 }],
  ])('%s', (text, expected) => {
    expect(parseSmp(text)).toEqual(expected);
  });

  it('never changes a number that was given, and leaves room for every CPU', () => {
    const keys = ['cpus', 'maxcpus', 'sockets', 'cores', 'threads'] as const;
    const names = { cpus: 'cpus', maxcpus: 'maxCpus', sockets: 'sockets', cores: 'cores', threads: 'threads' } as const;
    let accepted = 0;
    for (let code = 0; code < 5 ** keys.length; code++) {
      const given = keys.map((key, place) => [key, Math.floor(code / 5 ** place) % 5] as const).filter(([, value]) => value > 0);
      if (given.length === 0) continue;
      try {
        const smp = parseSmp(given.map(([key, value]) => `${key}=${value}`).join(','));
        accepted++;
        for (const [key, value] of given) expect(smp[names[key]]).toBe(value);
        expect(smp.sockets * smp.cores * smp.threads).toBeGreaterThanOrEqual(smp.maxCpus);
        expect(smp.maxCpus).toBeGreaterThanOrEqual(smp.cpus);
      } catch (error) {
        expect(String(error)).toMatch(/maxcpus/);
      }
    }
    expect(accepted).toBeGreaterThan(500);
  });
});
