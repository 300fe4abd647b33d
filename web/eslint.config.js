import a11y from 'eslint-plugin-jsx-a11y'
import hooks from 'eslint-plugin-react-hooks'
import ts from 'typescript-eslint'

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/api/schema.d.ts', 'src/api/values.ts'] },
  ...ts.configs.recommended,
  {
    files: ['**/*.tsx'],
    ...a11y.flatConfigs.recommended,
    // Forms that are the whole page, and dialogs, begin where one types.
    rules: { ...a11y.flatConfigs.recommended.rules, 'jsx-a11y/no-autofocus': 'off' },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    rules: { 'react-hooks/rules-of-hooks': 'error', 'react-hooks/exhaustive-deps': 'error', 'no-console': 'error' },
  },
  { rules: { '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }] } },
)
