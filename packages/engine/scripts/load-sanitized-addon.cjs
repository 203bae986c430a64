// Owns giving Node the sanitized addon in place of the built one; preloaded by sanitize.sh. Must not be part of what ships.
const Module = require('node:module')
const { basename } = require('node:path')
const process = require('node:process')

const sanitized = process.env.TANDEM_SANITIZED_ADDON
const load = Module._extensions['.node']
Module._extensions['.node'] = (module, path) => load(module, basename(path) === basename(sanitized) ? sanitized : path)
