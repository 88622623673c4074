'use strict';
// jest-environment-node, but in a vm context without property interceptors (node >= 20.18 / 22.8)
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');
class FastNodeEnvironment extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    const ordinary = vm.constants?.DONT_CONTEXTIFY;
    if (ordinary !== undefined) vm.createContext = () => createContext(ordinary);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}
module.exports = FastNodeEnvironment;
module.exports.default = FastNodeEnvironment;
module.exports.TestEnvironment = FastNodeEnvironment;
