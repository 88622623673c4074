export { FakeMachine, type FakeMachineOptions } from './fake-machine.js';
