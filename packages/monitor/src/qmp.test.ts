import type { CpuAddError } from '@hotsocket/machine/control';
import { cpuAddText, QmpServer } from '@hotsocket/qmp';
import { FakeMachine } from '@hotsocket/qmp/testing';
import { Monitor } from './monitor.js';

function ask(dialect: '1.5' | '3.1', line: string): unknown {
  const machine = new FakeMachine({ bootCpus: 3 });
  const humanMonitor = new Monitor({
    machine,
    errorText: (error) => ('index' in error ? cpuAddText(error as CpuAddError, dialect) : error.message),
  });
  const server = new QmpServer({ machine, dialect, humanMonitor });
  const written: string[] = [];
  const session = server.connect({ write: (text) => written.push(text), pendingBytes: 0, end: () => {} });
  const request = { execute: 'human-monitor-command', arguments: { 'command-line': line } };
  session.receive(new TextEncoder().encode(`{"execute":"qmp_capabilities"}${JSON.stringify(request)}`));
  server.dispose();
  return JSON.parse(written.at(-1)!);
}

describe('human-monitor-command of a QMP server', () => {
  it('gives the texts that the reference gave', () => {
    expect(ask('3.1', 'cpu-add 2')).toEqual({ return: 'CPU[2] with APIC ID 2 exists\r\n' });
    expect(ask('1.5', 'cpu-add 2')).toEqual({ return: 'Unable to add CPU: 2, it already exists\r\n' });
    expect(ask('3.1', 'bogus')).toEqual({ return: "unknown command: 'bogus'\r\n" });
    expect(ask('1.5', 'info status')).toEqual({ return: 'VM status: running\r\n' });
  });

  it('runs actions', () => {
    expect(ask('1.5', 'cpu-add 3')).toEqual({ return: '' });
  });
});
