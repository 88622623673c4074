/** A line that cannot be carried out; `message` is what the user reads. */
export class MonitorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MonitorError';
  }
}
