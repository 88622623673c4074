// Rewrites TypeScript so that one of many small changes of its meaning can be chosen while it runs: globalThis.mutant is the number of the
// change, or -1 for none.
import { parse } from '@babel/parser';

const SWAPS = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '<<': '>>>',
  '>>': '<<',
  '>>>': '<<',
  '&': '|',
  '|': '&',
  '^': '&',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '&&': '||',
  '||': '&&',
  '??': '&&',
  '+=': '-=',
  '-=': '+=',
  '|=': '&=',
  '&=': '|=',
  '^=': '|=',
  '<<=': '>>>=',
  '>>>=': '<<=',
};
/** Parts of the tree that say types, names and texts, and are no behaviour. */
const SKIPPED_KEYS = new Set([
  'typeAnnotation',
  'typeParameters',
  'typeArguments',
  'returnType',
  'superTypeParameters',
  'implements',
  'loc',
  'leadingComments',
  'trailingComments',
  'innerComments',
]);
const SKIPPED_TYPES = /^(TS|Import|ExportAll)/;
const KEPT_TS = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression']);

/** Gives the code with all its mutants in it. `first` is the number of the first. */
export function instrument(text, file, first) {
  const ast = parse(text, { sourceType: 'module', plugins: ['typescript'] });
  const context = { text, file, mutants: [], next: first };
  return { code: emit(ast.program, context), mutants: context.mutants };
}

/** The text of a node with its own mutants and those of its children. */
function emit(node, context) {
  const plain = splice(node, context);
  const variants = mutantsOf(node, context.text);
  if (variants.length === 0) return plain;
  const choices = variants.map(({ as, what }) => `globalThis.mutant===${number(node, what, context)}?${as}:`);
  return variants[0].statement ? `{if(globalThis.mutant!==${context.next - 1}){${plain}}}` : `(${choices.join('')}${plain})`;
}

/** A node's text in which each child is replaced by its own. */
function splice(node, context) {
  let code = '';
  let at = node.start;
  for (const child of children(node).sort((a, b) => a.start - b.start)) {
    if (child.start < at) continue;
    code += context.text.slice(at, child.start) + emit(child, context);
    at = child.end;
  }
  return code + context.text.slice(at, node.end);
}

function children(node) {
  return Object.entries(node).flatMap(([key, value]) => {
    if (
      SKIPPED_KEYS.has(key) ||
      (key === 'key' && !node.computed) ||
      (key === 'property' && !node.computed) ||
      (key === 'left' && node.type === 'AssignmentExpression')
    )
      return [];
    return [value]
      .flat()
      .filter((child) => child && typeof child.type === 'string' && typeof child.start === 'number' && isBehaviour(child));
  });
}

function isBehaviour({ type, declare }) {
  return !declare && (KEPT_TS.has(type) || !SKIPPED_TYPES.test(type));
}

function number(node, what, context) {
  context.mutants.push({ id: context.next, file: context.file, line: node.loc.start.line, what });
  return context.next++;
}

/** Changes of one node: replacement text, or a statement that is left out. */
function mutantsOf(node, text) {
  const original = (part) => text.slice(part.start, part.end);
  const change = (as, what = `${brief(original(node))} -> ${brief(as)}`) => ({ as: `(${as})`, what });
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression': {
      const swap = SWAPS[node.operator];
      return swap ? [change(withOperator(node, swap, text))] : [];
    }
    case 'UnaryExpression':
      return node.operator === '!' || node.operator === '~' ? [change(original(node.argument))] : [];
    case 'NumericLiteral':
      return [change(String(node.value + 1))];
    case 'BooleanLiteral':
      return [change(String(!node.value))];
    case 'ConditionalExpression':
      return [change(original(node.alternate)), change(original(node.consequent))];
    case 'ExpressionStatement':
      return isCall(node.expression) ? [{ statement: true, what: `${brief(original(node))} left out` }] : [];
    default:
      return [];
  }
}

/** Brackets around an operand are no part of it: all of the text is kept but the operator. */
function withOperator({ start, end, left, right, operator }, swap, text) {
  const at = text.indexOf(operator, left.end);
  if (at >= right.start) throw new Error(`no ${operator} in ${text.slice(start, end)}`);
  // brackets around both: ?? may not stand beside && without
  const [first, second] = [text.slice(start, at), text.slice(at + operator.length, end)];
  return /^[?&|]{2}$/.test(operator) ? `(${first})${swap}(${second})` : first + swap + second;
}

function isCall(expression) {
  return (
    ['CallExpression', 'OptionalCallExpression', 'AssignmentExpression', 'UpdateExpression'].includes(expression.type) &&
    expression.callee?.type !== 'Super'
  );
}

function brief(code) {
  const line = code.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
