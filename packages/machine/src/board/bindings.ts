import { Container, ContainerModule, type ServiceIdentifier } from 'inversify';
import { ABSENT } from './absent.js';

const nameOf = (token: ServiceIdentifier): string =>
  typeof token === 'function' ? token.name : String(token).replace(/^Symbol\((.*)\)$/, '$1');

/** The container of a machine while it is built, which knows which module bound what. */
export class Bindings {
  readonly container: Container = new Container({ defaultScope: 'Singleton' });
  readonly problems: string[] = [];
  readonly #binders = new Map<ServiceIdentifier, string[]>();
  readonly #refused = new Set<ServiceIdentifier>();

  /** Loads a module; `label` is what messages call it. */
  load(module: ContainerModule, label: string): void {
    try {
      this.container.load(this.#watched(module, label));
    } catch (error) {
      this.problems.push(`${label}: ${firstLine(error)}`);
    }
  }

  /** Reports every token that is bound more than once. */
  checkUnique(): void {
    for (const [token, binders] of this.#binders) {
      if (binders.length < 2) continue;
      this.#refused.add(token);
      this.problems.push(
        `${nameOf(token)} is bound ${binders.length} times: ${binders.join(', ')}; a module that swaps a part says rebind`,
      );
    }
  }

  /** How often a token is bound. */
  count(token: ServiceIdentifier): number {
    return this.#binders.get(token)?.length ?? 0;
  }

  /** The part that a token stands for; a problem and an absent part when there is none. */
  get<T>(token: ServiceIdentifier<T>): T {
    try {
      return this.container.get(token);
    } catch (error) {
      this.#refuse(token, error);
      return ABSENT as T;
    }
  }

  #refuse(token: ServiceIdentifier, error: unknown): void {
    if (this.#refused.has(token)) return;
    this.#refused.add(token);
    this.problems.push(...this.#explain(nameOf(token), error));
  }

  #explain(part: string, error: unknown): string[] {
    const message = error instanceof Error ? error.message : String(error);
    const missing = /^No bindings found for service: "(.*?)"/.exec(message)?.[1];
    if (missing === part) return [`no module binds ${part}: load the module that does, or bind another part to it`];
    if (missing !== undefined) return [`${part} needs ${missing}, which no module binds`];
    const ambiguous = /^Ambiguous bindings found for service: "(.*?)"/.exec(message)?.[1];
    return ambiguous === undefined ? [`${part}: ${firstLine(error)}`] : [];
  }

  #watched(module: ContainerModule, label: string): ContainerModule {
    return new ContainerModule((options) =>
      module.load({
        ...options,
        bind: (token) => {
          this.#binders.set(token, [...(this.#binders.get(token) ?? []), label]);
          return options.bind(token);
        },
        rebind: (token) => {
          this.#binders.set(token, [label]);
          return options.rebind(token);
        },
        unbind: (token) => {
          this.#binders.delete(token as ServiceIdentifier);
          options.unbind(token);
        },
      }),
    );
  }
}

export const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
