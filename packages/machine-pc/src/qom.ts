import { ControlError, type QomNode, type QomTree, type QomValue } from '@hotsocket/machine';
import { type ObjectTree, QomError, type QomObject } from '@hotsocket/qom';

/** The object tree as the control plane shows it. */
export function qomTree(tree: ObjectTree): QomTree {
  return {
    resolve: (path) => {
      const object = tree.resolve(path);
      return object && nodeOf(object);
    },
    types: () =>
      tree.types.all().map(({ name, parent, abstract }) => ({ name, ...(parent ? { parent } : {}), ...(abstract ? { abstract } : {}) })),
  };
}

const nodeOf = (object: QomObject): QomNode => ({
  type: object.type,
  path: object.path,
  list: () => object.list(),
  get: (property) => readProperty(object, property),
  set: (property, value) => writeProperty(object, property, value),
});

function readProperty(object: QomObject, property: string): QomValue | undefined {
  try {
    return object.get(property) as QomValue;
  } catch (error) {
    if (error instanceof QomError && error.code === 'no-such-property') return undefined;
    throw error;
  }
}

function writeProperty(object: QomObject, property: string, value: QomValue): void {
  try {
    object.set(property, value as never);
  } catch (error) {
    if (!(error instanceof QomError)) throw error;
    const code = error.code === 'no-such-property' || error.code === 'read-only' ? error.code : 'invalid-value';
    throw new ControlError(code, error.message, { cause: error });
  }
}
