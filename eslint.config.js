// Owns the lint rules: neostandard form, sizes, and which way imports may go. What a linter cannot see
// (folder names, file headers, generated code) is checked by test/tidy.test.ts.
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import neostandard, { plugins, resolveIgnoresFromGitignore } from 'neostandard'

const serviceNames = ['gateway', 'scheduler', 'attention-worker', 'ffn-worker']

const noDeepImports = {
  group: ['@tandem/*/*', '**/dist/**'],
  message: 'import what the package exports by name; deep imports hide dependencies'
}

/** A service may not import another one: they talk over gRPC. */
const serviceRules = serviceNames.map(name => ({
  files: [`services/${name}/**/*.ts`],
  rules: {
    'no-restricted-imports': ['error', {
      patterns: [noDeepImports, {
        group: serviceNames.filter(other => other !== name).map(other => `@tandem/${other}`).concat('@tandem/cli'),
        message: 'services never import each other'
      }]
    }]
  }
}))

const packageRules = {
  files: ['packages/*/**/*.ts'],
  ignores: ['packages/cli/**', 'packages/bench/**'],
  rules: {
    'no-restricted-imports': ['error', {
      patterns: [noDeepImports, {
        group: serviceNames.map(name => `@tandem/${name}`).concat('@tandem/cli'),
        message: 'packages never import services'
      }]
    }]
  }
}

export default [
  ...neostandard({
    ts: true,
    noJsx: true,
    ignores: [...resolveIgnoresFromGitignore(), 'packages/protocol/src/gen/**']
  }),
  {
    files: ['**/*.{js,mjs,ts}'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.js', '.mjs'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({
        conditionNames: ['tandem-source', 'node', 'import', 'default'],
        extensions: ['.ts', '.js', '.mjs', '.json', '.node'],
        extensionAlias: { '.js': ['.ts', '.js'] }
      })]
    },
    rules: {
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-len': ['error', { code: 150, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-default-export': 'error',
      'no-restricted-imports': ['error', { patterns: [noDeepImports] }],
      '@stylistic/comma-dangle': ['error', 'never'],
      '@stylistic/object-property-newline': 'off',
      // Generated messages are named X__Output; JSON of the APIs we speak is snake_case.
      'no-void': ['error', { allowAsStatement: true }],
      camelcase: ['error', { properties: 'never', ignoreDestructuring: true, allow: ['__Output$'] }]
    }
  },
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Overloads and type/value pairs of the same name are TypeScript's to check.
      'no-redeclare': 'off',
      'no-undef': 'off'
    }
  },
  {
    // A describe block is a list, not a function to read in one sitting.
    files: ['**/test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' }
  },
  {
    files: ['eslint.config.js', 'vitest.config.ts', '**/*.config.{js,ts,mjs}'],
    rules: { 'import-x/no-default-export': 'off' }
  },
  ...serviceRules,
  packageRules
]
