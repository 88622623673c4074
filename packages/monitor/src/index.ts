export type { CommandContext, MonitorCommand } from './command.js';
export { MONITOR_COMMANDS } from './commands.js';
export { ConsoleMux, type ConsoleMuxOptions } from './console-mux.js';
export { MonitorError } from './errors.js';
export { ExpressionReader, type RegisterReader } from './expression.js';
export { INFO_TOPICS } from './info.js';
export { LineEditor, type LineEditorOptions } from './line-editor.js';
export { Monitor, type MonitorOptions } from './monitor.js';
export { MonitorSession, PROMPT } from './monitor-session.js';
