import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { DebugConsole, type DebugConsoleOptions } from './debug-console.js';
import { DebugExit, type DebugExitOptions } from './debug-exit.js';
import { PcTestdev } from './pc-testdev.js';
import { PostCode } from './post-code.js';

/** Binds `DebugConsole`, one per container. */
export const debugConsoleModule = (options: DebugConsoleOptions = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(DebugConsole)
      .toResolvedValue(() => new DebugConsole(options))
      .inSingletonScope();
  });

/** Binds `PostCode`, one per container; the container must bind `Trace`. */
export const postCodeModule: ContainerModule = new ContainerModule(({ bind }) => {
  bind(PostCode)
    .toResolvedValue((trace: Trace) => new PostCode({ trace }), [Trace])
    .inSingletonScope();
});

/** Binds `DebugExit`, one per container; the container must bind `Trace`. */
export const debugExitModule = (options: DebugExitOptions = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(DebugExit)
      .toResolvedValue((trace: Trace) => new DebugExit({ trace }, options), [Trace])
      .inSingletonScope();
  });

/** Binds `PcTestdev`, one per container. */
export const pcTestdevModule: ContainerModule = new ContainerModule(({ bind }) => {
  bind(PcTestdev)
    .toResolvedValue(() => new PcTestdev())
    .inSingletonScope();
});
